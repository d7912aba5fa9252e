import pytest

from rnnlab.data.series_columns import Column
from rnnlab.project.errors import UserError


def column(*cells: str, place: int = 0) -> Column:
    """A column that may lack two values in a row, the target if it is the first."""
    made = Column("mine.csv", place, "heat", "data.value_column", 2)
    for row, cell in enumerate(cells, start=1):
        made.add(row, cell)
    return made


def test_a_gap_takes_the_value_before_it() -> None:
    found = column("", "1.5", "NA", "", "-2")
    assert (found.first_value(), found.gaps, found.longest, found.longest_at) == (1, 3, 2, 3)
    assert found.carried_forward(1).tolist() == [1.5, 1.5, 1.5, -2.0]


@pytest.mark.parametrize("place", [0, 1])
def test_a_word_among_numbers_is_refused(place: int) -> None:
    with pytest.raises(
        UserError, match=r"mine\.csv: row 2 has 'warm' in column 'heat'; expected a number such as -1\.5"
    ):
        column("1.5", "warm", place=place)


def test_a_column_beside_the_values_may_hold_words() -> None:
    assert column("warm", "", "7", place=1).arrow(0).to_pylist() == ["warm", "warm", "7"]
