"""Turns texts into word ids, with the same functions in training and serving, on columns of Arrow."""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.features import ascii_text
from rnnlab.project.sections.data import TokenizePad

PADDING_ID = 0
OOV_ID = 1
RESERVED_IDS = 2
# Truncation in the middle keeps a quarter from the start and three from the end, which Sun et al. (2019), "How to
# fine-tune BERT for text classification?", found best on film reviews.
HEAD_PART = 4
_NO_WORDS = pa.table({"values": pa.array([], pa.string()), "counts": pa.array([], pa.int64())})
_MERGED_ROWS = 500_000  # counts of single batches kept in memory before they are merged

_MARKUP = r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->"
_blank_to_ascii = partial(pc.replace_substring_regex, pattern=r"[\p{Z}\x{80}-\x{9F}]", replacement=" ")
_INVISIBLE = r"[\x{FE00}-\x{FE0F}\p{Me}]"  # marks that select how an emoji looks
_NUMBER = re.compile(r"&#0*([0-9]+)")
# Python takes hours to sort a million marks on one letter; UAX 15 allows 30.
_cut_piles = partial(pc.replace_substring_regex, pattern=r"(\p{M}{30})\p{M}+", replacement=r"\1")
_TALL = 1000  # characters; in shorter texts, Python sorts marks as fast as Arrow compiles the pattern
# Words consist of letters, marks, digits and inner apostrophes; anything else separates them.
_SEPARATORS = r"[^\p{L}\p{M}\p{N}\x00-\x7F]"  # beyond ASCII


class Encoded(NamedTuple):
    """A batch of texts as arrays; lengths and unknown words are counted before truncation."""

    tokens: npt.NDArray[np.int32]  # word ids, of shape (rows, max_length), `PADDING_ID` where there is no word
    lengths: npt.NDArray[np.int32]  # words of each text, of shape (rows,)
    unknown: int  # words that are not in the vocabulary


def clean(texts: pa.Array) -> pa.Array:
    """Resolves HTML entities, drops markup, composes characters (NFC) and leaves single spaces.

    Entities are resolved once, as a browser does: markup that was escaped twice becomes text that looks like markup.
    Strings of shape (rows,) become strings of the same shape; "" where there is no text.
    """
    resolved = _change_where(pc.match_substring(texts, "&"), texts, _resolve)
    plain = pc.replace_substring_regex(resolved, _MARKUP, " ")
    composed = _change_where(_not_ascii(plain), plain, _compose)
    return ascii_text.single_spaces(_change_where(_not_ascii(composed), composed, _blank_to_ascii))


def _resolve(texts: pa.Array) -> pa.Array:
    """Resolves entities; cuts numbers to eight digits, as Python cannot read thousands and no character needs eight."""
    cut = (_NUMBER.sub(lambda match: f"&#{match[1][:8]}", text) for text in texts.to_pylist())
    return pa.array(map(html.unescape, cut), pa.string())


def _compose(texts: pa.Array) -> pa.Array:
    """Composes characters (NFC), as Arrow's own normalization does not fully; straightens curly apostrophes."""
    low = _change_where(pc.greater(pc.utf8_length(texts), _TALL), texts, _cut_piles)
    composed = (unicodedata.normalize("NFC", text) for text in low.to_pylist())
    return pa.array((text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'") for text in composed), pa.string())


def _change_where(rows: pa.BooleanArray, texts: pa.Array, change: Callable[[pa.Array], pa.Array]) -> pa.Array:
    """Changes only the rows that need it, because Python and regular expressions are slow."""
    return pc.replace_with_mask(texts, rows, change(texts.filter(rows))) if pc.any(rows).as_py() else texts


def _not_ascii(texts: pa.Array) -> pa.BooleanArray:
    return pc.invert(pc.string_is_ascii(texts))


def words(texts: pa.Array) -> pa.ListArray:
    """Splits texts from `clean`, strings of shape (rows,), into lower-case words.

    A text without words becomes a list of one empty string, which no vocabulary contains.
    """
    spaced = ascii_text.separate(_change_where(_not_ascii(texts), texts, _lower_and_separate))
    return pc.ascii_split_whitespace(pc.ascii_trim(spaced, " "))


def _lower_and_separate(texts: pa.Array) -> pa.Array:
    lowered = pc.replace_substring_regex(pc.utf8_lower(texts), _INVISIBLE, "")
    return pc.replace_substring_regex(lowered, _SEPARATORS, " ")


def count_words(batches: Iterable[pa.Array]) -> pa.Table:
    """Counts the words of batches of texts from `clean`, read one at a time.

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
        oov_token: the word of `OOV_ID`.

    Returns:
        The word of each id; fewer than ``size`` if there are not as many words.
    """
    ranked = counts.sort_by([("counts", "descending"), ("values", "ascending")])
    return ["", oov_token, *ranked["values"][: size - RESERVED_IDS].to_pylist()]


def encode(texts: pa.Array, vocabulary: list[str], params: TokenizePad) -> Encoded:
    """Turns texts from `clean`, strings of shape (rows,), into padded ids of words: their places in the vocabulary.

    A text without words becomes one `OOV_ID`, so that no sequence is empty.
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
