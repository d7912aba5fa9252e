"""Classifiers of sequences of numbers without recurrence, which every recurrent network must beat."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from tqdm import tqdm

from rnnlab.evaluation import baselines
from rnnlab.evaluation.baselines import INVERSE_PENALTIES, Array, Linear
from rnnlab.features.arrays import Sequences, count_labels, used_steps
from rnnlab.project.errors import UserError
from rnnlab.project.files import reading, replacing

STATISTICS = ("mean", "sd", "min", "max", "first", "last", "slope")  # of each channel, over the steps of a sequence
MOST_SEQUENCES = 2_000  # to train with: time warping compares each test row with each of them
BAND = 0.1  # share of the longer way by which two sequences may be out of step (Sakoe & Chiba 1978)
Numbers = npt.NDArray[np.float64]


def fit(name: str, rows: Sequences, held_out: Sequences, folder: Path) -> None:
    """Fits one of the task's baselines and writes it to a folder.

    Args:
        name: of the baseline.
        rows: to learn from.
        held_out: rows on which the penalties of "summary" are chosen.
        folder: where it is written.

    Raises:
        UserError: there are too many sequences for "dtw".
    """
    if name != "dtw":
        fitted = fit_summary(rows, held_out) if name == "summary" else _fit_majority(rows)
        baselines.save(fitted, folder / f"{name}.npz")
        return
    if len(rows.labels) > MOST_SEQUENCES:
        problem = f"dtw compares each test row with all {len(rows.labels):,} training sequences"
        raise UserError(f"baselines: {problem}; it is for at most {MOST_SEQUENCES:,} of them; leave it out")
    with replacing(folder / "dtw.npz") as target:
        members: dict[str, Any] = {"inputs": np.asarray(rows.inputs), "labels": np.asarray(rows.labels)}
        np.savez(target, allow_pickle=False, **members)


def predict(name: str, folder: Path, rows: Sequences) -> tuple[Array, int, float | None]:
    """Reads a baseline; returns probabilities (see `baselines.predict`), how many weights it has, and its penalty."""
    if name != "dtw":
        model = baselines.load(folder / f"{name}.npz")
        features = summarise(rows)[:, : model.weights.shape[1]]
        found = baselines.probabilities((features * model.scale[0]) @ model.weights.T + model.intercept)
        return found, baselines.count_parameters(model), float(np.median(model.inverse_penalty))
    with reading(folder / "dtw.npz"), np.load(folder / "dtw.npz", allow_pickle=False) as members:
        inputs, labels = members["inputs"], members["labels"]
    return nearest(rows.inputs, inputs, labels), 0, None


def _fit_majority(rows: Sequences) -> Linear:
    return baselines.fit("majority", *[baselines.Rows(pa.array([], pa.string()), np.asarray(rows.labels))] * 2)


def summarise(rows: Sequences) -> Numbers:
    """Describes sequences by `STATISTICS` of each channel and their length: shape (rows, 7 · channels + 1)."""
    described = []
    for inputs, used in zip(rows.inputs, used_steps(np.asarray(rows.inputs)), strict=True):
        steps = inputs[used].astype(np.float64)
        time = np.arange(len(steps)) - (len(steps) - 1) / 2
        slope = time @ steps / max(time @ time, 1.0)  # by least squares; 0 of a single step
        numbers = (steps.mean(0), steps.std(0), steps.min(0), steps.max(0), steps[0], steps[-1], slope)
        described.append(np.concatenate(numbers))
    return np.column_stack([np.array(described), np.asarray(rows.lengths)])


def fit_summary(rows: Sequences, held_out: Sequences) -> Linear:
    """Fits logistic regressions to `summarise`, one label against the rest, with penalties that suit validation rows.

    Features are standardised by the training rows; means are folded into the intercepts.
    """
    features, unseen = summarise(rows), summarise(held_out)
    mean, spread = features.mean(axis=0), features.std(axis=0)
    scale = 1 / np.where(spread > 0, spread, 1.0)
    features, unseen = (features - mean) * scale, (unseen - mean) * scale
    labels, held_labels = np.asarray(rows.labels), np.asarray(held_out.labels)
    count = count_labels(labels)
    outputs = [1] if count == 2 else range(count)
    fitted = []
    for label in tqdm(outputs, desc="summary", unit="label", disable=None, leave=False):
        targets, held_targets = labels == label, held_labels == label
        tried = [LogisticRegression(C=c, max_iter=1000).fit(features, targets) for c in INVERSE_PENALTIES]
        losses = [log_loss(held_targets, one.predict_proba(unseen)) for one in tried]
        fitted.append(tried[int(np.argmin(losses))])
    weights, scales = np.stack([one.coef_[0] for one in fitted]).astype(np.float32), scale.astype(np.float32)
    intercept = np.array([one.intercept_[0] for one in fitted]) - weights @ (mean * scales)
    channels = range(rows.inputs.shape[2])
    terms = [f"{statistic} {channel}" for statistic in STATISTICS for channel in channels] + ["length"]
    penalties = np.array([one.C for one in fitted])
    return Linear("summary", pa.array(terms), np.tile(scales, (len(fitted), 1)), weights, intercept, penalties)


def nearest(inputs: Array, others: Array, labels: npt.NDArray[np.int16]) -> Array:
    """Classifies sequences by the nearest training sequence after time warping, of shape (rows, steps, channels).

    The probability of a label falls with the distance to its nearest sequence, so that the likeliest is that of the
    nearest of all.

    Returns:
        float32: of the second of two labels, of shape (rows,), or of each of more, of shape (rows, labels).
    """
    sequences = [row[used] for row, used in zip(inputs, used_steps(inputs), strict=True)]
    count = count_labels(labels)
    left = _align_left(others)
    found = np.empty((len(sequences), count), np.float32)
    for row, steps in enumerate(tqdm(sequences, desc="dtw", unit="row", disable=None, leave=False)):
        distances = warped(steps, *left)
        closest = np.array([distances[labels == label].min() for label in range(count)])
        closeness = 1 / np.maximum(closest, 1e-9)
        found[row] = closeness / closeness.sum()
    return found[:, 1] if count == 2 else found


def _align_left(inputs: Array) -> tuple[Array, npt.NDArray[np.int64]]:
    """Moves padding behind the steps; returns that and the lengths."""
    used = used_steps(inputs)
    aligned = np.zeros_like(inputs)
    for target, row, steps in zip(aligned, inputs, used, strict=True):
        target[: steps.sum()] = row[steps]
    return aligned, used.sum(axis=1)


def warped(steps: Array, others: Array, lengths: Sequence[int] | npt.NDArray[np.int64]) -> Numbers:
    """Returns the distance of one sequence to each of several by dynamic time warping within a band.

    It is the root of the smallest sum of squared distances between steps that are set against each other, both
    sequences read forwards and whole.

    Args:
        steps: of shape (steps, channels).
        others: of shape (rows, steps, channels), padded behind.
        lengths: of these, of shape (rows,).
    """
    size, ends = len(steps), np.asarray(lengths)[:, None]
    places = np.arange(others.shape[1])
    width = np.maximum(BAND * np.maximum(ends, size), np.maximum(ends / size, 1.0))
    sums = np.full(others.shape[:2], np.inf)
    for number, step in enumerate(steps.astype(np.float64)):
        costs = ((others - step) ** 2).sum(axis=2, dtype=np.float64)
        # The best way into a place from the row before, straight or slanting; the first row begins at its first place.
        slanting = np.pad(sums[:, :-1], ((0, 0), (1, 0)), constant_values=0.0 if number == 0 else np.inf)
        before = np.minimum(sums, slanting)
        before[np.abs(number * ends / size - places) > width] = np.inf
        # Then along the row: a sum of costs from where the row is entered.
        along = costs.cumsum(axis=1)
        sums = along + np.minimum.accumulate(before - along + costs, axis=1)
        sums[np.abs(number * ends / size - places) > width] = np.inf
    found: Numbers = np.sqrt(np.maximum(sums[np.arange(len(sums)), ends[:, 0] - 1], 0.0))
    return found
