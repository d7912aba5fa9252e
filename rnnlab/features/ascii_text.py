"""The part of `rnnlab.features.text` that concerns ASCII: works on the bytes of all texts at once.

Regular expressions would take ten times as long. Other characters consist of bytes from 128 on, which stay as they are.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Bytes = npt.NDArray[np.uint8]
BLANK, APOSTROPHE = ord(" "), ord("'")

_CODES = [chr(code) for code in range(256)]
_IS_WORD = np.array([not code.isascii() or code.isalnum() for code in _CODES])
# Both replace control characters by spaces; the second also whatever is not part of a word, and lowers capitals.
_BLANKED = "".join(" " if code < " " or code == "\x7f" else code for code in _CODES).encode("latin-1")
_LOWERED = bytes(
    ord(code.lower()) if code.isascii() and code.isalnum() else number if number >= 128 or code == "'" else BLANK
    for number, code in enumerate(_CODES)
)


def single_spaces(texts: pa.Array) -> pa.Array:
    """Replaces each run of spaces and control characters by one space, and removes those at the ends.

    Args:
        texts: strings of shape (rows,), without nulls.
    """
    spaced, offsets = _bytes(texts, _BLANKED)
    doubled = spaced == BLANK
    doubled[1:] &= doubled[:-1]
    doubled[:1] = False
    doubled[offsets[:-1][offsets[:-1] < len(spaced)]] = (
        False  # the end of one text does not double the start of the next
    )
    removed = np.flatnonzero(doubled)
    return pc.ascii_trim(_strings(spaced[~doubled], offsets - np.searchsorted(removed, offsets)), " ")


def separate(texts: pa.Array) -> pa.Array:
    """Leaves lower-case words and spaces; an apostrophe belongs to a word if the word goes on at both sides of it.

    Args:
        texts: strings of shape (rows,), without nulls; separators beyond ASCII have been replaced by spaces.
    """
    words, offsets = _bytes(texts, _LOWERED)
    marks = np.flatnonzero(words == APOSTROPHE)
    if len(marks):
        _drop_outer(words, marks, offsets)
    return _strings(words, offsets)


def _drop_outer(words: Bytes, marks: npt.NDArray[np.intp], offsets: npt.NDArray[np.int64]) -> None:
    """Replaces runs of apostrophes at ``marks`` that are not inside a word by spaces, in place."""
    edge = np.zeros(len(words) + 1, bool)  # the start of each text, and the end of the last
    edge[offsets] = True
    before, after = np.diff(marks, prepend=-2) > 1, np.diff(marks, append=len(words) + 1) > 1
    begins, ends = marks[before | edge[marks]], marks[after | edge[marks + 1]] + 1
    letter_before = ~edge[begins] & _IS_WORD[words[begins - 1]]
    letter_after = ~edge[ends] & _IS_WORD[words[np.minimum(ends, len(words) - 1)]]
    inner = letter_before & letter_after
    words[marks[~np.repeat(inner, ends - begins)]] = BLANK


def _bytes(texts: pa.Array, table: bytes) -> tuple[Bytes, npt.NDArray[np.int64]]:
    """Returns the bytes of all texts, translated by a table; and the start of each text, then the end of the last."""
    _, offset_buffer, data = texts.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(texts) + 1, 4 * texts.offset).astype(np.int64)
    copied = bytearray(data.slice(offsets[0], offsets[-1] - offsets[0]) if data else b"")
    return np.frombuffer(copied.translate(table), np.uint8), offsets - offsets[0]


def _strings(data: Bytes, offsets: npt.NDArray[Any]) -> pa.Array:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, buffers)
