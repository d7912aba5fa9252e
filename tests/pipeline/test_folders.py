"""Data in many files: what one file of the same rows gives, whichever engine goes through them."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnlab.features import arrays
from tests.pipeline.conftest import Project

FOLDER = "data/raw/many"
LATER = ("validate", "baseline", "size", "train@lstm-1", "evaluate")
RESULTS = ("reports/data.json", "models/lstm-1.keras", "reports/metrics.json", "data/predictions.parquet")
BAD = pd.DataFrame({"review": ["...", "fine by me", "nobody knows"], "sentiment": ["positive", "perhaps", "negative"]})


def rows_of(project: Project) -> pd.DataFrame:
    """The embedded corpus, and rows that are refused, for each reason and across files."""
    project.stage("sample")
    rows = pd.read_csv(project.folder / "data/sample/reviews.csv")
    again = rows.iloc[[3, 5]].assign(sentiment=["positive", "negative"])
    return pd.concat([rows.iloc[:150], BAD, rows.iloc[150:], again, rows.iloc[[7]]], ignore_index=True)


def write_files(project: Project, rows: pd.DataFrame) -> None:
    """One CSV, and the same rows in a folder of three kinds of files."""
    rows.to_csv(project.folder / "mine.csv", index=False)
    folder = project.folder / FOLDER
    folder.mkdir(parents=True)
    rows.iloc[:100].to_csv(folder / "a.csv", index=False)
    rows.iloc[100:250].to_parquet(folder / "b.parquet", index=False)
    with gzip.open(folder / "c.csv.gz", "wt") as stream:
        rows.iloc[250:].to_csv(stream, index=False)
    (folder / "notes.txt").write_text("no data")


def encoded(project: Project, csv: str, engine: str = "local") -> dict[str, bytes]:
    """Runs the stages up to the arrays; gives the bytes of all that they wrote."""
    project.set_params(data__csv=csv, data__files="*.[cp]*", data__engine=engine, data__labels=["negative", "positive"])
    for stage in ("ingest", "tokenize_pad"):
        project.stage(stage)
    written = (file for part in ("data/interim", "data/features") for file in (project.folder / part).rglob("*"))
    return {str(file.relative_to(project.folder)): file.read_bytes() for file in written if file.is_file()}


def test_many_files_give_what_one_gives(fresh: Project) -> None:
    rows = rows_of(fresh)
    write_files(fresh, rows)
    folder = fresh.folder
    fresh.set_params(compare=["lstm"], train__seeds=[1])
    encoded(fresh, "mine.csv")
    for stage in LATER:
        fresh.stage(stage)
    vocabulary = json.loads((folder / "data/features/vocabulary.json").read_text())
    kept, refused = pd.read_parquet(folder / "data/interim/rows.parquet"), refusals(fresh)
    results = {name: (folder / name).read_bytes() for name in RESULTS}
    loaded = {split: arrays.load(folder / "data/features" / split) for split in ("train", "validation", "test")}
    whole = {
        split: {name: np.array(array) for name, array in found._asdict().items()} for split, found in loaded.items()
    }

    encoded(fresh, FOLDER)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "data/interim/rows.parquet"), kept)
    assert len(list((folder / "data/interim/rows.parquet").iterdir())) == 3
    assert json.loads((folder / "data/features/vocabulary.json").read_text()) == vocabulary
    for split, expected in whole.items():
        found = arrays.load(folder / "data/features" / split)
        for name, array in expected.items():
            np.testing.assert_array_equal(np.asarray(getattr(found, name)), array)
    for stage in LATER:
        fresh.stage(stage)
    assert {name: (folder / name).read_bytes() for name in RESULTS} == results

    starts = {"a.csv": 0, "b.parquet": 100, "c.csv.gz": 250}
    found = refusals(fresh)
    assert (found["row"] + found["file"].map(starts)).tolist() == refused["row"].tolist()
    assert found[["label", "text"]].equals(refused[["label", "text"]])
    assert "duplicate (row 8 of a.csv is the first)" in found["reason"].tolist()
    assert not (folder / "data/interim/screened").exists()


def refusals(project: Project) -> pd.DataFrame:
    return pd.read_csv(project.folder / "data/interim/rejected.csv", keep_default_na=False)


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_ray_writes_the_same_bytes(fresh: Project) -> None:
    write_files(fresh, rows_of(fresh))
    assert encoded(fresh, FOLDER) == encoded(fresh, FOLDER, "ray")
    assert encoded(fresh, "mine.csv") == encoded(fresh, "mine.csv", "ray")


@pytest.mark.parametrize("engine", ["local", pytest.param("ray", marks=[pytest.mark.weekly, pytest.mark.needs("ray")])])
def test_of_many_files_those_are_named_that_cannot_be_read(fresh: Project, engine: str) -> None:
    write_files(fresh, rows_of(fresh))
    folder = fresh.folder / FOLDER
    packed = (folder / "c.csv.gz").read_bytes()
    (folder / "c.csv.gz").write_bytes(packed[:-20])
    columns = (folder / "b.parquet").read_bytes()
    pd.DataFrame({"text": ["a"], "sentiment": ["positive"]}).to_parquet(folder / "b.parquet")
    options = {"data__files": "*.[cp]*", "data__engine": engine, "data__labels": ["negative", "positive"]}
    fresh.set_params(data__csv=FOLDER, **options)
    told = fresh.stage("ingest", expect=1).stderr
    assert f"{FOLDER}/b.parquet: no column 'review'; its columns are: text, sentiment; set data.text_column" in told
    assert f"; {FOLDER}/c.csv.gz: not a whole gzip file" in told
    assert not (fresh.folder / "data/interim/rows.parquet").exists()

    [done] = (fresh.folder / "data/interim/screened").iterdir()
    before = done.stat().st_mtime_ns
    (folder / "b.parquet").write_bytes(columns)
    assert "c.csv.gz: not a whole gzip file" in fresh.stage("ingest", expect=1).stderr
    assert done.stat().st_mtime_ns == before  # a.csv was not screened again
    (folder / "c.csv.gz").write_bytes(packed)
    fresh.stage("ingest")


def test_without_ray_a_folder_says_what_to_install(fresh: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "ray", None)
    write_files(fresh, rows_of(fresh))
    fresh.set_params(data__csv=FOLDER, data__files="*.csv", data__engine="ray")
    assert fresh.stage("ingest", expect=1).stderr == "error: Ray is not installed; run `make ray`\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ("*.tsv", "no file in this folder matches '*.tsv'; set data.files"),
        ("../*", "data: files must be a pattern inside the folder"),
    ],
)
def test_a_pattern_that_finds_nothing_is_told(fresh: Project, files: str, told: str) -> None:
    write_files(fresh, rows_of(fresh))
    fresh.set_params(data__csv=FOLDER, data__files=files)
    assert told in fresh.stage("ingest", expect=1).stderr


def test_a_series_is_one_file(fresh: Project) -> None:
    Path(fresh.folder / "many").mkdir()
    fresh.set_params(task="series", data__csv="many", split__method="chronological", baselines=["linear"])
    fresh.set_params(models__rnn__output="linear", models__lstm__output="linear")
    assert "many: is a folder; a series is a single CSV" in fresh.stage("ingest", expect=1).stderr
