"""What `rnnlab use` asks and says."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rnnlab.cli import use
from rnnlab.project.errors import UserError

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


def test_a_file_is_only_looked_at_unless_it_is_to_be_run(
    rnnlab: Callable[..., int], project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = project / "heat.csv"
    source.write_text("\n".join(["value", *(f"{20 + day % 7 / 4}" for day in range(200))]))
    Path("heat.csv.dvc").touch()
    assert rnnlab("use", "heat.csv") == 0
    *_, last = capsys.readouterr().out.splitlines()
    assert last == "run it: rnnlab use heat.csv --run, or in a copy: rnnlab experiments run heat"
    assert not (project.parent / "calls").exists()
