from pathlib import Path

import pytest

from rnnlab.data import headers
from rnnlab.project.errors import UserError


def test_rows_as_wide_as_the_header_and_blank_ones_are_passed_on() -> None:
    rows = [(1, ["a", "b"]), (2, []), (3, ["c", "d"])]
    assert list(headers.rows_below(Path("mine.csv"), ["text", "label"], iter(rows), "row")) == rows


@pytest.mark.parametrize("row", [["a"], ["a", "b", "c"]])
def test_other_rows_are_refused(row: list[str]) -> None:
    with pytest.raises(UserError, match=rf"mine\.csv: row 1 has {len(row)} cells where the header has 2; quote cells"):
        list(headers.rows_below(Path("mine.csv"), ["text", "label"], iter([(1, row)]), "row"))
