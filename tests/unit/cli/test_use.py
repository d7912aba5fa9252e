"""What `rnnlab use` asks and says."""

import re
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnlab.cli import use
from rnnlab.experiments import catalogue
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.results import lay_out

QUESTION = ("which column?", "--value", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("typed", "answer"),
    [(["1"], "a"), (["2"], "b"), (["a"], "a"), (["", "9", "x", "3"], "c"), ([""], "b"), (["x", ""], "b")],
)
def test_a_column_is_chosen_by_its_number_or_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], typed: list[str], answer: str
) -> None:
    lines = iter(typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    default = "b" if typed[-1] == "" else ""
    assert use._ask(*QUESTION, default) == answer
    assert capsys.readouterr().out == "  1  a\n  2  b\n  3  c\n"


def test_without_a_terminal_there_is_a_default_or_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    assert use._ask(*QUESTION, "c") == "c"
    with pytest.raises(UserError, match=r"which column\? It could be any of a, b, c; name one with --value"):
        use._ask(*QUESTION)


@pytest.mark.parametrize(
    ("minutes", "told"),
    [(0.2, "1 minute"), (1.4, "1 minute"), (1.6, "2 minutes"), (89.0, "89 minutes"), (121, "2 hours")],
)
def test_a_duration_is_told_in_whole_minutes_or_hours(minutes: float, told: str) -> None:
    assert use._duration(minutes) == told


@pytest.mark.parametrize(
    ("file", "name"), [("My Reviews (2).csv.gz", "my-reviews-2"), ("好.csv", "mine"), ("a" * 90, "a" * 60)]
)
def test_an_experiment_is_named_after_its_file(file: str, name: str) -> None:
    assert use._name(Path(file)) == name


@pytest.fixture
def heat(project: Path) -> Path:
    """A series that DVC knows already."""
    source = project / "heat.csv"
    source.write_text("\n".join(["value", *(f"{20 + day % 7 / 4}" for day in range(200))]))
    source.with_name("heat.csv.dvc").touch()
    return source


def test_a_file_is_only_looked_at_unless_it_is_to_be_run(
    rnnlab: Callable[..., int], heat: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rnnlab("use", "heat.csv") == 0
    *_, wrote, trains, _, last = capsys.readouterr().out.splitlines()
    assert wrote == "wrote experiments/heat.yaml: every setting, and why"
    assert re.fullmatch(r"it trains 10 networks, in very roughly \d+ minutes on two cores, or less", trains)
    assert last == "run it: rnnlab use heat.csv --run, or in a copy: rnnlab experiments run heat"
    assert not (heat.parents[1] / "calls").exists()


def test_what_is_run_is_an_experiment_of_dvc_whose_result_is_shown(
    rnnlab: Callable[..., int], heat: Path, settings: Params, capfd: pytest.CaptureFixture[str]
) -> None:
    (heat.parent / ".dvc").mkdir()
    assert rnnlab("use", "heat.csv") == 0
    [setup] = catalogue.load("heat", settings).setups
    lay_out(setup.settings)  # as if it had been run
    capfd.readouterr()
    assert rnnlab("use", "heat.csv", "--run") == 0
    told = capfd.readouterr().out
    [command] = [line for line in told.splitlines() if line.startswith("dvc ")]
    _, *words = shlex.split(command)
    assert words[:4] == ["exp", "run", "--name", "heat"] and "data.csv=heat.csv" in words
    calls = (heat.parents[1] / "calls").read_text().splitlines()
    assert calls == ["repro size", "status --json", " ".join(words)]
    assert "last_value" in told
    assert told.endswith("params.yaml now holds these settings; to have yours back: git checkout params.yaml\n")
