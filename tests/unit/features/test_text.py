import random
import time
import unicodedata

import numpy as np
import pyarrow as pa
import pytest

from rnnlab.features import text
from rnnlab.project.sections.data import TokenizePad

VOCABULARY = ["", "<unk>", "a", "b", "c", "d"]


def options(max_length: int = 4, padding: str = "pre", truncation: str = "pre") -> TokenizePad:
    return TokenizePad.model_validate(
        {
            "vocabulary_size": 100,
            "max_length": max_length,
            "padding": padding,
            "truncation": truncation,
            "oov_token": "<unk>",
        }
    )


def strings(*texts: str) -> pa.Array:
    return pa.array(texts, pa.string())


def cleaned(raw: str) -> str:
    result: list[str] = text.clean(strings(raw)).to_pylist()
    return result[0]


def words(raw: str) -> list[str]:
    result: list[list[str]] = text.words(text.clean(strings(raw))).to_pylist()
    return result[0]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("good<br /><br />film", "good film"),
        ('<a href="x">good</a> <B>film</B>', "good film"),
        ("good<!-- bad --> film", "good film"),
        ("1 < 2 and 3 > 2", "1 < 2 and 3 > 2"),
        ("I <3 it", "I <3 it"),
        ("Tom &amp; Jerry &eacute;t&#233;", "Tom & Jerry été"),
        ("R&D at AT&T", "R&D at AT&T"),
        ("&lt;br&gt;end", "end"),
        ("  many \t\r\n\u00a0\u2003 blanks ", "many blanks"),
        ("nul\0in\x07side", "nul in side"),
        ("cafe\u0301", "café"),
        ("", ""),
        (" \n\t ", ""),
        ("<br/>", ""),
    ],
)
def test_clean_leaves_plain_text(raw: str, expected: str) -> None:
    assert cleaned(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("a&#" + "9" * 5000 + ";b", "a\ufffdb"),
        ("a&#" + "0" * 5000 + "65;b", "aAb"),
        ("a&#x" + "f" * 5000 + ";b", "a\ufffdb"),
        ("a&#1114111;b", "ab"),
        ("a&#1114112;b", "a\ufffdb"),
        ("a&#10000065;b", "a\ufffdb"),
        ("a&#000;b&#0;", "a\ufffdb\ufffd"),
    ],
    ids=lambda text: text[:12],
)
def test_numbers_that_are_no_characters_are_replaced_whatever_their_length(raw: str, expected: str) -> None:
    assert cleaned(raw) == expected


def test_a_pile_of_marks_is_cut_before_it_takes_hours() -> None:
    started = time.perf_counter()
    assert cleaned("x" + "\u0301" * 500_000 + "\u0323" * 500_000 + " y") == "x" + "\u0301" * 30 + " y"
    assert time.perf_counter() - started < 10


def test_a_pile_of_marks_in_a_text_of_a_thousand_characters_is_kept() -> None:
    assert len(cleaned("q" + "\u0301" * 999)) == 1000
    assert len(cleaned("q" + "\u0301" * 1000)) == 31


def test_clean_keeps_the_order_of_rows_with_and_without_entities() -> None:
    assert text.clean(strings("x", "a&amp;b", "", "&lt;", "y")).to_pylist() == ["x", "a&b", "", "<", "y"]


def test_clean_takes_an_empty_batch() -> None:
    assert text.clean(strings()).to_pylist() == []


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("The GOOD, the bad... and the-ugly!", ["the", "good", "the", "bad", "and", "the", "ugly"]),
        ("I don't 'like' it'", ["i", "don't", "like", "it"]),
        ("rock 'n' roll", ["rock", "n", "roll"]),
        ("10/10 at 8pm", ["10", "10", "at", "8pm"]),
        ("ÄRGER ÉTÉ Ñ", ["ärger", "été", "ñ"]),
        ("good 😀👍🏽 film", ["good", "film"]),
        ("שלום, עולם", ["שלום", "עולם"]),
        ("\u200fمرحبا\u200f بالعالم", ["مرحبا", "بالعالم"]),
        ("好 电影", ["好", "电影"]),
        ("q\u0323\u0307 ที่", ["q\u0323\u0307", "ที่"]),
        ("snake_case", ["snake", "case"]),
        ("a\0b", ["a", "b"]),
        ("good<br />film", ["good", "film"]),
    ],
)
def test_words_are_lower_case_and_free_of_punctuation(raw: str, expected: list[str]) -> None:
    assert words(raw) == expected


def test_composed_and_decomposed_characters_are_the_same_word() -> None:
    assert words(unicodedata.normalize("NFD", "Crème brûlée")) == words("crème brûlée")


def test_an_emoji_s_variation_selector_is_no_word() -> None:
    assert words("good ❤\ufe0f film ☹\ufe0f") == ["good", "film"]


@pytest.mark.parametrize("raw", ["", " ", "...", "'", "''' '", "😀", "<br />", "\0", "—"])
def test_a_text_without_a_word_is_exactly_one_unknown_word(raw: str) -> None:
    encoded = text.encode(text.clean(strings(raw)), VOCABULARY, options())
    assert encoded.tokens.tolist() == [[0, 0, 0, text.OOV_ID]]
    assert encoded.lengths.tolist() == [1]
    assert encoded.unknown == 1


def counted(table: pa.Table) -> dict[str, int]:
    return dict(zip(table["values"].to_pylist(), table["counts"].to_pylist(), strict=True))


def counts_of(**counts: int) -> pa.Table:
    return pa.table({"values": pa.array(counts, pa.string()), "counts": pa.array(counts.values(), pa.int64())})


@pytest.mark.parametrize("merged_rows", [1, 500_000])
def test_words_are_counted_over_all_rows_and_blank_ones_not_at_all(
    merged_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text, "_MERGED_ROWS", merged_rows)
    batches = [strings("A b a", ""), strings("b... a", "!"), strings(), strings("c")]
    assert counted(text.count_words(batches)) == {"a": 3, "b": 2, "c": 1}


def test_vocabulary_ranks_by_count_and_breaks_ties_by_alphabet() -> None:
    counts = counts_of(pear=2, apple=2, zebra=5, fig=1)
    assert text.fit_vocabulary(counts, 10, "<unk>") == ["", "<unk>", "zebra", "apple", "pear", "fig"]


def test_vocabulary_does_not_depend_on_the_order_of_rows() -> None:
    rows = ["b a", "c b", "a d"]
    vocabularies = [
        text.fit_vocabulary(text.count_words([strings(*order)]), 5, "?") for order in (rows, rows[::-1], sorted(rows))
    ]
    assert vocabularies == [["", "?", "a", "b", "c"]] * 3


@pytest.mark.parametrize("size", [3, 4, 5])
def test_vocabulary_size_includes_the_reserved_ids(size: int) -> None:
    assert len(text.fit_vocabulary(counts_of(a=2, b=3, c=1, d=1), size, "<unk>")) == size


def test_vocabulary_of_no_words_holds_the_reserved_ids_alone() -> None:
    assert text.fit_vocabulary(text.count_words([]), 10, "[UNK]") == ["", "[UNK]"]


@pytest.mark.parametrize(
    ("padding", "truncation", "expected"),
    [
        ("pre", "pre", [[0, 0, 2], [2, 3, 4], [3, 4, 5]]),
        ("pre", "post", [[0, 0, 2], [2, 3, 4], [2, 3, 4]]),
        ("post", "pre", [[2, 0, 0], [2, 3, 4], [3, 4, 5]]),
        ("post", "post", [[2, 0, 0], [2, 3, 4], [2, 3, 4]]),
    ],
)
def test_texts_are_padded_and_truncated_at_the_asked_sides(
    padding: str, truncation: str, expected: list[list[int]]
) -> None:
    encoded = text.encode(strings("a", "a b c", "a b c d"), VOCABULARY, options(3, padding, truncation))
    np.testing.assert_array_equal(encoded.tokens, expected)
    assert encoded.tokens.dtype == np.int32


def test_lengths_are_counted_before_truncation() -> None:
    assert text.encode(strings("a", "a b c d a b"), VOCABULARY, options(2)).lengths.tolist() == [1, 6]


def test_unknown_words_are_counted_before_truncation() -> None:
    encoded = text.encode(strings("x y a", "z a a a a", "b"), VOCABULARY, options(2))
    assert encoded.unknown == 3
    assert encoded.tokens.tolist() == [[1, 2], [2, 2], [0, 3]]


def test_the_oov_token_and_the_padding_entry_are_no_words_of_the_vocabulary() -> None:
    assert text.encode(strings("oov"), ["", "oov", "a"], options(2)).tokens.tolist() == [[0, text.OOV_ID]]


def test_an_empty_batch_gives_empty_arrays() -> None:
    encoded = text.encode(strings(), VOCABULARY, options(7))
    assert encoded.tokens.shape == (0, 7)
    assert encoded.lengths.shape == (0,)
    assert encoded.unknown == 0


def odd_texts(count: int, seed: int = 7) -> list[str]:
    generator = random.Random(seed)
    pieces = [
        *("a", "b", "C", "d", "don't", "'", "''", " ", "  ", ".", "-", "<br />", "<", ">", "<!--", "-->", "&amp;", "&"),
        *("&#0;", "&lt;b", "\0", "\n", "\r", "\u00a0", "\u200d", "\ufeff", "\ufe0f", "😀", "👨‍👩‍👧", "é", "e\u0301"),
        *("\u0301", "İ", "ß", "Σ", "ǅ", "שלום", "مرحبا", "ที่", "한", "한", "好", "１", "²", "𝔘", "\U0010ffff", "_", ""),
    ]
    return ["".join(generator.choices(pieces, k=generator.randrange(12))) for _ in range(count)]


@pytest.mark.parametrize(("padding", "truncation", "seed"), [("pre", "pre", 1), ("post", "post", 2)])
def test_a_text_is_encoded_alike_alone_and_in_a_batch(padding: str, truncation: str, seed: int) -> None:
    raw = odd_texts(1000, seed)
    params = options(5, padding, truncation)
    together = text.encode(text.clean(strings(*raw)), VOCABULARY, params)
    alone = [text.encode(text.clean(strings(one)), VOCABULARY, params) for one in raw]
    np.testing.assert_array_equal(together.tokens, np.concatenate([one.tokens for one in alone]))
    np.testing.assert_array_equal(together.lengths, np.concatenate([one.lengths for one in alone]))
    assert together.unknown == sum(one.unknown for one in alone)


def test_encoding_agrees_with_a_plain_reading_of_its_rules() -> None:
    raw = odd_texts(2000)
    ids = {word: place for place, word in enumerate(VOCABULARY) if place >= text.RESERVED_IDS}
    lists = text.words(text.clean(strings(*raw))).to_pylist()
    expected = [([0] * 5 + [ids.get(word, text.OOV_ID) for word in row])[-5:] for row in lists]
    assert text.encode(text.clean(strings(*raw)), VOCABULARY, options(5)).tokens.tolist() == expected


def test_no_odd_text_is_encoded_as_padding_alone() -> None:
    encoded = text.encode(text.clean(strings(*odd_texts(2000))), VOCABULARY, options(3))
    assert (encoded.tokens != text.PADDING_ID).any(axis=1).all()
    assert encoded.lengths.min() == 1


def test_a_slice_of_a_batch_is_encoded_like_its_own_rows() -> None:
    batch = text.clean(strings("a b", "b c d", "", "d x"))
    part = text.encode(batch.slice(1, 2), VOCABULARY, options(3))
    assert part.tokens.tolist() == [[3, 4, 5], [0, 0, 1]]
    assert part.lengths.tolist() == [3, 1]
