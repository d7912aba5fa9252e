"""A task for each of many files, one after the other or with a Ray that runs them here."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rnnlab.project import engines
from rnnlab.project.errors import UserError


def square(number: int) -> int:
    if number < 0:
        raise UserError(f"{number}: is negative")
    return number * number


def test_results_are_in_the_order_of_the_items() -> None:
    assert engines.each("local", square, [3, 1, 2], "square") == [9, 1, 4]
    assert engines.each("local", square, [], "square") == []


def test_every_item_is_done_and_every_failure_reported() -> None:
    done = []

    def task(number: int) -> int:
        done.append(number)
        return square(number)

    with pytest.raises(UserError, match=r"^-1: is negative; -3: is negative$"):
        engines.each("local", task, [-1, 2, -3, 4], "square")
    assert done == [-1, 2, -3, 4]


def test_of_a_thousand_failures_a_few_are_reported() -> None:
    with pytest.raises(UserError) as mistake:
        engines.each("local", square, range(-1000, 0), "square")
    assert str(mistake.value).count("is negative") == 5
    assert str(mistake.value).endswith("and 995 more files")


def test_a_failure_that_is_no_mistake_of_the_user_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        engines.each("local", lambda number: 1 // number, [0], "divide")


class Rows:
    """Rows of Ray, which come as they are done, with a bar, unless it is told otherwise."""

    def __init__(self, context: Any, rows: list[Any]) -> None:
        self.context, self.rows = context, rows

    def map(self, run: Callable[[Any], Any]) -> "Rows":
        return Rows(self.context, [run(row) for row in self.rows])

    def iter_rows(self) -> Iterator[Any]:
        if self.context.enable_progress_bars:
            print("Running: 100%", file=sys.stderr)
        return iter(self.rows if self.context.execution_options.preserve_order else self.rows[::-1])


@pytest.fixture
def ray(monkeypatch: pytest.MonkeyPatch) -> None:
    context = SimpleNamespace(enable_progress_bars=True, execution_options=SimpleNamespace(preserve_order=False))
    data = SimpleNamespace(
        DataContext=SimpleNamespace(get_current=lambda: context),
        range=lambda count, override_num_blocks: Rows(context, [{"id": number} for number in range(count)]),
    )
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(data=data, exceptions=SimpleNamespace(RayError=OSError)))
    monkeypatch.setitem(sys.modules, "ray.data", data)


@pytest.mark.usefixtures("ray")
def test_ray_returns_and_reports_the_same_without_a_bar_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert engines.each("ray", square, [3, 1, 2], "square") == [9, 1, 4]
    with pytest.raises(UserError, match=r"^-1: is negative; -3: is negative$"):
        engines.each("ray", square, [-1, 2, -3, 4], "square")
    assert capsys.readouterr().err == ""
