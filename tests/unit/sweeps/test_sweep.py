"""Trials of a sweep, as they end."""

import os
from pathlib import Path

import pytest

from rnnlab.features import arrays
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.project.params import Params, Run
from rnnlab.sweeps import grids, sweep, trials
from rnnlab.sweeps.sweep import Sweep
from rnnlab.sweeps.trials import Trial
from tests.unit.sweeps.test_grids import outcome

GRID = "params: {compare: [rnn, lstm], train.seeds: [1]}\ngrid: {models.lstm.units: [4, 8]}\n"


def test_a_trial_that_fails_is_shown_counted_and_told(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = Sweep("mine", "key", 2)
    mine.check()
    with mine.progress():
        mine.end(Trial("a", Run("lstm", 3), settings), "no memory is left")
    assert capsys.readouterr().out == "1 of 2  lstm-3  no memory is left\n"
    with pytest.raises(UserError, match="1 trainings failed, the first because: no memory is left; the same command"):
        mine.check()


@pytest.fixture
def project(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with features, of which DVC says that they belong to the parameters."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_SYNC", "off")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "dvc").write_text("#!/bin/sh\n")
    (tmp_path / "dvc").chmod(0o755)
    layout.FEATURES.mkdir(parents=True)
    for split in (layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST):
        arrays.create(split, rows=4, max_length=3)
    write_json(layout.VOCABULARY, ["", "<unk>", "the"])
    write_json(layout.PARAMS, settings.model_dump(mode="json", by_alias=True))  # JSON is YAML
    (tmp_path / "grid.yaml").write_text(GRID)
    return tmp_path


def test_what_earlier_sweeps_finished_is_counted_and_becomes_the_table(
    project: Path, settings: Params, capsys: pytest.CaptureFixture[str]
) -> None:
    _, combinations = grids.read(Path("grid.yaml"), settings)
    for planned in trials.of_combinations(combinations, sweep.read_features(settings)):
        for trial in planned:
            trials.keep(trial, outcome(0.25), b"", None)
    sweep.run(Path("grid.yaml"), None)
    shown, page = capsys.readouterr().out, (project / "reports/sweeps/grid.md").read_text()
    assert shown.startswith("2 combinations, 3 trainings, 3 of them finished before\n")
    assert page in shown and shown.endswith("wrote reports/sweeps/grid.md\n")
    assert [line.count("0.2500") for line in page.splitlines() if line.startswith(("| rnn", "| lstm"))] == [1] * 4
