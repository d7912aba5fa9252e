import json
from pathlib import Path

import pytest

from rnnlab.cli import main
from rnnlab.project import layout
from rnnlab.project.params import Params
from tests.support.results import changed, lay_out


def rnnlab(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["rnnlab", *words])
    return main.run()


@pytest.fixture
def result(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out(changed(settings, train__seeds=[1, 2, 3]))


@pytest.mark.usefixtures("result")
def test_each_pair_is_told_what_it_takes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert rnnlab(monkeypatch, "power", "--difference", "20") == 0
    header, _, line, *_ = capsys.readouterr().out.splitlines()
    assert "seeds, with 40 rows" in header
    assert line.startswith("lstm, rnn ")
    assert " 20.0 " in line


@pytest.mark.usefixtures("result")
def test_the_margin_is_the_default_and_tables_may_be_markdown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rnnlab(monkeypatch, "power", "--markdown") == 0
    assert "| lstm, rnn " in (printed := capsys.readouterr().out)
    assert " 1.0 |" in printed


@pytest.mark.parametrize("size", ["0", "-1", "nan", "inf", "much"])
def test_a_difference_is_a_positive_number(
    size: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        rnnlab(monkeypatch, "power", "--difference", size)
    assert "--difference" in capsys.readouterr().err


@pytest.mark.usefixtures("result")
def test_a_result_of_an_earlier_version_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    comparison = json.loads(layout.COMPARISON.read_text())
    for pair in comparison["pairs"]:
        del pair["components"]
    layout.COMPARISON.write_text(json.dumps(comparison))
    assert rnnlab(monkeypatch, "power") == 1
    assert capsys.readouterr().err == (
        "error: reports/comparison.json: of an earlier version, which kept no variances; run `dvc repro`\n"
    )
