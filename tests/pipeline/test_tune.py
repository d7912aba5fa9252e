"""`rnnlab tune`: the same trials for each model, however often it is killed, and what becomes of the best ones."""

import csv
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from rnnlab.project.files import read_json
from tests.pipeline.conftest import Project

STUDY = ("csv", "json", "md")


def tuned(project: Project, *words: str, expect: int = 0, **variables: str) -> str:
    done = project.run("rnnlab", "tune", *words, expect=expect, **variables)
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def study(project: Project, name: str = "reviews") -> dict[str, bytes]:
    return {kind: (project.folder / f"reports/tuning/{name}.{kind}").read_bytes() for kind in STUDY}


def table(project: Project, name: str = "reviews") -> list[dict[str, str]]:
    with (project.folder / f"reports/tuning/{name}.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_tuning_ends_with_winners_that_an_experiment_trains(project: Project) -> None:
    shown = tuned(project, "--trials", "2")
    assert "2 trials of each model (rnn, lstm), 2 seeds each" in shown and "8 of 8" in shown
    rows = table(project)
    assert [(row["model"], row["trial"]) for row in rows] == [("rnn", "1"), ("rnn", "2"), ("lstm", "1"), ("lstm", "2")]
    assert rows[0]["units"] == rows[2]["units"] and rows[0]["learning_rate"] == rows[2]["learning_rate"]

    for model, options in read_json(project.folder / "reports/tuning/reviews.json")["winners"].items():
        of_model = [row for row in rows if row["model"] == model]
        best = max(float(row["score"]) for row in of_model)
        assert {float(row["score"]) for row in of_model if row["units"] == str(options["units"])} >= {best}

    [parent] = project.runs("tags.kind = 'study'")
    trials = project.runs(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert len(trials) == 8 and parent.info.status == "FINISHED"
    assert not [name for run in trials for name in run.data.metrics if name.startswith("test_")]

    planned = project.run("rnnlab", "experiments", "run", "tuned-reviews", "--dry-run").stdout
    assert "-S ++models.rnn.train.learning_rate=" in planned and "-S models.lstm.units=" in planned

    project.run("dvc", "repro", "report")
    page = (project.folder / "reports/index.html").read_text()
    assert "How much of the gap is tuning?" in page and "another version of the data" not in page

    before = study(project)
    again = tuned(project, "--trials", "2")
    assert "goes on from reports/tuning/reviews.md" in again and "of 8  " not in again
    assert study(project) == before and len(project.runs("tags.kind = 'trial'")) == 8


def test_of_a_series_the_smallest_error_wins(finished_series: Project, tmp_path: Path) -> None:
    project = finished_series.copy(tmp_path / "project")
    project.set_params(tune__seeds=[101], tune__space={"units": [2, 3]})
    shown = tuned(project, "--trials", "2", MLFLOW_SYNC="off")
    assert "2 trials of each model (lstm), 1 seeds each" in shown
    rows = table(project, "series")
    best = min(rows, key=lambda row: float(row["score"]))
    assert read_json(project.folder / "reports/tuning/series.json")["winners"]["lstm"]["units"] == int(best["units"])
    assert "mean squared error on validation rows" in (project.folder / "reports/tuning/series.md").read_text()


def test_a_space_is_changed_only_by_a_new_study(project: Project) -> None:
    tuned(project, "--trials", "1", "--name", "mine", MLFLOW_SYNC="off")
    first = study(project, "mine")
    project.set_params(tune__seeds=[103])
    shown = tuned(project, "--trials", "1", "--name", "mine", MLFLOW_SYNC="off")
    assert "is of another space, data or code, and this study replaces it" in shown
    assert study(project, "mine")["json"] != first["json"]
    assert (project.folder / "experiments/tuned-mine.yaml").is_file()


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "seeds": ({"tune__seeds": [1, 7]}, "tune.seeds: 1 is in train.seeds too; the winners need seeds of their own"),
    "match": ({"match": "parameters"}, "match: rnnlab tune looks for the best of each model by itself; set it to none"),
    "an option": (
        {"tune__space": {"unit": [1]}},
        "space.unit: no option of a model or its training; did you mean unit",
    ),
    "an empty range": ({"tune__space": {"units": {"low": 3, "high": 3}}}, "tune.space.units: is empty: low must be"),
    "a value": ({"tune__space": {"pooling": ["sum"]}}, "tune.space.pooling: models.rnn.pooling: must be 'last'"),
    "features": ({"tokenize_pad__max_length": 31}, "data/features: not what params.yaml and the data make"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence(project: Project, mistake: str) -> None:
    values, sentence = MISTAKES[mistake]
    project.set_params(**values)
    shown = project.inside("rnnlab.cli.main", "tune", "--trials", "1", expect=1).stderr
    assert shown.startswith("error: params.yaml: ") or shown.startswith("error: data/features")
    assert sentence in shown and len(shown.splitlines()) == 1


@pytest.mark.parametrize("words", [["--trials", "0"], ["--budget-minutes", "-1"], ["--name", "../x"]])
def test_what_cannot_be_asked_for_is_refused(blank: Project, words: list[str]) -> None:
    done = blank.run("rnnlab", "tune", *words, expect=2)
    assert f"argument {words[0]}: " in done.stderr


@pytest.mark.weekly
def test_a_study_that_is_killed_five_times_ends_the_same(project: Project, tmp_path: Path) -> None:
    other = project.copy(tmp_path / "undisturbed")
    tuned(other, "--trials", "6", MLFLOW_SYNC="off")
    ended = Path(project.folder / "data/sweeps")
    for kill in range(5):
        wanted = 3 * (kill + 1)
        command = ("rnnlab", "tune", "--trials", "6")
        environment = project.environment | {"MLFLOW_SYNC": "off"}
        with subprocess.Popen(command, cwd=project.folder, env=environment, stdout=subprocess.DEVNULL) as running:
            deadline = time.monotonic() + 120
            while len(list(ended.glob("*/outcome.json"))) < wanted and time.monotonic() < deadline:
                assert running.poll() is None
                time.sleep(0.05)
            os.kill(running.pid, signal.SIGKILL)
    tuned(project, "--trials", "6", MLFLOW_SYNC="off")
    assert study(project) == study(other)
