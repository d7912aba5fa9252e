"""Text to word ids: one set of functions for training and serving, columnar over Arrow arrays."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.features import ascii_text
from rnnlab.project.params import TokenizePad

Change = Callable[[pa.Array], pa.Array]

PADDING_ID = 0
OOV_ID = 1
RESERVED_IDS = 2
# Truncation in the middle keeps a quarter at the start, three at the end, as Sun et al. (2019), "How to fine-tune BERT
# for text classification?", found best on film reviews.
HEAD_PART = 4
_NO_WORDS = pa.table({"values": pa.array([], pa.string()), "counts": pa.array([], pa.int64())})
_MERGED_ROWS = 500_000  # counts of single batches that wait in memory

_MARKUP = r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->"
_BLANKS = r"[\p{Z}\x{80}-\x{9F}]"  # beyond ASCII
_INVISIBLE = r"[\x{FE00}-\x{FE0F}\p{Me}]"  # marks that choose how an emoji looks
_NUMBER = re.compile(r"&#0*([0-9]+)")
# Marks on one letter have an order that Python takes hours to bring a million into; 30 is the bound of UAX 15.
_PILE = r"(\p{M}{30})\p{M}+"
_TALL = 1000  # characters; a pile in a shorter text takes Python no longer than Arrow takes to compile the pattern
# Words hold letters, marks, digits and inner apostrophes; whatever lies between them separates.
_SEPARATORS = r"[^\p{L}\p{M}\p{N}\x00-\x7F]"  # beyond ASCII


class Encoded(NamedTuple):
    """A batch of texts as arrays.

    Attributes:
        tokens: word ids, int32 of shape (rows, max_length), `PADDING_ID` where there is no word.
        lengths: words of each text before truncation, int32 of shape (rows,).
        unknown: how many of all words are not in the vocabulary.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    unknown: int


def clean(texts: pa.Array) -> pa.Array:
    """Resolves HTML entities, drops markup, composes characters (NFC) and leaves single spaces.

    Once, as a browser does: of markup that was escaped twice, text that looks like markup is left.

    Args:
        texts: strings of shape (rows,), as they came.

    Returns:
        Strings of shape (rows,); one without any text is "".
    """
    resolved = _change_where(pc.match_substring(texts, "&"), texts, _resolve)
    plain = pc.replace_substring_regex(resolved, _MARKUP, " ")
    composed = _change_where(pc.invert(pc.string_is_ascii(plain)), plain, _compose)
    return ascii_text.single_spaces(_change_where_not_ascii(composed, _blank_to_ascii))


def _blank_to_ascii(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, _BLANKS, " ")


def _resolve(texts: pa.Array) -> list[str]:
    """Resolves entities; Python reads no number of thousands of digits, and one of eight is no character either."""
    return [html.unescape(_NUMBER.sub(lambda found: f"&#{found[1][:8]}", text)) for text in texts.to_pylist()]


def _compose(texts: pa.Array) -> list[str]:
    """NFC, which Arrow's own normalization does not reach; a curly apostrophe is an apostrophe."""
    low = _change_where(pc.greater(pc.utf8_length(texts), _TALL), texts, _cut_piles)
    composed = (unicodedata.normalize("NFC", text) for text in low.to_pylist())
    return [text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for text in composed]


def _cut_piles(texts: pa.Array) -> list[str]:
    cut: list[str] = pc.replace_substring_regex(texts, _PILE, r"\1").to_pylist()
    return cut


def _change_where(rows: pa.BooleanArray, texts: pa.Array, change: Callable[[pa.Array], list[str]]) -> pa.Array:
    """Changes some rows only, those that need Python: it is the slow part."""
    if not pc.any(rows).as_py():
        return texts
    return pc.replace_with_mask(texts, rows, pa.array(change(texts.filter(rows)), pa.string()))


def words(texts: pa.Array) -> pa.ListArray:
    """Splits cleaned texts into lower-case words.

    Args:
        texts: strings of shape (rows,), from `clean`.

    Returns:
        Lists of words; a text without a word is a list of one empty string, which no vocabulary holds.
    """
    spaced = ascii_text.separate(_change_where_not_ascii(texts, _lower_and_separate))
    return pc.ascii_split_whitespace(pc.ascii_trim(spaced, " "))


def _lower_and_separate(texts: pa.Array) -> pa.Array:
    lowered = pc.replace_substring_regex(pc.utf8_lower(texts), _INVISIBLE, "")
    return pc.replace_substring_regex(lowered, _SEPARATORS, " ")


def _change_where_not_ascii(texts: pa.Array, change: Change) -> pa.Array:
    """Changes texts that are not plain ASCII; patterns are slow, and the rest of the work is the same for both."""
    other = pc.invert(pc.string_is_ascii(texts))
    return pc.replace_with_mask(texts, other, change(texts.filter(other))) if pc.any(other).as_py() else texts


def count_words(batches: Iterable[pa.Array]) -> pa.Table:
    """Counts the words of cleaned texts.

    Args:
        batches: strings of shape (rows,), from `clean`; one at a time is held in memory.

    Returns:
        The columns ``values``, each word once, and ``counts``, in no order.
    """
    counted = (pc.value_counts(words(texts).flatten()) for texts in batches)
    return merge_counts(map(pa.Table.from_struct_array, counted)).filter(pc.field("values") != "")


def merge_counts(tables: Iterable[pa.Table]) -> pa.Table:
    """Adds up counts of words, such as those of several files, from `count_words`."""
    total, waiting, rows = _NO_WORDS, [], 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows > max(_MERGED_ROWS, len(total)):  # each word is merged a few times at most
            total, waiting, rows = _merged([total, *waiting]), [], 0
    return _merged([total, *waiting])


def _merged(counts: list[pa.Table]) -> pa.Table:
    sums = pa.concat_tables(counts).group_by("values").aggregate([("counts", "sum")])
    return sums.rename_columns(_NO_WORDS.column_names)


def fit_vocabulary(counts: pa.Table, size: int, oov_token: str) -> list[str]:
    """Chooses the most frequent words; ties go by alphabet, so the same rows give the same ids.

    Args:
        counts: of the training rows alone, from `count_words`.
        size: ids at most, `PADDING_ID` and `OOV_ID` included.
        oov_token: how the unknown word is shown.

    Returns:
        The word of each id; fewer than ``size`` when there are not as many words.
    """
    ranked = counts.sort_by([("counts", "descending"), ("values", "ascending")])
    return ["", oov_token, *ranked["values"][: size - RESERVED_IDS].to_pylist()]


def encode(texts: pa.Array, vocabulary: list[str], params: TokenizePad) -> Encoded:
    """Turns cleaned texts into padded word ids.

    Args:
        texts: strings of shape (rows,), from `clean`.
        vocabulary: the word of each id, from `fit_vocabulary`.
        params: length and sides; `vocabulary_size` is not read, the vocabulary is what it is.

    Returns:
        The arrays; a text without a word is one `OOV_ID`, so that no sequence is empty.
    """
    lists = words(texts)
    known = pa.array(vocabulary[RESERVED_IDS:], pa.string())
    found = pc.fill_null(pc.index_in(lists.flatten(), value_set=known), OOV_ID - RESERVED_IDS)
    ids = found.to_numpy().astype(np.int32) + RESERVED_IDS
    lengths = pc.list_value_length(lists).to_numpy().astype(np.int32)
    return Encoded(_pad(ids, lengths, params), lengths, int((ids == OOV_ID).sum()))


def _pad(ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32], params: TokenizePad) -> npt.NDArray[np.int32]:
    kept = np.minimum(lengths, params.max_length)
    heads = {"pre": 0, "middle": params.max_length // HEAD_PART, "post": params.max_length}[params.truncation]
    row = np.repeat(np.arange(len(kept)), kept)
    step = np.arange(kept.sum()) - np.repeat(np.cumsum(kept) - kept, kept)
    # What a long text loses lies between its head and its tail.
    skipped = np.where(step < heads, 0, (lengths - kept)[row])
    columns = params.max_length - kept if params.padding == "pre" else np.zeros_like(kept)
    tokens = np.full((len(lengths), params.max_length), PADDING_ID, np.int32)
    tokens[row, columns[row] + step] = ids[(np.cumsum(lengths) - lengths)[row] + step + skipped]
    return tokens
