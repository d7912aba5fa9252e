"""The windows that forecasters are compared on, and ours trained on them: those of the embedded series."""

import contextlib
import io
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.timing import Sample
from rnnlab.data import series, wave
from rnnlab.experiments import catalogue
from rnnlab.features import series_encoding, series_rows, windows
from rnnlab.features.arrays import Windows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.series_encoding import Encoding
from rnnlab.features.series_rows import Floats
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import layout, params
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params, Run

EXPERIMENT = "sequence-regression"  # its options were chosen before any rival was measured
MODEL = "lstm"


class Work(NamedTuple):
    """One training of each forecaster.

    Attributes:
        horizon: number of values that are predicted.
        seed: of weights and batches.
        epochs: how many; None for those of the experiment.
    """

    horizon: int
    seed: int
    epochs: int | None = None


class Answer(NamedTuple):
    """What one training came to.

    Attributes:
        error: mean squared error of the test windows, in the unit of the data.
        parameters: number of weights.
        first: the cost of the first epoch, with building the network, tracing and compiling.
        median: of a median epoch.
        whole: of all epochs.
    """

    error: float
    parameters: int
    first: Sample
    median: Sample
    whole: Sample


class Task(NamedTuple):
    """What all forecasters are given.

    Attributes:
        settings: parameters of the experiment.
        encoding: of the training rows, for all splits.
        values: all rows of each split, standardised, of shape (rows,).
        cut: the windows of each split.
    """

    settings: Params
    encoding: Encoding
    values: dict[str, Floats]
    cut: dict[str, Windows]

    def error(self, predictions: Any) -> float:
        """Returns the mean squared error of standardised predictions for the test windows, in the data's unit."""
        test = self.cut["test"]
        predicted, targets = (self.encoding.undo(values, test.series) for values in (predictions, test.targets))
        return float(np.mean((predicted - targets) ** 2))


def now() -> Sample:
    """Returns the seconds of both clocks."""
    return Sample(time.perf_counter(), time.process_time())


def answer(error: float, parameters: int, times: Sequence[Sample]) -> Answer:
    """Returns an answer, from the times, by `now`, at which the training began and at which each epoch ended."""
    seconds, cpu = (np.diff([getattr(one, name) for one in times]) for name in ("seconds", "cpu"))
    first, median, whole = (
        Sample(float(of(seconds)), float(of(cpu))) for of in (lambda epochs: epochs[0], np.median, np.sum)
    )
    return Answer(error, parameters, first, median, whole)


def task(work: Work) -> Task:
    """Draws the series, splits it in time and cuts the windows, as the pipeline's first stages do."""
    settings = catalogue.load(EXPERIMENT, params.read()).setups[0].settings
    epochs = work.epochs or settings.train.epochs
    # The others cannot all go back to their best epoch, or stop early.
    changes = {"series.horizon": work.horizon, "train.epochs": epochs, "train.patience": epochs, "train.keep": "last"}
    settings = changed(settings, changes, layout.EXPERIMENTS / f"{EXPERIMENT}.yaml")
    values, options = wave.wave(settings.wave, settings.sample.seed), settings.series
    parts = series.split_series(len(values), settings.split.test_fraction, settings.split.validation_fraction)
    table = series.to_table(series.Series(values, np.zeros(len(values), bool)), parts)
    rows = {split: series_rows.read_split(table, split)[""] for split in SPLITS}
    encoding = series_encoding.fit({"": rows["train"]}, options.season, options.window)
    cut = {
        split: windows.featurise(each, split, encoding, options.window, options.horizon, "")[0]
        for split, each in rows.items()
    }
    scaler = encoding.series[""].scaler
    return Task(settings, encoding, {split: scaler.apply(each.values) for split, each in rows.items()}, cut)


def ours(work: Work) -> Callable[[], Answer]:
    """Trains as the stage `train` does, with validation and a checkpoint in each epoch."""
    given = task(work)
    with importing_keras():
        from rnnlab.networks import predicting, training

    def repeat() -> Answer:
        times = [now()]
        run = Run(MODEL, work.seed)
        rows, held_out = ((each.inputs, each.targets) for each in (given.cut["train"], given.cut["validation"]))
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            checkpoint = Checkpoint(Path(folder) / "state.npz")
            trained = training.Work(run, given.settings, rows, held_out, 0)
            model, _ = training.train(trained, checkpoint, lambda row: times.append(now()))
        predicted = predicting.predict(model, given.cut["test"].inputs, given.settings.evaluate.batch_size)
        return answer(given.error(predicted), model.count_params(), times)

    return repeat
