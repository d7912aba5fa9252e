"""Runs one trial in this process: trains a network, and scores it."""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS
from rnnlab.sweeps.trials import Data, Outcome, Trial

if TYPE_CHECKING:
    import keras

    from rnnlab.networks.training import History

OnEpoch = Callable[[dict[str, float]], bool | None]


def run_trial(trial: Trial, data: Data, on_epoch: OnEpoch = lambda row: None) -> tuple[Outcome, bytes]:
    """Trains a network and scores it on the test rows; returns the outcome and the ``.keras`` file."""
    model, history = _train(trial, data, on_epoch)
    from rnnlab.networks import models

    with tempfile.TemporaryDirectory() as folder:
        network = Path(folder) / "network.keras"
        models.save(model, network)
        content = network.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    scores = _score(model, trial.settings, data)
    return Outcome(history.epochs, history.best_epoch, scores, model.count_params(), digest), content


def try_options(trial: Trial, data: Data) -> tuple[Outcome, bytes]:
    """Trains a network for its score on validation rows alone, unless it does poorly or its loss is not a number."""
    with importing_keras():
        from rnnlab.networks.callbacks import Diverged
    epochs: list[dict[str, float]] = []

    def does_poorly(row: dict[str, float]) -> bool:
        epochs.append(row)
        return trial.limits.exceeded(epochs)

    try:
        model, history = _train(trial, data, does_poorly)
    except Diverged:
        return Outcome(epochs, 0, {}, 0, "", diverged=True), b""
    stopped = trial.limits.exceeded(history.epochs)
    return Outcome(history.epochs, history.best_epoch, {}, model.count_params(), "", stopped=stopped), b""


def _train(trial: Trial, data: Data, on_epoch: OnEpoch) -> "tuple[keras.Sequential, History]":
    with importing_keras():
        from rnnlab.networks import training
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder) / "state.npz")
        work = training.Work(trial.run, trial.settings, data.train, data.validation, data.vocabulary_size)
        return training.train(work, checkpoint, on_epoch)


def _score(model: "keras.Model", settings: Params, data: Data) -> dict[str, Any]:
    from rnnlab.evaluation import metrics, series_metrics
    from rnnlab.networks import predicting

    def score_series(true: Any, found: Any) -> dict[str, Any]:
        encoding, series = data.encoding, data.series
        assert encoding is not None and series is not None
        units, naive = encoding.units(series), encoding.naive_errors(series)
        targets, predicted_ = (encoding.undo(values, series) / units for values in (true, found))
        return series_metrics.score(targets, predicted_, naive / units)

    def score_labels(true: Any, found: Any) -> dict[str, Any]:
        return metrics.score(metrics.answer(true[:, 0].astype(np.int16), found))

    inputs, targets = data.test
    predicted = predicting.predict(model, inputs, settings.evaluate.batch_size)
    return (score_labels if TASKS[settings.task].has_labels else score_series)(targets, predicted)
