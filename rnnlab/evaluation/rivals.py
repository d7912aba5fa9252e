"""The baselines of every task, ours and those of others: fitted to training rows, and asked about other rows."""

import functools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
from tqdm import tqdm

from rnnlab.evaluation import baselines, classical, other_baselines, sequence_baselines, series_baselines
from rnnlab.evaluation.other_baselines import Examples
from rnnlab.features import arrays, series_encoding
from rnnlab.features.clean_rows import read_rows
from rnnlab.features.series_encoding import Encoding
from rnnlab.project import layout, plugins
from rnnlab.project.params import Params
from rnnlab.project.plugins import Plugin
from rnnlab.project.sections.kinds import BASELINES
from rnnlab.project.tasks import TASKS, TaskName

TRAIN, VALIDATION = layout.TRAIN.name, layout.VALIDATION_ROWS.name
Read = Callable[[str], Any]  # returns the rows of a split by its name


class Answer(NamedTuple):
    """What a baseline says of some rows, how many weights it has, and the penalty that was chosen for them, if any.

    It says probabilities, see `rnnlab.evaluation.baselines.predict`, or standardised values of shape (rows, horizon).
    Weights of others' baselines are not known.
    """

    said: npt.NDArray[np.float32]
    parameters: int | None
    inverse_penalty: float | None = None


class Rival(NamedTuple):
    """A baseline: writes what it learns to a folder, and answers from there about the rows of a split."""

    fit: Callable[[Read, Path], None]
    ask: Callable[[Read, Path, str], Answer]


class SeriesRows(NamedTuple):
    """The windows of one split, how they were standardised, and where the whole series is."""

    windows: arrays.Windows
    encoding: Encoding
    source: Path


class Kind(NamedTuple):
    """The baselines of a task: how a split is read from the clean rows and the folder of features, and ours by name."""

    read: Callable[[Path, Path, str], Any]
    own: Mapping[str, Rival]
    examples: Callable[[Any], Examples]  # what others' are given of a split
    says: Callable[[Plugin, Any, Examples, Any], npt.NDArray[np.float32]]  # what they say of inputs


def fit_all(settings: Params, source: Path, features: Path, folder: Path) -> dict[str, float]:
    """Fits the baselines that the parameters name into a new folder; returns the seconds that each of ours took.

    Those of others are fitted where they are asked.

    Args:
        settings: of the project.
        source: clean rows.
        features: the folder that holds one of arrays for each split.
        folder: to make.

    Raises:
        UserError: a baseline cannot be fitted.
    """
    own = KINDS[settings.task].own
    rivals = {name: own[name] for name in settings.baselines if name in own}
    read = functools.cache(partial(KINDS[settings.task].read, source, features))
    folder.mkdir()
    seconds = {}
    for name, rival in tqdm(rivals.items(), desc="baseline", unit="model", disable=None):
        started = time.perf_counter()
        rival.fit(read, folder)
        seconds[name] = round(time.perf_counter() - started, 3)
    (folder / "names.txt").write_text("".join(f"{name}\n" for name in settings.baselines), encoding="utf-8")
    return seconds


def ask(settings: Params, splits: Sequence[Path]) -> dict[str, list[Answer]]:
    """Asks the baselines about the rows of splits, by the folders of their arrays; returns each one's answers."""
    kind = KINDS[settings.task]
    read = functools.cache(partial(kind.read, layout.ROWS, splits[0].parent))
    asks = {name: kind.own[name].ask if name in kind.own else _ask_other(kind, name) for name in settings.baselines}
    return {name: [ask(read, layout.BASELINES, split.name) for split in splits] for name, ask in asks.items()}


def _ask_other(kind: Kind, name: str) -> Callable[[Read, Path, str], Answer]:
    """Returns how a baseline of others is asked, which fits it; to be kept, its form would run code when it is read."""
    plugin = plugins.get(BASELINES, name)

    @functools.cache
    def fit(read: Read) -> tuple[Examples, Any]:
        examples = kind.examples(read(TRAIN))
        return examples, other_baselines.fit(plugin, examples)

    def ask(read: Read, folder: Path, split: str) -> Answer:
        examples, model = fit(read)
        return Answer(kind.says(plugin, model, examples, kind.examples(read(split)).inputs), None)

    return ask


def _read_texts(source: Path, features: Path, split: str) -> baselines.Rows:
    rows = read_rows(source, ["text", "label"], pc.field("split") == split)
    return baselines.Rows(rows["text"].combine_chunks(), rows["label"].to_numpy())


def _read_sequences(source: Path, features: Path, split: str) -> arrays.Sequences:
    return arrays.load_sequences(features / split)


def _read_series(source: Path, features: Path, split: str) -> SeriesRows:
    encoding = series_encoding.read(features / TRAIN / layout.SCALER.name)
    return SeriesRows(arrays.load_windows(features / split), encoding, source)


def _fit_linear(name: str, read: Read, folder: Path) -> None:
    baselines.save(baselines.fit(name, read(TRAIN), read(VALIDATION)), folder / f"{name}.npz")


def _ask_linear(name: str, read: Read, folder: Path, split: str) -> Answer:
    model = baselines.load(folder / f"{name}.npz")
    said = baselines.predict(model, read(split).texts)
    return Answer(said, baselines.count_parameters(model), float(np.median(model.inverse_penalty)))


def _fit_sequences(name: str, read: Read, folder: Path) -> None:
    sequence_baselines.fit(name, read(TRAIN), read(VALIDATION), folder)


def _ask_sequences(name: str, read: Read, folder: Path, split: str) -> Answer:
    return Answer(*sequence_baselines.predict(name, folder, read(split)))


def _ask_unfitted(name: str, read: Read, folder: Path, split: str) -> Answer:
    rows: SeriesRows = read(split)
    horizon = rows.windows.targets.shape[1]
    return Answer(series_baselines.UNFITTED[name](rows.windows.inputs, horizon, rows.encoding.season), 0)


def _fit_ridge(read: Read, folder: Path) -> None:
    weights = series_baselines.fit_linear(read(TRAIN).windows, read(VALIDATION).windows)
    np.save(folder / "linear.npy", weights, allow_pickle=False)


def _ask_ridge(read: Read, folder: Path, split: str) -> Answer:
    weights = arrays.map_array(folder / "linear.npy")
    return Answer(series_baselines.predict_linear(read(split).windows.inputs, weights), weights.size)


def _fit_classical(name: str, read: Read, folder: Path) -> None:
    held_out: SeriesRows = read(VALIDATION)
    series = classical.read(held_out.source, held_out.encoding)
    classical.save(classical.fit(name, series, held_out.encoding.season, held_out.windows), folder / f"{name}.npz")


def _ask_classical(name: str, read: Read, folder: Path, split: str) -> Answer:
    rows: SeriesRows = read(split)
    fitted, series = classical.load(folder / f"{name}.npz"), classical.read(rows.source, rows.encoding)
    return Answer(classical.predict(fitted, series, rows.windows), sum(model.parameters for model in fitted))


def _fit_nothing(read: Read, folder: Path) -> None:
    """Leaves the folder as it is."""


def _each(names: Iterable[str], fit: Callable[..., None], ask: Callable[..., Answer]) -> dict[str, Rival]:
    return {name: Rival(partial(fit, name), partial(ask, name)) for name in names}


KINDS: dict[TaskName, Kind] = {
    "text": Kind(
        _read_texts,
        _each(TASKS["text"].baselines, _fit_linear, _ask_linear),
        lambda rows: Examples(rows.texts.to_pylist(), rows.labels),
        other_baselines.probabilities,
    ),
    "series": Kind(
        _read_series,
        {name: Rival(_fit_nothing, partial(_ask_unfitted, name)) for name in series_baselines.UNFITTED}
        | {"linear": Rival(_fit_ridge, _ask_ridge)}
        | _each(classical.FITS, _fit_classical, _ask_classical),
        lambda rows: Examples(np.array(rows.windows.inputs), np.array(rows.windows.targets)),
        other_baselines.forecasts,
    ),
    "sequences": Kind(
        _read_sequences,
        _each(TASKS["sequences"].baselines, _fit_sequences, _ask_sequences),
        lambda rows: Examples(np.array(rows.inputs), np.array(rows.labels)),
        other_baselines.probabilities,
    ),
}
