"""The encoded rows of one split, texts or windows of a series: a folder of .npy files that memory-map."""

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.files import reading
from rnnlab.sharded_arrays import ShardedArray
from rnnlab.text import Encoded


class Features(NamedTuple):
    """One split, mapped from disk.

    Attributes:
        tokens: word ids, int32 of shape (rows, max_length); in parts where the rows came from several files.
        labels: 0 or 1, int8 of shape (rows,).
        lengths: words before truncation, int32 of shape (rows,).
        ids: row ids, 16 ASCII characters, shape (rows,).
    """

    tokens: npt.NDArray[np.int32] | ShardedArray
    labels: npt.NDArray[np.int8]
    lengths: npt.NDArray[np.int32]
    ids: npt.NDArray[np.bytes_]


class Windows(NamedTuple):
    """One split of a series, mapped from disk.

    Attributes:
        inputs: standardised values, float32 of shape (rows, window).
        targets: the value after each window, standardised, float32 of shape (rows,).
        rows: row of each target in the CSV, from 1, int64 of shape (rows,).
    """

    inputs: npt.NDArray[np.float32]
    targets: npt.NDArray[np.float32]
    rows: npt.NDArray[np.int64]


def load(folder: Path) -> Features:
    """Maps the arrays of a split of texts; no tokens are read before they are used.

    Args:
        folder: of the split: has the arrays, or a folder of them for each file that the rows came from.

    Raises:
        UserError: a file is missing or cut short.
    """
    shards = [_map(shard, Features._fields) for shard in sorted(folder.glob("*/")) or [folder]]
    if len(shards) == 1:
        return Features(*shards[0])
    tokens, *others = zip(*shards, strict=True)
    return Features(ShardedArray(tokens), *(np.concatenate(parts) for parts in others))


def load_windows(folder: Path) -> Windows:
    """Maps the arrays of a split of a series.

    Raises:
        UserError: a file is missing or cut short.
    """
    return Windows(*_map(folder, Windows._fields))


def save_windows(folder: Path, windows: Windows) -> None:
    """Writes the arrays of a split to an existing folder."""
    for name, array in windows._asdict().items():
        np.save(folder / f"{name}.npy", array, allow_pickle=False)


def _map(folder: Path, names: Sequence[str]) -> list[npt.NDArray[Any]]:
    return [map_array(folder / f"{name}.npy") for name in names]


def map_array(source: Path) -> npt.NDArray[Any]:
    """Maps one array, which is never a pickle.

    Raises:
        UserError: the file is missing, cut short or no array.
    """
    with reading(source):
        array = np.load(source, mmap_mode="r", allow_pickle=False)
        if not isinstance(array, np.ndarray):
            raise ValueError("an archive of arrays")
        return array


class Writer:
    """Appends encoded batches to a new folder, so that memory holds one batch at a time."""

    def __init__(self, folder: Path, max_length: int) -> None:
        folder.mkdir()
        self.unknown = 0
        self.rows = 0
        self._formats = {
            "tokens": ("<i4", (max_length,)),
            "labels": ("|i1", ()),
            "lengths": ("<i4", ()),
            "ids": ("|S16", ()),
        }
        self._streams: dict[str, BinaryIO] = {}
        for name in self._formats:
            self._streams[name] = (folder / f"{name}.npy").open("wb")
            self._write_header(name)

    def add(self, encoded: Encoded, labels: pa.Array, ids: pa.Array) -> None:
        """Appends a batch."""
        columns = (encoded.tokens, labels.to_numpy(), encoded.lengths, np.array(ids.to_pylist(), "S16"))
        for (name, (dtype, _)), column in zip(self._formats.items(), columns, strict=True):
            self._streams[name].write(np.ascontiguousarray(column, dtype).tobytes())
        self.rows += len(encoded.lengths)
        self.unknown += encoded.unknown

    def _write_header(self, name: str) -> None:
        # NumPy leaves room in the header for the first dimension to grow, so it can be written again in place.
        dtype, tail = self._formats[name]
        header = {"descr": dtype, "fortran_order": False, "shape": (self.rows, *tail)}
        self._streams[name].seek(0)
        np.lib.format.write_array_header_1_0(self._streams[name], header)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name, stream in self._streams.items():
            if kind is None:
                self._write_header(name)
            stream.close()
