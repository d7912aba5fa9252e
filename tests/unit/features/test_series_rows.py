from rnnlab.features import series_rows
from tests.support.builders import two_shops


def test_series_of_a_table_are_told_apart_and_keep_their_order() -> None:
    found = series_rows.by_series(two_shops())
    assert {name: table["row"].to_pylist() for name, table in found.items()} == {
        "z": [*range(1, 101)],
        "a": [*range(101, 161)],
    }
    assert list(found) == ["z", "a"]


def test_a_split_has_the_rows_of_each_series() -> None:
    found = series_rows.read_split(two_shops(), "test")
    assert {name: split.rows.tolist() for name, split in found.items()} == {
        "z": [*range(81, 101)],
        "a": [*range(149, 161)],
    }
