"""Experiments and their results as they would be read, made by hand; and files."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from rnnlab.data.series import Series, read, split_series, to_table
from rnnlab.experiments.catalogue import Experiment, Named, Setup
from rnnlab.features import series_rows, windows
from rnnlab.features.arrays import Windows
from rnnlab.features.series_encoding import Encoding, Own, Scaler
from rnnlab.features.series_rows import Split
from rnnlab.project.results import NOTHING, Result
from rnnlab.project.sections.data import Data
from rnnlab.project.sections.results import Promote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LIMITS = Promote(
    name="it",
    min_accuracy=0.8,
    min_slice_accuracy=0.0,
    max_mase=1.0,
    margin=0.1,
    significance=0.05,
    max_calibration_error=0.2,
    max_latency_ms=10.0,
)


def named(name: str = "it", parent: str = "", **values: Any) -> Named:
    """An experiment as it would be loaded; its parameters are not checked."""
    source = {"extends": parent} if parent else {"data": "embedded"}
    texts = {"title": f"The title of {name}", "reproduces": "a thing", "expects": "a result"}
    file = Experiment.model_validate({**texts, **source, **values})
    variants = {f"{name}-{variant}": changes for variant, changes in file.variants.items()} or {name: {}}
    setups = tuple(Setup(place, {**file.params, **changes}, None) for place, changes in variants.items())  # type: ignore[arg-type]
    return Named(name, (parent, name) if parent else (name,), file, file.data or "embedded", file.params, setups)


def summary(*accuracies: float, figure: str = "accuracy") -> dict[str, Any]:
    """Figures of a model as reports/metrics.json has them, one a seed; a single one is a baseline's."""
    others = {"accuracy": ("f1", "roc_auc", "log_loss"), "mse": ("mae", "r2")}[figure]
    mean = {figure: sum(accuracies) / len(accuracies), **dict.fromkeys(others, 0.25)}
    seeds = {str(seed): {figure: value, "log_loss": 0.25} for seed, value in enumerate(accuracies, start=1)}
    return {"mean": mean, "per_seed": seeds if len(accuracies) > 1 else {}, "parameters": 1234}


def predictions(hits: Mapping[str, str], model: str = "rnn", seed: int = 1) -> pd.DataFrame:
    """One row a test row: ``hits`` has an o for each row found and an x for each missed, one letter a row."""
    tables = []
    for place, (_, letters) in enumerate(hits.items()):
        rows = pd.DataFrame({"id": [f"r{row}" for row in range(len(letters))], "found": list(letters)})
        rows = rows[rows["found"] != "."]
        label = rows.index % 2
        right = rows["found"] == "o"
        probability = right.eq(label == 1).map({True: 0.9, False: 0.1})
        tables.append(rows.assign(label=label, model=model, seed=seed + place, probability=probability))
    return pd.concat(tables, ignore_index=True).drop(columns="found")


def result(hits: Mapping[str, str] | None = None, **changes: Any) -> Result:
    """A run of rnn alone, with two seeds."""
    values = {
        "task": "text",
        "seed": 42,
        "compare": ["rnn"],
        "baselines": ["tfidf"],
        "train": {"seeds": [1, 2], "keep": "best", "epochs": 3},
        "intervals": {"margin": 0.01},
        **changes.pop("values", {}),
    }
    facts: dict[str, Any] = {
        "name": "it",
        "kind": "DVC experiment",
        "baseline": COMMIT,
        "values": values,
        "metrics": {"rnn": summary(0.6, 0.7), "tfidf": summary(0.8)},
        "predictions": predictions(hits) if hits else None,
    }
    return Result(**{**facts, **changes})


def timings(*seconds: float) -> dict[str, Any]:
    """What the train stage writes of how long epochs took."""
    return {"epoch_seconds": list(seconds)}


def series(predicted: Sequence[Sequence[float]], **changes: Any) -> Result:
    """A run of rnn on a series of zeros, one list of predictions a seed."""
    tables = [
        pd.DataFrame({"row": range(len(values)), "target": 0.0, "model": "rnn", "seed": seed, "predicted": values})
        for seed, values in enumerate(predicted)
    ]
    facts: dict[str, Any] = {
        "values": {"task": "series", "baselines": ["last_value"]},
        "metrics": {"rnn": summary(0.5, 0.6, figure="mse"), "last_value": summary(0.8, figure="mse")},
        "predictions": pd.concat(tables, ignore_index=True),
    }
    return result(**{**facts, **changes})


def lengths(*rows: tuple[str, int, float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["model", "seed", "words", "accuracy", "rows"])


def history(*losses: float) -> pd.DataFrame:
    table = pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": [x / 2 for x in losses], "val_loss": losses})
    return table.assign(val_accuracy=1 - table["val_loss"])


def far(distance: int) -> Result:
    return result(
        values={"sample": {"distance": distance}}, lengths=lengths(("rnn", 1, 9, 0.9, 10), ("rnn", 1, 8, 0.9, 10))
    )


def curve(**accuracies: dict[int, Sequence[float]]) -> pd.DataFrame:
    """Accuracies by model, distance and seed."""
    rows = [
        (model, seed, value, distance)
        for model, by_distance in accuracies.items()
        for distance, values in by_distance.items()
        for seed, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy", "distance"])


SWEEP = curve(
    rnn={10: [0.98, 0.96], 100: [0.94, 0.95], 200: [0.99, 0.97], 400: [0.52, 0.56]},
    lstm={10: [0.99, 0.99], 100: [0.98, 0.97], 200: [0.97, 0.96], 400: [0.8, 0.9]},
)


def write_csv(target: Path, *rows: Sequence[str], delimiter: str = ",") -> Path:
    """Writes rows, the header first, as UTF-8."""
    with target.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows(rows)
    return target


def encoding_of(
    scaler: Scaler,
    covariates: Mapping[str, Scaler | tuple[str, ...]] = NOTHING,
    season: int | None = None,
    naive_error: float = 1.0,
    ahead: tuple[str, ...] = (),
) -> Encoding:
    """Returns the encoding of a single series."""
    return Encoding({"": Own(scaler, naive_error)}, covariates, season, ahead)


def windows_of(inputs: Any, targets: Any, rows: Any) -> Windows:
    """Returns windows of a single series."""
    return Windows(inputs, targets, rows, np.zeros(len(rows), np.int32))


def read_one(source: Path, options: Data, *, calendar: bool = False) -> Series:
    """Reads a file of a single series."""
    [found] = read(source, options, calendar=calendar).values()
    return found


def cut(rows: Split, split: str, encoding: Encoding, window: int, horizon: int = 1) -> Windows:
    """The windows of a split that are kept, in memory."""
    views, kept = windows.featurise(rows, split, encoding, window, horizon)
    return Windows(*(array[kept] for array in views))


def complete(values: npt.NDArray[np.float64]) -> Series:
    """A series without gaps and covariates."""
    return Series(values, np.zeros(len(values), bool))


def table_of(values: npt.NDArray[np.float64]) -> pa.Table:
    """Clean rows of a series without gaps and covariates."""
    return to_table(complete(values), split_series(len(values), 0.2, 0.25))


def of_split(table: pa.Table, split: str, encoding: Encoding, window: int, horizon: int = 1) -> Windows:
    """The windows of a split of a table that are kept, in memory."""
    return cut(series_rows.read_split(table, split)[""], split, encoding, window, horizon)


def two_shops() -> pa.Table:
    """Series of another size and length, with rows 1 to 100 and 101 to 160."""
    drawn = np.random.default_rng(3).normal(size=160)
    parts = {"z": drawn[:100], "a": 1000 + 100 * drawn[100:]}
    firsts = {"z": 1, "a": 101}
    return pa.concat_tables(
        to_table(complete(values)._replace(first=firsts[name]), split_series(len(values), 0.2, 0.25), name)
        for name, values in parts.items()
    )
