"""`rnnlab use`: from a stranger's file to a result."""

import csv
import random
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project


def written(folder: Path, name: str = "Shop reviews.csv", delimiter: str = ";", encoding: str = "cp1252") -> Path:
    """A file with a semicolon, Western letters, three labels and a decoy."""
    draw = random.Random(1)
    words = {"gut": "schön prima süß", "schlecht": "übel öde mies", "so so": "mäßig müde lala"}
    source = folder / name
    with source.open("w", newline="", encoding=encoding) as stream:
        write = csv.writer(stream, delimiter=delimiter).writerow
        write(["Nr", "Meinung", "Urteil"])
        for number in range(150):
            label = draw.choice(list(words))
            chosen = [draw.choice(words[label].split()) for _ in range(5)]
            filler = [draw.choice(["der", "die", "das", "und", "ist", "war,", "sehr"]) for _ in range(7)]
            write([number, " ".join([*filler, *chosen]), label])
    return source


def test_one_command_leads_from_a_file_to_the_page(fresh: Project, tmp_path: Path) -> None:
    source = written(tmp_path)
    done = fresh.run("rnnlab", "use", str(source), "--run")
    for told in ("cp1252", "text column     Meinung", "label column    Urteil", "3: ", "certain"):
        assert told in done.stdout
    assert "wrote experiments/shop-reviews.yaml" in done.stdout
    assert "model" in done.stdout and "nbsvm" in done.stdout and "reports/index.html" in done.stdout
    assert (fresh.folder / "data/raw/Shop-reviews.csv").read_bytes() == source.read_bytes()
    assert "Shop-reviews.csv" in (fresh.folder / "reports/index.html").read_text()
    assert 'data.delimiter: ";"' in (fresh.folder / "experiments/shop-reviews.yaml").read_text()
    again = fresh.inside("rnnlab.cli.main", "use", str(source))
    assert "wrote experiments/shop-reviews.yaml" in again.stdout and "run it: rnnlab use" in again.stdout
    listed = fresh.inside("rnnlab.cli.main", "experiments", "show", "shop-reviews").stdout
    assert "data.encoding: cp1252" in listed


def test_a_file_of_times_and_numbers_is_a_series(fresh: Project, tmp_path: Path) -> None:
    source = tmp_path / "Bike rides.csv"
    days = [f"2023-{1 + day // 28:02}-{1 + day % 28:02}" for day in range(28)]
    lines = [
        f"{day} {hour:02}:00,{hour % 5},{(hour - 12) ** 2 + number % 7}"
        for number, day in enumerate(days)
        for hour in range(24)
    ]
    source.write_text("\n".join(["when,wind,rides", *lines]))
    done = fresh.inside("rnnlab.cli.main", "use", str(source))
    for told in ("value column  rides", "time column   when", "season        24", "forecast      24 from 30"):
        assert told in done.stdout
    written = (fresh.folder / "experiments/bike-rides.yaml").read_text()
    for line in (
        'data.time_column: "when"  # ascending, in equal steps',
        "series.calendar: true  # the times are dates",
        "series.season: 24  # the highest peak of the training rows' autocorrelation",
        'data.missing: "refuse"  # no value is missing',
    ):
        assert f"  {line}\n" in written


def test_a_name_that_is_taken_is_not_lost(fresh: Project, tmp_path: Path) -> None:
    before = (fresh.folder / "experiments/imdb.yaml").read_text()
    done = fresh.inside("rnnlab.cli.main", "use", str(written(tmp_path, "imdb.csv")))
    assert "wrote experiments/imdb-2.yaml" in done.stdout
    asked = fresh.inside("rnnlab.cli.main", "use", str(written(tmp_path, "imdb.csv")), "--name", "imdb", expect=1)
    assert asked.stderr.startswith("error: experiments/imdb.yaml: an experiment about something else has this name")
    other = tmp_path / "other"
    other.mkdir()
    refused = fresh.inside("rnnlab.cli.main", "use", str(written(other, "imdb.csv", ",")), expect=1)
    assert "data/raw/imdb.csv: another file of that name is there already" in refused.stderr
    assert (fresh.folder / "experiments/imdb.yaml").read_text() == before


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "no such file; name a table of texts with labels"),
        ("text,label\n" + "a good film indeed,good\n" * 30, "has one label only"),
        (
            "text,label\n" + "".join(f"a film {n} indeed,{'bad' if n else 'odd'}\n" for n in range(30)),
            "too few for each",
        ),
    ],
)
def test_a_file_of_no_use_is_a_sentence(fresh: Project, tmp_path: Path, content: str | None, sentence: str) -> None:
    source = tmp_path / "mine.csv"
    if content:
        source.write_text(content)
    error = fresh.inside("rnnlab.cli.main", "use", str(source), "--text", "text", "--label", "label", expect=1).stderr
    assert error.startswith("error: ") and sentence in error and error.count("\n") == 1
    assert not (fresh.folder / "experiments/mine.yaml").exists() and not (fresh.folder / "data/raw/mine.csv").exists()
