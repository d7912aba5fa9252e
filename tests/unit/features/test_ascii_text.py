"""The fast way for plain ASCII and the general one give the same words."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from rnnlab.features import text

# Blanks, control characters and apostrophes often: that is where ways part.
ASCII = st.text(
    st.sampled_from(" '\t\n\x00\x1f\x7f-._aBz09") | st.characters(max_codepoint=127, exclude_characters="&<")
)


def only_ascii(texts: list[str]) -> tuple[list[str], list[list[str]]]:
    cleaned = text.clean(pa.array(texts, pa.string()))
    return cleaned.to_pylist(), text.words(cleaned).to_pylist()


def with_another_letter(texts: list[str]) -> tuple[list[str], list[list[str]]]:
    """Takes the way of regular expressions, by adding a letter beyond ASCII and removing it again."""
    cleaned = text.clean(pa.array([f"{each} é" for each in texts], pa.string()))
    words = [of_text[:-1] or [""] for of_text in text.words(cleaned).to_pylist()]
    return [each.removesuffix("é").rstrip(" ") for each in cleaned.to_pylist()], words


@given(st.lists(ASCII, min_size=1, max_size=8))
def test_both_ways_have_the_same_result(texts: list[str]) -> None:
    assert only_ascii(texts) == with_another_letter(texts)


@given(st.lists(ASCII, min_size=3, max_size=8))
def test_a_part_of_a_table_is_read_like_a_table(texts: list[str]) -> None:
    whole, part = pa.array(texts, pa.string()), pa.array(texts, pa.string()).slice(1, len(texts) - 2)
    assert text.words(text.clean(part)).to_pylist() == text.words(text.clean(whole)).to_pylist()[1:-1]


def test_apostrophes_belong_to_the_words_around_them() -> None:
    texts = ["don't", "'tis", "dogs'", "a ''b'' c", "x''y", "'", "'' '", "rock 'n' roll", "it's.'"]
    words = text.words(pa.array(texts, pa.string())).to_pylist()
    assert words == [
        *(["don't"], ["tis"], ["dogs"], ["a", "b", "c"], ["x''y"], [""], [""], ["rock", "n", "roll"], ["it's"])
    ]


def test_a_million_apostrophes_take_no_time() -> None:
    assert text.words(pa.array(["'" * 10**6 + "a"], pa.string())).to_pylist() == [["a"]]


def test_no_texts_and_empty_ones() -> None:
    assert text.words(text.clean(pa.array([], pa.string()))).to_pylist() == []
    assert text.words(text.clean(pa.array(["", " "], pa.string()))).to_pylist() == [[""], [""]]
