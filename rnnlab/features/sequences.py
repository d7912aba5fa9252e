"""Sequences of numbers as arrays: standardised channel by channel, cut, and padded before their first step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rnnlab.features.arrays import Sequences
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_json

CHANNEL = "channel_"  # before the name of a channel, a column of clean rows with the values of all its steps
PADDING = 0.0  # in every channel of a step that is none
NEARLY_PADDING = np.float32(1e-6)  # in the first channel of a real step that would look the same; no network tells
Values = npt.NDArray[np.float64]  # of one sequence, of shape (steps, channels)


class Scaler(NamedTuple):
    """Mean and standard deviation of each channel's training values; 1 for a channel that never changes."""

    channels: Sequence[str]
    mean: Sequence[float]
    scale: Sequence[float]
    max_length: int  # of the arrays, in steps

    def encode(self, sequences: Sequence[Values]) -> npt.NDArray[np.float32]:
        """Standardises sequences, keeps the end of long ones, and pads short ones at the start.

        Returns:
            float32 of shape (rows, max_length, channels); steps of padding, and no others, are 0 in every channel.
        """
        inputs = np.full((len(sequences), self.max_length, len(self.channels)), PADDING, np.float32)
        for row, values in zip(inputs, sequences, strict=True):
            steps = ((values[-self.max_length :] - self.mean) / self.scale).astype(np.float32)
            steps[(steps == PADDING).all(axis=1), 0] = NEARLY_PADDING
            row[len(row) - len(steps) :] = steps
        return inputs


def fit_scaler(channels: Sequence[str], sequences: Sequence[Values], max_length: int) -> Scaler:
    """Fits the standardisation to all steps of the training sequences alone.

    Raises:
        UserError: no channel ever changes.
    """
    values = np.concatenate(sequences)
    constant = np.ptp(values, axis=0) == 0
    if constant.all():
        problem = f"no channel ({', '.join(channels)}) changes in any of the {len(sequences)} training sequences"
        raise UserError(f"{problem}: there is nothing to learn from; check data.channels")
    scale = np.where(constant, 1.0, values.std(axis=0))
    return Scaler(channels, values.mean(axis=0).tolist(), scale.tolist(), max_length)


def channels_of(table: pa.Table) -> list[str]:
    """Returns the names of the channels of clean sequences."""
    return [name.removeprefix(CHANNEL) for name in table.column_names if name.startswith(CHANNEL)]


def split_rows(table: pa.Table, split: str) -> tuple[pa.Table, list[Values]]:
    """Returns the rows of one split, and the values of each."""
    rows = table.filter(pc.equal(table["split"], split))
    columns = [[np.asarray(steps) for steps in rows[f"{CHANNEL}{name}"].to_pylist()] for name in channels_of(table)]
    return rows, [np.stack(steps, axis=1).astype(np.float64) for steps in zip(*columns, strict=True)]


def featurise(rows: pa.Table, values: Sequence[Values], scaler: Scaler) -> Sequences:
    """Encodes the rows of one split."""
    lengths = np.array([len(steps) for steps in values], np.int32)
    return Sequences(scaler.encode(values), rows["label"].to_numpy(), lengths, np.array(rows["id"].to_pylist(), "S16"))


def save_scaler(folder: Path, scaler: Scaler) -> None:
    """Writes the scaler next to the arrays of the training split; its numbers are read back exactly."""
    write_json(folder / "scaler.json", scaler._asdict())


def read_scaler(source: Path) -> Scaler:
    """Reads what `save_scaler` wrote."""
    fields: dict[str, Any] = read_json(source)
    return Scaler(**fields)
