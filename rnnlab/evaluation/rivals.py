"""The baselines of every task: fitted to training rows, and asked about other rows."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from rnnlab.evaluation import baselines, classical, sequence_baselines, series_baselines
from rnnlab.features import arrays, windows
from rnnlab.project import layout
from rnnlab.project.files import read_json, reading
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName


class Answer(NamedTuple):
    """What a baseline says of some rows, how many weights it has, and the penalty that was chosen for them, if any.

    Predictions are probabilities of labels, see `rnnlab.evaluation.baselines.predict`, or scaled values of a series, of
    shape (rows, horizon).
    """

    predictions: baselines.Array
    parameters: int
    inverse_penalty: float | None = None


def fit_all(settings: Params, source: Path, features: Path, folder: Path) -> dict[str, float]:
    """Fits the baselines that the parameters name into a new folder; returns the seconds that each took.

    Args:
        settings: of the project.
        source: clean rows.
        features: the folder that holds one of arrays for each split.
        folder: to make.
    """
    fit = FITTERS[settings.task](source, features, folder)
    folder.mkdir()
    seconds = {}
    for name in tqdm(settings.baselines, desc="baseline", unit="model", disable=None):
        started = time.perf_counter()
        fit(name)
        seconds[name] = round(time.perf_counter() - started, 3)
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in settings.baselines), encoding="utf-8")
    return seconds


def _texts(source: Path, features: Path, folder: Path) -> Callable[[str], None]:
    with reading(source):
        splits = [pq.read_table(source, filters=pc.field("split") == name) for name in ("train", "validation")]

    def fit(name: str) -> None:
        rows, held_out = (baselines.Rows(split["text"].combine_chunks(), split["label"].to_numpy()) for split in splits)
        baselines.save(baselines.fit(name, rows, held_out), folder / f"{name}.npz")

    return fit


def _series(source: Path, features: Path, folder: Path) -> Callable[[str], None]:
    train, held_out = (arrays.load_windows(features / path.name) for path in (layout.TRAIN, layout.VALIDATION_ROWS))

    def fit(name: str) -> None:
        if name == "linear":
            np.save(folder / "linear.npy", series_baselines.fit_linear(train, held_out), allow_pickle=False)
        elif name in classical.FITS:
            encoding = windows.from_json(read_json(features / layout.TRAIN.name / layout.SCALER.name))
            series = classical.read(source, encoding)
            classical.save(classical.fit(name, series, encoding.season, held_out), folder / f"{name}.npz")

    return fit


def _sequences(source: Path, features: Path, folder: Path) -> Callable[[str], None]:
    splits = [arrays.load_sequences(features / path.name) for path in (layout.TRAIN, layout.VALIDATION_ROWS)]
    return partial(sequence_baselines.fit, folder=folder, rows=splits[0], held_out=splits[1])


FITTERS: dict[TaskName, Callable[[Path, Path, Path], Callable[[str], None]]] = {
    "text": _texts,
    "series": _series,
    "sequences": _sequences,
}


def ask(settings: Params, split: Path) -> dict[str, Answer]:
    """Asks the baselines of a task about the rows of a split, by the folder of its arrays."""
    return ASKED[settings.task](settings, split)


def _ask_about_texts(settings: Params, split: Path) -> dict[str, Answer]:
    with reading(layout.ROWS):
        rows = pq.read_table(layout.ROWS, columns=["text"], filters=pc.field("split") == split.name)
    models = {name: baselines.load(layout.BASELINES / f"{name}.npz") for name in settings.baselines}
    return {
        name: Answer(
            baselines.predict(model, rows["text"].combine_chunks()),
            baselines.count_parameters(model),
            float(np.median(model.inverse_penalty)),
        )
        for name, model in models.items()
    }


def _ask_about_series(settings: Params, split: Path) -> dict[str, Answer]:
    rows, encoding = arrays.load_windows(split), windows.from_json(read_json(layout.SCALER))
    horizon = rows.targets.shape[1]

    def answer(name: str) -> Answer:
        if name == "linear":
            weights = arrays.map_array(layout.BASELINES / "linear.npy")
            return Answer(series_baselines.predict_linear(rows.inputs, weights), weights.size)
        if name in classical.FITS:
            fitted = classical.load(layout.BASELINES / f"{name}.npz")
            predictions = classical.predict(fitted, classical.read(layout.ROWS, encoding), rows)
            return Answer(predictions, sum(model.parameters for model in fitted))
        return Answer(series_baselines.UNFITTED[name](rows.inputs, horizon, encoding.season), 0)

    return {name: answer(name) for name in settings.baselines}


def _ask_about_sequences(settings: Params, split: Path) -> dict[str, Answer]:
    rows = arrays.load_sequences(split)
    return {name: Answer(*sequence_baselines.predict(name, layout.BASELINES, rows)) for name in settings.baselines}


ASKED: dict[TaskName, Callable[[Params, Path], dict[str, Answer]]] = {
    "text": _ask_about_texts,
    "series": _ask_about_series,
    "sequences": _ask_about_sequences,
}
