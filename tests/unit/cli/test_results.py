"""`rnnlab results`."""

from pathlib import Path

import pytest

from rnnlab.cli import main
from rnnlab.project.params import Params
from tests.support.results import changed, lay_out


def test_a_result_is_followed_by_where_to_find_more(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lay_out(changed(settings, train__seeds=[1, 2, 3]))
    monkeypatch.setattr("sys.argv", ["rnnlab", "results"])
    assert main.run() == 0
    table, verdicts, places = capsys.readouterr().out.strip().split("\n\n")
    assert "lstm" in table and verdicts.startswith("- ")
    assert places.splitlines() == [
        "page:     reports/index.html",
        "figures:  reports/figures/*.png",
        "MLflow:   make ui, then open one of the links it prints",
    ]
