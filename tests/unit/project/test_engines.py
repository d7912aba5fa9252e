"""A task for each of many files."""

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
