"""A few cases of hostile and odd input; `make fuzz` tries two hundred thousand of the same kind."""

import csv
import gzip
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rnnlab.data.ingestion import ingest
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from tests.fuzz.properties import PROPERTIES, SETTINGS, hold
from tests.fuzz.strategies import File
from tests.support.builders import write_csv

pytest.importorskip("resource", reason="limits of time and memory need POSIX")
from tests.fuzz import campaign

GOOD = b"".join(b"text %d,%s\n" % (n, (b"negative", b"positive")[n % 2]) for n in range(40))
HEADER = b"review,sentiment\n"
LONGEST_ROW = 16 << 20  # characters


# Those of networks import TensorFlow.
NAMES = [pytest.param(name, marks=[pytest.mark.weekly] if name == "networks" else []) for name in PROPERTIES]


@pytest.mark.parametrize("name", NAMES)
def test_any_input_gives_a_result_or_a_sentence(name: str) -> None:
    found = campaign.run(PROPERTIES[name], 25, first_seed=None)
    assert found["what_failed"] == []
    assert found["results"] + found["refusals"] == found["cases"] >= 25


def test_a_campaign_counts_what_fails_and_what_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(case: object, folder: Path) -> None:
        raise KeyError

    def sleep(case: object, folder: Path) -> None:
        time.sleep(1)

    def work(case: object, folder: Path) -> None:
        while True:
            time.process_time()

    def write(case: object, folder: Path) -> None:
        (folder / "out").mkdir()
        (folder / "out" / "half").touch()
        raise UserError("no")

    monkeypatch.setattr(campaign, "CASE_SECONDS", 0.05)
    for check, key in ((fail, "failures"), (sleep, "overdue"), (work, "overdue"), (write, "failures")):
        found = campaign.run(PROPERTIES["messages"]._replace(check=check), 1, first_seed=1)
        assert found[key] == len(found["what_failed"]) == 1


def test_a_campaign_counts_what_takes_too_much_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "resident_megabytes", lambda: 300)
    for taken, failures in ((100, 0), (900, 1)):
        monkeypatch.setattr(campaign, "peak_megabytes", lambda peak=300 + taken: peak)
        found = campaign.run(PROPERTIES["messages"], 1, first_seed=1)
        assert found["failures"] == len(found["what_failed"]) == failures
        assert found["most_megabytes"] == taken


def test_a_peak_is_that_of_a_case_alone() -> None:
    for megabytes in (200, 50):  # the second is hidden behind the first, unless that is forgotten
        campaign.forget_peak()
        before = campaign.resident_megabytes()
        np.ones(megabytes * 10**6, np.uint8).sum()
        assert campaign.peak_megabytes() - before == pytest.approx(megabytes, abs=15)


def zip_bomb() -> bytes:
    """Compresses three gigabytes of commas to 3 MB."""
    return gzip.compress(HEADER) + gzip.compress(b"," * (1 << 24)) * 200


GIANTS: dict[str, Callable[[], tuple[bytes, str]]] = {
    "a cell of 10 MB": lambda: (HEADER + GOOD + b"<b>&amp; word</b> " * 600_000 + b",positive\n", "in.csv"),
    "a review of 100,000 words": lambda: (HEADER + GOOD + b"word " * 100_000 + b",positive\n", "in.csv"),
    "10,000 columns": lambda: (
        b"x," * 10_000 + HEADER + b"".join(b"y," * 10_000 + row + b"\n" for row in GOOD.splitlines()),
        "in.csv",
    ),
    "a header of 10 MB": lambda: (
        b"x" * (10 << 20) + b",review,sentiment\n" + GOOD.replace(b"text", b"y,text"),
        "in.csv",
    ),
    "cells of 10 MB that are no texts": lambda: (
        HEADER + GOOD + b"".join(b"x%d,%s\n" % (n, b"z" * (5 << 20)) for n in range(4)),
        "in.csv",
    ),
    "a line without end": lambda: (HEADER + b"x" * (2 * LONGEST_ROW), "in.csv"),
    "a row without end": lambda: (HEADER + GOOD + b'"' + (b"x" * 99 + b"\n") * (LONGEST_ROW // 50), "in.csv"),
    "a row of cells without end": lambda: (HEADER + b"ab," * LONGEST_ROW, "in.csv"),
    "a zip bomb of cells": lambda: (zip_bomb(), "in.csv.gz"),
}
TOO_LARGE = ("a line without end", "a row without end", "a row of cells without end", "a zip bomb of cells")


@pytest.mark.parametrize("name", GIANTS)
def test_giants_take_seconds_and_bounded_memory(name: str, tmp_path: Path) -> None:
    content, file_name = GIANTS[name]()
    campaign.forget_peak()
    before, started = campaign.resident_megabytes(), time.perf_counter()
    result = hold(PROPERTIES["ingest"].check, File(content, file_name, ",", "utf-8", False), tmp_path)
    assert campaign.peak_megabytes() - before < 700
    assert time.perf_counter() - started < 30
    assert result == (name not in TOO_LARGE)


@pytest.mark.parametrize("labels", [("bad, very", 'say "good"'), ("👎🏽", "👨\u200d👩"), ("=1", "-1"), ("否", "$x$|*")])
def test_labels_of_any_writing_go_through(labels: tuple[str, str], tmp_path: Path) -> None:
    data = SETTINGS.data.model_copy(update={"labels": labels})
    rows = ([f"text {number % 40}", labels[number % 2]] for number in range(41))  # the last repeats the first
    source = write_csv(tmp_path / "in.csv", ["review", "sentiment"], *rows)
    places = (tmp_path / name for name in ("rows.parquet", "rejected.csv", "data.json"))
    ingest(SETTINGS.model_copy(update={"data": data}), source, *places)
    summary = read_json(tmp_path / "data.json")
    kept = [sum(part[label] for part in summary["splits"].values()) for label in labels]
    assert (kept, summary["rows_rejected"]["total"]) == ([20, 20], 1)
    with (tmp_path / "rejected.csv").open(newline="", encoding="utf-8") as stream:
        [row] = csv.DictReader(stream)
    assert row["label"].removeprefix("'") == labels[0]
