"""The encoded rows of one split, of any task: a folder of .npy files to be mapped into memory."""

import mmap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.features.text import Encoded
from rnnlab.project.files import reading
from rnnlab.project.tasks import TaskName

# Inputs of shape (rows, steps) or (rows, steps, channels), and targets, float32 of shape (rows, 1) or (rows, horizon).
Examples = tuple[npt.NDArray[Any], npt.NDArray[np.float32]]


class Features(NamedTuple):
    """One split of texts, mapped into memory; arrays of shape (rows,) but for the tokens."""

    tokens: npt.NDArray[np.int32]  # word ids, of shape (rows, max_length)
    labels: npt.NDArray[np.int16]  # numbers of labels, from 0
    lengths: npt.NDArray[np.int32]  # words before truncation
    ids: npt.NDArray[np.bytes_]  # 16 ASCII characters each


class Sequences(NamedTuple):
    """One split of sequences, mapped into memory; arrays of shape (rows,) but for the inputs."""

    inputs: npt.NDArray[np.float32]  # standardised, of shape (rows, max_length, channels)
    labels: npt.NDArray[np.int16]  # numbers of labels, from 0
    lengths: npt.NDArray[np.int32]  # steps before they were cut
    ids: npt.NDArray[np.bytes_]  # 16 ASCII characters each


class Windows(NamedTuple):
    """One split of one or several series, mapped into memory."""

    inputs: npt.NDArray[np.float32]  # of shape (rows, window, channels), the standardised values first
    targets: npt.NDArray[np.float32]  # the values after each window, standardised, of shape (rows, horizon)
    rows: npt.NDArray[np.int64]  # row of each window's first target in the CSV, counted from 1, of shape (rows,)
    series: npt.NDArray[np.int32]  # number of its series, from 0, in the order of its `Encoding`


def load(folder: Path) -> Features:
    """Maps the arrays of a split of texts; tokens are read only when they are used. Raises as `map_array` does."""
    return Features(*_map(folder, Features._fields))


def load_sequences(folder: Path) -> Sequences:
    """Maps the arrays of a split of sequences. Raises as `map_array` does."""
    return Sequences(*_map(folder, Sequences._fields))


def load_windows(folder: Path) -> Windows:
    """Maps the arrays of a split of a series. Raises as `map_array` does."""
    return Windows(*_map(folder, Windows._fields))


def read_examples(folder: Path, task: TaskName) -> Examples:
    """Maps a split as inputs and targets."""
    inputs, targets = _map(folder, EXAMPLES[task])
    return np.asarray(inputs), np.asarray(targets, np.float32).reshape(len(targets), -1)


def count_labels(labels: npt.NDArray[Any]) -> int:
    """Counts the labels of training rows, numbers from 0, as these hold each of them."""
    return int(labels.max()) + 1


def load_labelled(folder: Path, task: TaskName) -> Features | Sequences:
    """Maps the arrays of a split of rows with labels. Raises as `map_array` does."""
    return LABELLED[task](folder)


LABELLED: dict[TaskName, Callable[[Path], Features | Sequences]] = {"text": load, "sequences": load_sequences}
EXAMPLES = {"text": ("tokens", "labels"), "series": ("inputs", "targets"), "sequences": ("inputs", "labels")}


def used_steps(inputs: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tells steps from padding, which is 0 in every channel: of shape (rows, steps)."""
    used = np.asarray(inputs != 0)
    return used if used.ndim == 2 else np.asarray(used.any(axis=2))


def save(folder: Path, rows: Sequences) -> None:
    """Writes the arrays of a split to an existing folder."""
    for name, array in rows._asdict().items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def _map(folder: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    return [map_array(folder / f"{name}.npy") for name in names]


def map_array(source: Path) -> npt.NDArray[Any]:
    """Maps one array, and never unpickles anything.

    Raises:
        UserError: the file is missing, cut short or not an array.
    """
    with reading(source):
        array = np.load(source, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of arrays")
        return array


def release(array: npt.NDArray[Any]) -> None:
    """Lets the system have the memory of a mapped array; what is used again is read again."""
    source: Any = array
    while isinstance(source, np.ndarray):
        source = source.base
    if isinstance(source, mmap.mmap):
        source.madvise(mmap.MADV_DONTNEED)


def create(folder: Path, rows: int, max_length: int) -> None:
    """Creates the files of a split of texts, full-sized and filled with zeros."""
    folder.mkdir()
    for name, (dtype, tail) in _formats(max_length).items():
        np.lib.format.open_memmap(folder / f"{name}.npy", "w+", dtype, (rows, *tail), version=(1, 0))


def write(folder: Path, start: int, encoded: Encoded, labels: pa.Array, ids: pa.Array) -> None:
    """Writes a batch from row ``start`` on to files from `create`; several processes may write to a split at once."""
    columns = (encoded.tokens, labels.to_numpy(), encoded.lengths, np.array(ids.to_pylist(), "S16"))
    formats = _formats(encoded.tokens.shape[1])
    for (name, (dtype, _)), column in zip(formats.items(), columns, strict=True):
        batch = np.ascontiguousarray(column, dtype)
        with (folder / f"{name}.npy").open("r+b") as stream:
            np.lib.format.read_magic(stream)
            np.lib.format.read_array_header_1_0(stream)
            stream.seek(start * (batch.nbytes // max(len(batch), 1)), 1)
            stream.write(batch.tobytes())


def _formats(max_length: int) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Returns dtype and shape of one row, by array."""
    return {"tokens": ("<i4", (max_length,)), "labels": ("<i2", ()), "lengths": ("<i4", ()), "ids": ("|S16", ())}
