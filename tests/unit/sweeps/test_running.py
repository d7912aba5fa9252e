"""One trial of a sweep, in this process: sweeps of either task, without Ray."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.evaluation import metrics, series_metrics
from rnnlab.features.arrays import Examples
from rnnlab.features.series_encoding import Scaler
from rnnlab.networks import models, predicting
from rnnlab.project.params import Params, Run
from rnnlab.sweeps import running
from rnnlab.sweeps.trials import Data, Outcome, Trial
from tests.support.builders import encoding_of
from tests.support.results import SERIES, changed

SMALL = {"train.seeds": [1], "train.epochs": 2, "train.engine": "stock", "models.lstm.units": 3, "compare": ["lstm"]}


def rows(task: str, count: int, seed: int) -> Examples:
    draw = np.random.default_rng(seed)
    if task == "series":
        inputs = draw.normal(size=(count, 5, 1)).astype(np.float32)
        return inputs, inputs[:, -1] * 0.5
    labels = draw.integers(0, 2, (count, 1))
    return np.full((count, 5), 2, np.int32) + labels.astype(np.int32), labels.astype(np.float32)


def run(settings: Params, task: str, **changes: Any) -> tuple[Outcome, bytes, Data, list[dict[str, float]]]:
    ours = changed(settings, **SMALL, **(SERIES if task == "series" else {}), **changes)
    numbers = np.zeros(21, np.int32)  # all windows are of one series
    data = Data(rows(task, 40, 1), rows(task, 20, 2), rows(task, 21, 3), 6, encoding_of(Scaler(5.0, 10.0)), numbers)
    seen: list[dict[str, float]] = []
    outcome, network = running.run_trial(Trial("key", Run("lstm", 1), ours), data, seen.append)
    return outcome, network, data, seen


@pytest.mark.parametrize("task", ["text", "series"])
def test_a_trial_is_scored_by_its_task_on_the_test_rows(task: str, settings: Params, tmp_path: Path) -> None:
    outcome, content, data, seen = run(settings, task)
    assert outcome.history == seen
    assert [row["epoch"] for row in seen] == [1, 2]
    assert outcome.best_epoch == min(seen, key=lambda row: row["val_loss"])["epoch"]
    assert outcome.network == hashlib.sha256(content).hexdigest()
    (tmp_path / "network.keras").write_bytes(content)
    network = models.load(tmp_path / "network.keras")
    assert outcome.parameters == network.count_params()
    predicted = predicting.predict(network, data.test[0], 7)
    true = data.test[1]
    if task == "series":
        scores = series_metrics.score(10 * true, 10 * predicted)
    else:
        scores = metrics.score(metrics.answer(true[:, 0].astype(int), predicted))
    name = "mse" if task == "series" else "accuracy"
    assert outcome.test[name] == pytest.approx(scores[name], rel=1e-4)


def test_a_trial_ends_with_the_same_file_wherever_it_runs(settings: Params) -> None:
    first, content, *_ = run(settings, "text")
    again, same, *_ = run(settings, "text")
    assert (first, content) == (again, same)


@pytest.mark.parametrize("module", ["ray_trials", pytest.param("ray_search", marks=pytest.mark.needs("ray"))])
def test_keras_is_not_imported_before_a_trial_runs(module: str) -> None:
    """A sweep's driver has no use for it, and a trial first sets the number of its threads."""
    code = f"import sys, rnnlab.sweeps.{module}; print(sorted({{'keras', 'tensorflow'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
