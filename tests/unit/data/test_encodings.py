import pytest

from rnnlab.data import encodings

TEXTS = {
    "fr": "C'était une très belle soirée, mais le dîner n'était pas à la hauteur. Où étiez-vous donc ?\n",
    "de": "Das Gerät ist größer als erwartet und läuft überhaupt nicht. Schöne Grüße aus Köln.\n",
    "ru": "Очень хороший фильм, мне понравилось. Но конец был скучный, и актёры играли плохо.\n",
    "zh": "这部电影非常好看，但是结尾很无聊。演员们的表演也不怎么样。\n",
    "en": "The café was “lovely”, and the waiter said so – thrice.\n",
}


def read(content: bytes, size: int = 1 << 20) -> encodings.Seen:
    return encodings.see(content[start : start + size] for start in range(0, len(content), size))


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        *((text, "utf-8") for text in TEXTS),
        *((text, "utf-8-sig") for text in TEXTS),
        *((text, "utf-16") for text in TEXTS),
        *((text, "utf-32") for text in TEXTS),
        *(("en", wide) for wide in ("utf-16-le", "utf-16-be")),
        *((text, "cp1252") for text in ("fr", "de", "en")),
        *((text, "latin-1") for text in ("fr", "de")),
        *(("ru", single) for single in ("cp1251", "koi8-r")),
        ("zh", "gb18030"),
    ],
)
def test_what_was_written_is_read(text: str, encoding: str) -> None:
    written = TEXTS[text] * 30
    found = encodings.guess(read(written.encode(encoding)))
    assert written.encode(encoding).decode(found.value).removeprefix("\ufeff") == written


def test_a_character_may_lie_in_two_blocks() -> None:
    assert encodings.guess(read(TEXTS["ru"].encode(), size=7)).value == "utf-8"


def test_a_letter_far_down_counts() -> None:
    content = b"plain words only\n" * 200_000 + "Schöne Grüße\n".encode("cp1252")
    assert encodings.guess(read(content)).value == "cp1252"


def test_half_a_character_at_the_end_is_not_utf8() -> None:
    assert not read("Grüße".encode()[:-2]).is_utf8


@pytest.mark.parametrize(
    ("start", "said"),
    [
        (b"PK\x03\x04...", "Excel"),
        (b"PAR1", ".parquet"),
        (b"\x1f\x8b\x08", ".gz"),
        (b"%PDF-1.7", "PDF"),
        (b"\x00\x01\x02\x03" * 99, "not a text file"),
    ],
)
def test_what_is_no_text_is_said(start: bytes, said: str) -> None:
    assert said in (encodings.format_of(start) or "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32"])
def test_text_is_no_other_format(encoding: str) -> None:
    assert encodings.format_of(TEXTS["en"].encode(encoding)) is None


def test_evidence_has_whole_lines() -> None:
    content = "Grüße\nplain\nSchön\n".encode("cp1252")
    assert read(content).lines == "Grüße\nSchön\n".encode("cp1252")
