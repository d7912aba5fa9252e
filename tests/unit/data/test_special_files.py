"""Files that are no files, and files that change while they are read."""

import os
from pathlib import Path

import pytest

from rnnlab.data import csv_rows, ingestion, screening
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.serving import predictors


@pytest.mark.parametrize("kind", ["fifo", "device", "loop"])
def test_what_is_no_file_is_said_to_be_none(tmp_path: Path, settings: Params, kind: str) -> None:
    source = tmp_path / "it.csv"
    if kind == "fifo":
        os.mkfifo(source)
    elif kind == "device":
        source.symlink_to("/dev/zero")
    else:
        source.symlink_to(source)
    with pytest.raises(UserError, match=r"it\.csv: not a regular file"):
        next(csv_rows.read_rows(source, settings.data, None))


def test_a_pipe_as_a_model_does_not_hang(tmp_path: Path, settings: Params) -> None:
    os.mkfifo(tmp_path / "it.keras")
    with pytest.raises(UserError, match=r"it\.keras: no such file"):
        predictors.load_file(tmp_path / "it.keras", tmp_path / "vocabulary.json", settings)


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "it.csv"
    lines = [f"text {row},{('negative', 'positive')[row % 2]}\n" for row in range(200)]
    source.write_text("review,sentiment\n" + "".join(lines))
    first_pass = screening.first_pass

    def append(*arguments: object) -> object:
        folders = first_pass(*arguments)  # type: ignore[arg-type]
        with source.open("a") as stream:
            stream.write("one more,positive\n")
        return folders

    monkeypatch.setattr(screening, "first_pass", append)
    outputs = [tmp_path / name for name in ("rows.parquet", "rejected.csv", "summary.json")]
    with pytest.raises(UserError, match=r"it\.csv: changed while it was read"):
        ingestion.ingest(settings, source, *outputs)
