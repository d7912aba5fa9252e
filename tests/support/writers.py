"""Writers that log small results at the same time, and what must be there afterwards."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from mlflow import MlflowClient

from rnnlab.project import layout, params
from rnnlab.project.params import Params, Run
from rnnlab.project.results import Result
from rnnlab.tracking import pipeline_runs, store
from rnnlab.tracking.records import Record

ROOT = Path(__file__).parents[2]
WRITERS = 4
# WRITER_ROUNDS=50 for a campaign.
ROUNDS = int(os.environ.get("WRITER_ROUNDS", "2"))


def result(key: str, folder: Path) -> tuple[Result, Record]:
    """A small result of one network; its file is never loaded."""
    values = params.read(ROOT / layout.PARAMS).model_dump(by_alias=True)
    values |= {"compare": ["rnn"], "train": values["train"] | {"seeds": [1]}, "baselines": []}
    run = Run("rnn", 1)
    for path, content in {
        layout.network(run): "weights" * 1000,
        layout.VOCABULARY: "[]",
        layout.history(run): "",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(content)
    figures = {"accuracy": 0.5, "f1": 0.5, "roc_auc": 0.5, "log_loss": 0.7, "ece": 0.1}
    rows = [{"epoch": epoch, "loss": 0.5, "val_loss": 0.6, "val_accuracy": 0.7} for epoch in (1, 2, 3)]
    timings = {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T10:01:00+00:00", "epoch_seconds": [1, 1, 1]}
    predictions = {"id": ["a", "b"], "label": [0, 1], "model": "rnn", "seed": 1, "probability": [0.1, 0.9]}
    result = Result(
        name=f"workspace-{key}",
        kind="workspace",
        values=values,
        metrics={"rnn": {"mean": figures, "sd": figures, "per_seed": {"1": figures}, "parameters": 10}},
        comparison={"pairs": []},
        histories={run: pd.DataFrame(rows)},
        timings={run: timings},
        predictions=pd.DataFrame(predictions),
    )
    record = Record(
        key=key,
        settings=Params.model_validate(values),
        tags={"data": "reviews.csv", "data_version": "0123abcd"},
        note="a table",
        artifacts=[layout.history(run)],
        datasets={"train": ("0123abcd", 2)},
        folder=folder,
    )
    return result, record


def write(name: str, folder: Path) -> None:
    """Logs results as the track stage does: unless they are there already."""
    opened = store.connect()
    for number in range(ROUNDS):
        # Each writer has results of its own, and one that all of them have.
        for key in (f"{name}-{number}", f"shared-{number}"):
            with store.lock():
                if not pipeline_runs.find_finished(opened, key):
                    pipeline_runs.log_pipeline(opened, *result(key, folder))


def environment(folder: Path) -> dict[str, str]:
    """This process' environment without a store; that of the project in a folder is used then."""
    ours = ("MLFLOW_", "DVC_", "GIT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {"DVC_ROOT": str(folder)}


def race(variables: Mapping[str, str], folder: Path) -> None:
    """Lets all writers log at once."""
    writers = []
    for number in range(WRITERS):
        (folder / str(number)).mkdir()
        script = f"from tests.support import writers as w; w.write('{number}', w.Path('{folder / str(number)}'))"
        command = (sys.executable, "-c", script)
        writers.append(subprocess.Popen(command, cwd=ROOT, env=variables, stderr=subprocess.PIPE, text=True))
    ends = [(writer.communicate()[1], writer.returncode) for writer in writers]
    assert [status for _, status in ends] == [0] * WRITERS, ends


def assert_nothing_is_lost_or_doubled(client: MlflowClient) -> None:
    """Each writer's results once, and once those that all of them had; every network with its curve."""
    [experiment] = client.search_experiments(filter_string=f"name = '{store.EXPERIMENT}'")
    found = client.search_runs([experiment.experiment_id], max_results=5000)
    runs = [run for run in found if "kind" in run.data.tags]
    parents = {run.info.run_id: run.data.tags["pipeline_key"] for run in runs if run.data.tags["kind"] == "pipeline"}
    wanted = [f"{writer}-{number}" for writer in (*range(WRITERS), "shared") for number in range(ROUNDS)]
    assert sorted(parents.values()) == sorted(wanted)
    children = [run for run in runs if run.data.tags["kind"] == "model"]
    assert sorted(run.data.tags["mlflow.parentRunId"] for run in children) == sorted(parents)
    assert {run.info.status for run in runs} == {"FINISHED"}
    assert all(len(client.get_metric_history(run.info.run_id, "val_loss")) == 3 for run in children)
