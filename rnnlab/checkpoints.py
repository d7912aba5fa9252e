"""What a killed training goes on from: written between epochs, beside DVC's outputs and never one of them."""

import hashlib
import json
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.files import replacing
from rnnlab.sharded_arrays import ShardedArray, parts_of

Arrays = dict[str, npt.NDArray[Any]]
FORGOTTEN_AFTER = 7 * 24 * 3600.0  # seconds; of trainings that nobody took up again


class State(NamedTuple):
    """A training between two epochs.

    Attributes:
        progress: what JSON can hold.
        arrays: the rest, by name.
    """

    progress: dict[str, Any]
    arrays: Arrays


class Checkpoint(NamedTuple):
    """The place of one training's state; a training of other data, parameters or code has another place."""

    path: Path

    def write(self, state: State) -> None:
        """Replaces the state, whole or not at all."""
        members: Any = {"progress": np.frombuffer(json.dumps(state.progress).encode(), np.uint8), **state.arrays}
        with replacing(self.path) as temporary:
            np.savez(temporary, allow_pickle=False, **members)

    def read(self) -> State | None:
        """Gives the state, or None where there is none; a file that is not whole is passed over with a warning."""
        try:
            with np.load(self.path, allow_pickle=False) as members:
                arrays = dict(members)  # reading a member checks its sum
            return State(json.loads(arrays.pop("progress").tobytes()), arrays)
        except FileNotFoundError:
            return None
        except Exception as damage:  # NumPy and zipfile raise any of a dozen types
            print(f"warning: {self.path}: not a whole checkpoint ({damage}); training from the start", file=sys.stderr)
            return None

    def remove(self) -> None:
        """Forgets a training that is finished, and what a kill in the middle of `write` left."""
        for file in (self.path, *self.path.parent.glob(f".{self.path.stem}.*{self.path.suffix}")):
            file.unlink(missing_ok=True)


def of_training(
    folder: Path, name: str, told: Mapping[str, Any], arrays: Iterable[npt.NDArray[Any] | ShardedArray]
) -> Checkpoint:
    """Gives a training its place, and removes states that nobody took up again.

    Args:
        folder: shared by all trainings of the project.
        name: of the run.
        told: everything besides data and code that the weights follow from.
        arrays: the data.
    """
    for left in folder.glob("*.npz"):
        if time.time() - left.stat().st_mtime > FORGOTTEN_AFTER:
            left.unlink(missing_ok=True)
    return Checkpoint(folder / f"{name}-{training_key(told, arrays)}.npz")


def training_key(told: Mapping[str, Any], arrays: Iterable[npt.NDArray[Any] | ShardedArray]) -> str:
    """Names what the weights of a training follow from, 16 hex digits: ``told``, the data, and this code."""
    digest = hashlib.sha256()
    for part in (part for array in arrays for part in parts_of(array)):
        digest.update(np.ascontiguousarray(part).data)
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return key_of({"data and code": digest.hexdigest(), **told})


def key_of(told: Mapping[str, Any]) -> str:
    """Names what JSON can hold, 16 hex digits."""
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
