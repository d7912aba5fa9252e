"""Turns texts into word ids, with the same functions in training and serving, on columns of Arrow."""

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
# Truncation in the middle keeps a quarter from the start and three from the end, which Sun et al. (2019), "How to
# fine-tune BERT for text classification?", found best on film reviews.
HEAD_PART = 4
_NO_WORDS = pa.table({"values": pa.array([], pa.string()), "counts": pa.array([], pa.int64())})
_MERGED_ROWS = 500_000  # counts of single batches kept in memory before they are merged

_MARKUP = r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->"
_BLANKS = r"[\p{Z}\x{80}-\x{9F}]"  # beyond ASCII
_INVISIBLE = r"[\x{FE00}-\x{FE0F}\p{Me}]"  # marks that select how an emoji looks
_NUMBER = re.compile(r"&#0*([0-9]+)")
# Python takes hours to sort a million marks on one letter; UAX 15 allows 30.
_PILE = r"(\p{M}{30})\p{M}+"
_TALL = (
    1000  # characters; in shorter texts, sorting marks takes Python no longer than Arrow takes to compile the pattern
)
# Words consist of letters, marks, digits and inner apostrophes; anything else separates them.
_SEPARATORS = r"[^\p{L}\p{M}\p{N}\x00-\x7F]"  # beyond ASCII


class Encoded(NamedTuple):
    """A batch of texts as arrays.

    Attributes:
        tokens: word ids, int32 of shape (rows, max_length), `PADDING_ID` where there is no word.
        lengths: words of each text before truncation, int32 of shape (rows,).
        unknown: number of words that are not in the vocabulary, before truncation.
    """

    tokens: npt.NDArray[np.int32]
    lengths: npt.NDArray[np.int32]
    unknown: int


def clean(texts: pa.Array) -> pa.Array:
    """Resolves HTML entities, drops markup, composes characters (NFC) and leaves single spaces.

    Entities are resolved once, as a browser does: markup that was escaped twice becomes text that looks like markup.

    Args:
        texts: raw strings of shape (rows,).

    Returns:
        Strings of shape (rows,); "" where there is no text.
    """
    resolved = _change_where(pc.match_substring(texts, "&"), texts, _resolve)
    plain = pc.replace_substring_regex(resolved, _MARKUP, " ")
    composed = _change_where(pc.invert(pc.string_is_ascii(plain)), plain, _compose)
    return ascii_text.single_spaces(_change_where_not_ascii(composed, _blank_to_ascii))


def _blank_to_ascii(texts: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(texts, _BLANKS, " ")


def _resolve(texts: pa.Array) -> list[str]:
    """Resolves entities; cuts numbers to eight digits, as Python cannot read thousands and no character needs eight."""
    return [html.unescape(_NUMBER.sub(lambda match: f"&#{match[1][:8]}", text)) for text in texts.to_pylist()]


def _compose(texts: pa.Array) -> list[str]:
    """Composes characters (NFC), as Arrow's own normalization does not fully; straightens curly apostrophes."""
    low = _change_where(pc.greater(pc.utf8_length(texts), _TALL), texts, _cut_piles)
    composed = (unicodedata.normalize("NFC", text) for text in low.to_pylist())
    return [text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for text in composed]


def _cut_piles(texts: pa.Array) -> list[str]:
    cut: list[str] = pc.replace_substring_regex(texts, _PILE, r"\1").to_pylist()
    return cut


def _change_where(rows: pa.BooleanArray, texts: pa.Array, change: Callable[[pa.Array], list[str]]) -> pa.Array:
    """Changes only the rows that need Python, which is slow."""
    if not pc.any(rows).as_py():
        return texts
    return pc.replace_with_mask(texts, rows, pa.array(change(texts.filter(rows)), pa.string()))


def words(texts: pa.Array) -> pa.ListArray:
    """Splits cleaned texts into lower-case words.

    Args:
        texts: strings of shape (rows,), from `clean`.

    Returns:
        Lists of words; for a text without words, a list of one empty string, which no vocabulary contains.
    """
    spaced = ascii_text.separate(_change_where_not_ascii(texts, _lower_and_separate))
    return pc.ascii_split_whitespace(pc.ascii_trim(spaced, " "))


def _lower_and_separate(texts: pa.Array) -> pa.Array:
    lowered = pc.replace_substring_regex(pc.utf8_lower(texts), _INVISIBLE, "")
    return pc.replace_substring_regex(lowered, _SEPARATORS, " ")


def _change_where_not_ascii(texts: pa.Array, change: Change) -> pa.Array:
    """Changes only texts that are not plain ASCII, because regular expressions are slow."""
    other = pc.invert(pc.string_is_ascii(texts))
    return pc.replace_with_mask(texts, other, change(texts.filter(other))) if pc.any(other).as_py() else texts


def count_words(batches: Iterable[pa.Array]) -> pa.Table:
    """Counts the words of cleaned texts.

    Args:
        batches: strings of shape (rows,), from `clean`; read one at a time.

    Returns:
        The columns ``values``, each word once, and ``counts``, in arbitrary order.
    """
    counted = (pc.value_counts(words(texts).flatten()) for texts in batches)
    return merge_counts(map(pa.Table.from_struct_array, counted)).filter(pc.field("values") != "")


def merge_counts(tables: Iterable[pa.Table]) -> pa.Table:
    """Adds up counts from `count_words`, such as those of several files."""
    total, waiting, rows = _NO_WORDS, [], 0
    for table in tables:
        waiting.append(table)
        rows += len(table)
        if rows > max(_MERGED_ROWS, len(total)):  # so that each word is merged only a few times
            total, waiting, rows = _merged([total, *waiting]), [], 0
    return _merged([total, *waiting])


def _merged(counts: list[pa.Table]) -> pa.Table:
    sums = pa.concat_tables(counts).group_by("values").aggregate([("counts", "sum")])
    return sums.rename_columns(_NO_WORDS.column_names)


def fit_vocabulary(counts: pa.Table, size: int, oov_token: str) -> list[str]:
    """Chooses the most frequent words; ties are broken alphabetically, so that equal rows have equal ids.

    Args:
        counts: of the training rows alone, from `count_words`.
        size: maximum number of ids, `PADDING_ID` and `OOV_ID` included.
        oov_token: stands for unknown words.

    Returns:
        The word of each id; fewer than ``size`` if there are not as many words.
    """
    ranked = counts.sort_by([("counts", "descending"), ("values", "ascending")])
    return ["", oov_token, *ranked["values"][: size - RESERVED_IDS].to_pylist()]


def encode(texts: pa.Array, vocabulary: list[str], params: TokenizePad) -> Encoded:
    """Turns cleaned texts into padded word ids.

    Args:
        texts: strings of shape (rows,), from `clean`.
        vocabulary: the word of each id, from `fit_vocabulary`.
        params: length, and sides of padding and truncation.

    Returns:
        The arrays; a text without words becomes one `OOV_ID`, so that no sequence is empty.
    """
    lists = words(texts)
    known = pa.array(vocabulary[RESERVED_IDS:], pa.string())
    indices = pc.fill_null(pc.index_in(lists.flatten(), value_set=known), OOV_ID - RESERVED_IDS)
    ids = indices.to_numpy().astype(np.int32) + RESERVED_IDS
    lengths = pc.list_value_length(lists).to_numpy().astype(np.int32)
    return Encoded(_pad(ids, lengths, params), lengths, int((ids == OOV_ID).sum()))


def _pad(ids: npt.NDArray[np.int32], lengths: npt.NDArray[np.int32], params: TokenizePad) -> npt.NDArray[np.int32]:
    cut_lengths = np.minimum(lengths, params.max_length)
    heads = {"pre": 0, "middle": params.max_length // HEAD_PART, "post": params.max_length}[params.truncation]
    row = np.repeat(np.arange(len(lengths)), cut_lengths)
    step = np.arange(cut_lengths.sum()) - np.repeat(np.cumsum(cut_lengths) - cut_lengths, cut_lengths)
    # A long text loses what is between its head and its tail.
    skipped = np.where(step < heads, 0, (lengths - cut_lengths)[row])
    columns = params.max_length - cut_lengths if params.padding == "pre" else np.zeros_like(cut_lengths)
    tokens = np.full((len(lengths), params.max_length), PADDING_ID, np.int32)
    tokens[row, columns[row] + step] = ids[(np.cumsum(lengths) - lengths)[row] + step + skipped]
    return tokens
