"""Text to word ids: one set of functions for training and serving, columnar over Arrow arrays."""

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab import ascii_text
from rnnlab.params import TokenizePad

Change = Callable[[pa.Array], pa.Array]

PADDING_ID = 0
OOV_ID = 1
RESERVED_IDS = 2
# Truncation in the middle keeps a quarter at the start, three at the end, as Sun et al. (2019), "How to fine-tune BERT
# for text classification?", found best on film reviews.
HEAD_PART = 4

_MARKUP = r"</?[a-zA-Z][^<>]*>|<!--[^<>]*-->"
_BLANKS = r"[\s\p{Z}\p{Cc}]+"
_INVISIBLE = r"[\x{FE00}-\x{FE0F}\p{Me}]"  # marks that choose how an emoji looks
_NUMBER = re.compile(r"&#0*([0-9]+)")
# Marks on one letter have an order that Python takes hours to bring a million into; 30 is the bound of UAX 15.
_PILE = r"(\p{M}{30})\p{M}+"
_TALL = 1000  # characters; a pile in a shorter text takes Python no longer than Arrow takes to compile the pattern
# Words hold letters, marks, digits and inner apostrophes; whatever lies between them separates.
_SEPARATORS = r"(?:'*[^\p{L}\p{M}\p{N}']+'*)+|^'+|'+$"


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
    return _by_alphabet(composed, ascii_text.single_spaces, _single_spaces)


def _single_spaces(texts: pa.Array) -> pa.Array:
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, _BLANKS, " "))


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
    spaced = _by_alphabet(texts, ascii_text.separate, _separate)
    return pc.ascii_split_whitespace(pc.ascii_trim(spaced, " "))


def _separate(texts: pa.Array) -> pa.Array:
    lowered = pc.replace_substring_regex(pc.utf8_lower(texts), _INVISIBLE, "")
    return pc.replace_substring_regex(lowered, _SEPARATORS, " ")


def _by_alphabet(texts: pa.Array, plain: Change, other: Change) -> pa.Array:
    """Changes texts of ASCII by one function and others by another that does the same to them."""
    is_plain = pc.string_is_ascii(texts)
    if pc.all(is_plain).as_py():
        return plain(texts)
    changed = pc.replace_with_mask(texts, is_plain, plain(texts.filter(is_plain)))
    is_other = pc.invert(is_plain)
    return pc.replace_with_mask(changed, is_other, other(texts.filter(is_other)))


def count_words(texts: pa.Array) -> Counter[str]:
    """Counts the words of cleaned texts."""
    counts = pc.value_counts(words(texts).flatten())
    counter = Counter(dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True)))
    counter.pop("", None)
    return counter


def fit_vocabulary(counts: Counter[str], size: int, oov_token: str) -> list[str]:
    """Chooses the most frequent words; ties go by alphabet, so the same rows give the same ids.

    Args:
        counts: words of the training rows alone.
        size: ids at most, `PADDING_ID` and `OOV_ID` included.
        oov_token: how the unknown word is shown.

    Returns:
        The word of each id; fewer than ``size`` when there are not as many words.
    """
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return ["", oov_token, *(word for word, _ in ranked[: size - RESERVED_IDS])]


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
