"""How `rnnlab use` asks."""

import sys

import pytest

from rnnlab.cli import use
from rnnlab.project.errors import UserError

QUESTION = ("which column?", "--value", ("a", "b", "c"))


@pytest.mark.parametrize(
    ("typed", "answer"), [(["2"], "b"), (["a"], "a"), (["", "9", "x", "3"], "c"), ([""], "b"), (["x", ""], "b")]
)
def test_a_column_is_chosen_by_its_number_or_name(
    monkeypatch: pytest.MonkeyPatch, typed: list[str], answer: str
) -> None:
    lines = iter(typed)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))
    default = "b" if typed[-1] == "" else ""
    assert use._ask(*QUESTION, default) == answer


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
