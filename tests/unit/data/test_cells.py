import pytest

from rnnlab.data import cells


@pytest.mark.parametrize(
    ("name", "is_label"),
    [("sentiment", True), (" Sentiment ", True), ("airline sentiment", True), ("sentiment_of", False), ("", False)],
)
def test_a_column_is_called_by_its_name_or_the_last_word_of_it(name: str, is_label: bool) -> None:
    assert cells.is_named(name, cells.LABEL_NAMES[0]) == is_label
