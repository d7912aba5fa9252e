"""Files that are no files."""

import os
from pathlib import Path

import pytest

from rnnlab.data import csv_rows
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
