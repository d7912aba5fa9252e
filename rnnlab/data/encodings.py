"""Guesses the encoding of text from its bytes, and tells text from what is none."""

import codecs
from collections.abc import Iterable
from typing import NamedTuple

from rnnlab.data.guesses import CERTAIN, GUESSED, LIKELY, Guess

MARKS = {  # of byte order; that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# Most often met first: of those that read a text equally well, the first is taken.
COMMON = (
    *("cp1252", "cp1251", "cp1250", "iso8859_2", "cp1253", "cp1254", "cp1255", "cp1256", "koi8_r"),
    *("gb18030", "big5", "cp932", "euc_jp", "cp949"),
)
WESTERN = frozenset("àáâãäåæçèéêëìíîïñòóôõöøœùúûüÿßºª°§«»¿¡€£©®·´¨×“”„‘’‚–—…•\u00a0ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜŸ")
CLOSE = 0.05  # difference in charset-normalizer's measures that means nothing
EVIDENCE = 1 << 16  # bytes of lines beyond ASCII that a guess is made from
FORMATS = {
    b"PK\x03\x04": "a ZIP or Excel file; unpack it, or export it as a CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel file; export it as a CSV",
    b"PAR1": "Parquet; let its name end in .parquet",
    b"\x1f\x8b": "a gzip file; let its name end in .gz",
    b"%PDF": "a PDF; export its table as a CSV",
    b"SQLite format 3": "an SQLite database; export a table as a CSV",
}
CONTROL = bytes({*range(32), 127} - {*b"\t\n\r\f\v\x1a\x1b"})  # that hardly any text has


class Seen(NamedTuple):
    """What an encoding is guessed from: the beginning, whether all is UTF-8, and lines beyond ASCII from anywhere."""

    start: bytes
    is_utf8: bool
    lines: bytes


def see(blocks: Iterable[bytes]) -> Seen:
    """Reads all blocks of a file once; keeps the first, and at most `EVIDENCE` bytes of lines beyond ASCII."""
    decoder, is_utf8, start, lines = codecs.getincrementaldecoder("utf-8")(), True, b"", bytearray()
    for block in blocks:
        start = start or block
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            is_utf8 = False
            decoder.reset()
        if not is_utf8 and len(lines) < EVIDENCE:
            for line in block.splitlines(keepends=True):
                if not line.isascii():
                    lines += line[: EVIDENCE // 16]
                if len(lines) >= EVIDENCE:
                    break
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        is_utf8 = False
    return Seen(start, is_utf8, bytes(lines))


def format_of(start: bytes) -> str | None:
    """Says what a file is that is not text, and what to do; None for text."""
    for magic, said in FORMATS.items():
        if start.startswith(magic):
            return said
    if _marked(start) or _without_mark(start):
        return None
    binary = len(start) - len(start.translate(None, CONTROL))
    return "not a text file; export the table as a CSV" if binary > len(start) // 1000 else None


def guess(seen: Seen) -> Guess[str]:
    """Guesses the encoding, by a name that Python knows."""
    if marked := _marked(seen.start):
        return Guess(marked, CERTAIN, "byte order mark")
    if wide := _without_mark(seen.start):
        return Guess(wide, LIKELY, "every other byte is zero")
    if seen.is_utf8:
        return Guess("utf-8", CERTAIN, "every byte fits")
    return _of_single_bytes(seen.lines)


def _marked(start: bytes) -> str | None:
    return next((name for mark, name in MARKS.items() if start.startswith(mark)), None)


def _without_mark(start: bytes) -> str | None:
    """Returns UTF-16 in the byte order of a text that is mostly ASCII: each second byte is zero."""
    even, odd = start[:4096:2], start[1:4096:2]
    if len(odd) < 2:
        return None
    zeros = even.count(0) / len(even), odd.count(0) / len(odd)
    if max(zeros) < 0.6 or min(zeros) > 0.05:
        return None
    return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"


def _is_western(lines: bytes) -> bool:
    """Whether bytes are letters of Western Europe, between those of ASCII, if they are of Windows' code page 1252."""
    decoded = lines.decode("cp1252", "replace")
    beyond = [character for character in decoded if not character.isascii()]
    letters = sum(map(str.isalpha, decoded))
    western = sum(character in WESTERN for character in beyond)
    return western > 0.98 * len(beyond) and len(beyond) < 0.3 * letters


def _of_single_bytes(lines: bytes) -> Guess[str]:
    if _is_western(lines):
        return Guess("cp1252", LIKELY, "letters of Western Europe")
    from charset_normalizer import from_bytes  # takes a tenth of a second to import

    matches = list(from_bytes(lines))
    known = {name: match for match in matches for name in (match.encoding, *match.could_be_from_charset)}
    if matches:
        least, most = min(match.chaos for match in matches), max(match.coherence for match in matches)
        for name in COMMON:
            match = known.get(name)
            if match and match.chaos <= least + CLOSE and match.coherence >= most - CLOSE:
                sure = LIKELY if match.coherence > 0.2 and len(lines) > 200 else GUESSED
                return Guess(name, sure, f"reads like {match.language}" if match.coherence else "fits best")
        if match := matches[0]:
            return Guess(match.encoding, GUESSED, "fits best")
    try:
        lines.decode("cp1252")
    except UnicodeDecodeError:
        return Guess("latin-1", GUESSED, "any byte fits")
    return Guess("cp1252", GUESSED, "not UTF-8, and the most common otherwise")
