from collections import Counter

import pytest

from rnnlab.data import labels


def test_a_few_labels_of_several_rows_will_do() -> None:
    assert labels.problem({"bad": 5, "good": 7, "none": 3}, most=50, fewest_rows=3) is None


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({}, "holds no labels at all"),
        ({"good": 9}, "has one label only, 'good'"),
        (Counter(map(str, range(4000))), "has 4,000 different values in 4,000 rows: an id or a text"),
        (dict.fromkeys(map(str, range(60)), 9), "has 60 labels, '0', '1', '2', …; expected at most 50"),
        ({"good": 9, "b\u202ead": 9}, "has the label 'b"),
        ({"good": 9, "b" * 101: 9}, "expected 1 to 100 visible characters"),
        ({"Good": 9, "good": 9, "bad": 9}, "differ only in case or blanks, 'Good' and 'good'"),
        ({"so so": 9, "so  so": 9}, "differ only in case or blanks, 'so so' and 'so  so'"),
        ({"so-so": 9, "so so": 9}, "differ only in case or blanks"),
        ({"good": 9, "bad": 1}, "has 1 row with the label 'bad', too few for each split to have one; add rows (to 3)"),
        ({"good": 9, "bad": 2}, "has 2 rows with the label 'bad'"),
    ],
)
def test_what_is_no_label_is_told(counts: dict[str, int], sentence: str) -> None:
    assert sentence in (labels.problem(counts, most=50, fewest_rows=3) or "")


@pytest.mark.parametrize(("cell", "missing"), [("", True), ("NA", True), ("NaN", True), ("none", False), ("0", False)])
def test_programs_write_missing_labels_in_words(cell: str, missing: bool) -> None:
    assert labels.is_missing(cell) is missing
