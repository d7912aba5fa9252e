"""A stranger's file is understood: a hundred made-up ones of all kinds, and those at hand."""

import csv
import gzip
import io
import json
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytest

from rnnlab.data import choosing, looking
from rnnlab.data.choosing import Choice, Wanted
from rnnlab.data.looking import Table
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.shared_data import shared_file

FILES = 100
WANTED = 95
WORDS = {
    "cp1252": "the a of schön über größe trink wein früh und aber nicht más año niño corazón être déjà vu très façon",
    "cp1251": "это мы они был хорошо плохо очень дом город книга читать вчера сегодня завтра вода хлеб который если",
    "utf-8": "naïve café 好 很 電影 movie was great awful plot slow acting score музыка ελληνικά and but never why",
    "ascii": "service room staff clean noisy breakfast late never again would recommend price booked quiet view was",
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "cp1252", "cp1251")
LABELS = (
    ("bad", "good"),
    ("0", "1"),
    ("1", "2", "3", "4", "5"),
    ("sport", "politics", "weather", "culture"),
    ("spam", "ham"),
    ("very bad", "so so", "very good"),
)
TEXT_NAMES = ("text", "review", "comment", "Message", "content", "sentence", "tweet", "body")
LABEL_NAMES = ("label", "sentiment", "class", "Rating", "category", "stars", "target")
FIRST = ("Anna", "Jose", "Li", "John", "Maria", "Peter", "Olga", "Kofi", "Amir", "Chloe", "Yuki", "Tom", "Eva", "Ines")
LAST = ("Bergmann", "Garcia", "Wei", "Smith", "Rossi", "Brown", "Petrova", "Mensah", "Khan", "Martin", "Sato", "Novak")


class Made(NamedTuple):
    content: bytes
    name: str
    encoding: str
    delimiter: str
    header: bool
    text: str  # name of the column, or its number without a header
    label: str
    first: str  # text of the first row


def sentence(draw: random.Random, words: Sequence[str]) -> str:
    chosen = [draw.choice(words) for _ in range(draw.randint(4, 40))]
    for place in range(3, len(chosen), 7):
        chosen[place] += draw.choice([",", ";", ".", " |", ' "so"', "'", ": ", "!"])
    return " ".join(chosen)


def decoys(draw: random.Random, row: int) -> dict[str, str]:
    """Columns that are neither texts nor labels, each in most files."""
    return {
        "id": str(1000 + row),
        "date": f"20{draw.randint(10, 24)}-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
        "url": f"https://example.org/{draw.randrange(10**9)}/page?a={draw.randrange(99)}",
        "author": f"{draw.choice(FIRST)} {draw.choice(LAST)}",
        "price": f"{draw.uniform(1, 500):.2f}",
        "uuid": f"{draw.getrandbits(64):016x}",
    }


def made(seed: int) -> Made:
    draw = random.Random(seed)
    encoding = draw.choice(ENCODINGS)
    words = WORDS[encoding if encoding in WORDS else draw.choice(["utf-8", "ascii"])].split()
    labels, count = draw.choice(LABELS), draw.randint(60, 400)
    text, label = draw.choice(TEXT_NAMES), draw.choice(LABEL_NAMES)
    others = draw.sample(list(decoys(draw, 0)), draw.randint(0, 5))
    columns = [text, label, *others]
    draw.shuffle(columns)
    rows = [
        {text: sentence(draw, words), label: draw.choice(labels), **decoys(draw, number)} for number in range(count)
    ]
    header, delimiter = draw.random() < 0.7, draw.choice([",", ";", "\t", "|"])
    stream = io.StringIO()
    quoting = draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    writer = csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator=draw.choice(["\n", "\r\n"]))
    writer.writerows(([columns] if header else []) + [[row[name] for name in columns] for row in rows])
    content = stream.getvalue().encode(encoding)
    packed = draw.random() < 0.2
    names = {name: name if header else f"column_{place}" for place, name in enumerate(columns, start=1)}
    return Made(
        gzip.compress(content) if packed else content,
        f"mine{'.tsv' if delimiter == chr(9) else '.csv'}{'.gz' if packed else ''}",
        encoding,
        "tab" if delimiter == "\t" else delimiter,
        header,
        names[text],
        names[label],
        rows[0][text],
    )


def never(question: str, flag: str, names: Sequence[str], default: str) -> str:
    raise UserError(f"{question} {flag} {list(names)} or {default or 'nothing'}")


def understood(source: Path, settings: Params, **wanted: str) -> tuple[Table, Choice]:
    table = looking.look(source, settings.data)
    return table, choosing.choose(table, Wanted(**wanted), settings.data.max_labels, never)


def misread(file: Made, folder: Path, settings: Params) -> str:
    """Returns what was taken for something else, "" for nothing."""
    source = folder / file.name
    source.write_bytes(file.content)
    try:
        table, choice = understood(source, settings)
    except UserError as mistake:
        return str(mistake)
    found = {name: guess.value for name, guess in choice.columns.items()}
    expected = (file.delimiter, file.header, file.text, file.label)
    if (table.data.delimiter, table.data.header, found.get("text"), found.get("label")) != expected:
        return f"{expected}: {table.data.delimiter, table.data.header, found}"
    texts = [row[table.names.index(file.text)] for row in table.rows]
    return "" if file.first in texts else f"{file.encoding}: {table.data.encoding}, {texts[0]!r}"


def test_nearly_every_made_up_file_is_understood(settings: Params, tmp_path: Path) -> None:
    wrong = {}
    for seed in range(FILES):
        (folder := tmp_path / str(seed)).mkdir()
        if problem := misread(made(seed), folder, settings):
            wrong[seed] = problem
    assert FILES - len(wrong) >= WANTED, "\n".join(f"{seed}: {problem}" for seed, problem in wrong.items())


@pytest.mark.parametrize(
    ("name", "text", "label", "split"),
    [("imdb.csv", "review", "sentiment", "split"), ("sst5.csv", "sentence", "sentiment", "split")],
)
def test_files_at_hand_are_understood(settings: Params, name: str, text: str, label: str, split: str) -> None:
    _, choice = understood(shared_file(name), settings)
    assert {key: guess.value for key, guess in choice.columns.items()} == {"text": text, "label": label, "split": split}


def test_columns_of_numbers_are_asked_about(settings: Params) -> None:
    with pytest.raises(UserError, match=r"the series of numbers to predict\? --value .*'pm2\.5', 'DEWP'.* or Ir"):
        understood(shared_file("pollution.csv"), settings)
    _, choice = understood(shared_file("pollution.csv"), settings, value="TEMP")
    assert (choice.task, choice.columns["value"].value) == ("series", "TEMP")


def test_numbers_without_a_time_are_no_series_unless_one_is_named(settings: Params, tmp_path: Path) -> None:
    source = tmp_path / "flowers.csv"
    lines = [f"{row % 7},{row % 5 + 0.5},{'abc'[row // 20]}" for row in range(60)]
    source.write_text("\n".join(["width,length,species", *lines]))
    with pytest.raises(UserError, match=r"the series of numbers to predict\? --value .*'width', 'length'\] or nothing"):
        understood(source, settings)


def test_a_large_file_takes_seconds(settings: Params) -> None:
    started = time.perf_counter()
    looking.look(shared_file("imdb.csv"), settings.data)
    assert time.perf_counter() - started < 30  # 2 on an idle machine, which this need not be


def rows(count: int = 60) -> list[dict[str, Any]]:
    draw = random.Random(1)
    return [{"text": sentence(draw, WORDS["ascii"].split()), "label": f"l{n % 3}", "n": n} for n in range(count)]


@pytest.mark.parametrize("suffix", [".parquet", ".jsonl", ".ndjson", ".jsonl.gz"])
def test_other_formats_are_understood(settings: Params, tmp_path: Path, suffix: str) -> None:
    source = tmp_path / f"mine{suffix}"
    lines = "".join(json.dumps(row) + "\n" for row in rows()).encode()
    if suffix == ".parquet":
        pd.DataFrame(rows()).to_parquet(source)
    else:
        source.write_bytes(gzip.compress(lines) if suffix.endswith(".gz") else lines)
    table, choice = understood(source, settings)
    assert (choice.columns["text"].value, choice.columns["label"].value) == ("text", "label")
    assert table.total == 60


def test_a_folder_of_files_is_one_table(settings: Params, tmp_path: Path) -> None:
    for number in range(3):
        pd.DataFrame(rows(20)).to_csv(tmp_path / f"part{number}.csv", index=False)
    (tmp_path / "readme.md").write_text("not a table")
    table, _ = understood(tmp_path, settings)
    assert (table.total, table.data.files) == (60, "*.csv")


@pytest.mark.parametrize(
    ("content", "sentence_"),
    [
        (b"", "the file is empty; expected rows of texts and labels"),
        (b"text,label\n", "only a header, no rows"),
        (b"PK\x03\x04rest of a workbook", "a ZIP or Excel file; unpack it, or export it as a CSV"),
        (bytes(range(256)) * 20, "not a text file; export the table as a CSV"),
        (b"a,b\n1,2\n" * 40, "row 2 repeats the header"),
    ],
)
def test_what_is_no_table_is_a_sentence(settings: Params, tmp_path: Path, content: bytes, sentence_: str) -> None:
    source = tmp_path / "mine.csv"
    source.write_bytes(content)
    with pytest.raises(UserError) as mistake:
        understood(source, settings)
    assert str(mistake.value).startswith(f"{source}: {sentence_}")


def test_two_columns_of_texts_are_asked_about(settings: Params, tmp_path: Path) -> None:
    draw, words = random.Random(1), WORDS["ascii"].split()
    both = [{"q": sentence(draw, words), "a": sentence(draw, words), "label": f"l{n % 2}"} for n in range(80)]
    source = tmp_path / "mine.csv"
    pd.DataFrame(both).to_csv(source, index=False)
    with pytest.raises(UserError, match=r"which column holds texts\? --text \['q', 'a'\]"):
        understood(source, settings)
    _, choice = understood(source, settings, text="a")
    assert choice.columns["text"].value == "a"


def test_ids_are_not_labels(settings: Params, tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    pd.DataFrame(rows()).drop(columns="label").to_csv(source, index=False)
    with pytest.raises(UserError, match=r"no column of labels: 'n' comes closest, with 60 values in 60 rows; an id\?"):
        understood(source, settings)


def test_numbers_for_texts_are_a_series(settings: Params, tmp_path: Path) -> None:
    source = tmp_path / "mine.csv"
    pd.DataFrame({"temperature": [20 + n % 7 / 3 for n in range(99)]}).to_csv(source, index=False)
    _, choice = understood(source, settings)
    assert (choice.task, choice.columns["value"].value) == ("series", "temperature")
    with pytest.raises(UserError, match=r"'temperature' holds numbers and no texts; .* use --value temperature"):
        understood(source, settings, text="temperature")


@pytest.mark.parametrize(("rows", "kept"), [(20_000, 20_000), (20_001, 10_001)])
def test_a_sample_of_too_many_rows_is_every_other_one(rows: int, kept: int) -> None:
    sample: looking.Thinned[int] = looking.Thinned()
    for row in range(rows):
        sample.add(row, 1)
    assert (sample.count, len(sample.items), sample.items[-1]) == (rows, kept, rows - 1)


def test_a_table_is_looked_at_up_to_its_thousandth_column(settings: Params, tmp_path: Path) -> None:
    (tmp_path / "wide.jsonl").write_text(json.dumps({f"c{column}": column for column in range(1_001)}))
    names = looking.look(tmp_path / "wide.jsonl", settings.data).names
    assert (len(names), names[-1]) == (1_000, "c999")


def test_of_a_long_cell_the_beginning_is_looked_at(settings: Params, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(f"text,label\n{'x' * (looking.LONGEST_CELL + 1)},good\nshort,bad\n")
    found = looking.look(tmp_path / "mine.csv", settings.data)
    assert [len(row[0]) for row in found.rows] == [looking.LONGEST_CELL, len("short")]
