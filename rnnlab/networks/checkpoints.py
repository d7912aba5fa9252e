"""Checkpoints that a killed training resumes from: written between epochs, and never an output of DVC."""

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from rnnlab.project import layout
from rnnlab.project.files import package_digest, replacing
from rnnlab.project.params import Params, Run

ROOMS = ("networks", "features", "project")  # whose code determines the weights
FORGOTTEN_AFTER = 7 * 24 * 3600.0  # seconds, for trainings that nobody resumed


class State(NamedTuple):
    """The state of a training between two epochs."""

    progress: dict[str, Any]  # what JSON can hold
    arrays: dict[str, npt.NDArray[Any]]  # everything else, by name


class Kept(Protocol):
    """Where the state of a training is kept."""

    def read(self) -> State | None:
        """Returns the state, or None if there is none."""

    def write(self, state: State) -> None:
        """Replaces the state."""


class Received(NamedTuple):
    """The state from which another process goes on with the same training; that one keeps those that follow."""

    state: State | None

    def read(self) -> State | None:
        """Returns the state."""
        return self.state

    def write(self, state: State) -> None:
        """Does nothing."""


class Checkpoint(NamedTuple):
    """The file with one training's state; a training with other data, parameters or code has another file."""

    path: Path

    def write(self, state: State) -> None:
        """Replaces the state atomically."""
        members: Any = {"progress": np.frombuffer(json.dumps(state.progress).encode(), np.uint8), **state.arrays}
        with replacing(self.path) as temporary:
            np.savez(temporary, allow_pickle=False, **members)

    def read(self) -> State | None:
        """Returns the state, or None if there is none; a damaged file is ignored with a warning."""
        try:
            with np.load(self.path, allow_pickle=False) as members:
                arrays = dict(members)  # reading a member verifies its checksum
            return State(json.loads(arrays.pop("progress").tobytes()), arrays)
        except FileNotFoundError:
            return None
        except Exception as damage:  # NumPy and zipfile raise any of a dozen types
            print(f"warning: {self.path}: damaged checkpoint ({damage}); training from the start", file=sys.stderr)
            return None

    def remove(self) -> None:
        """Removes the state of a finished training, and files left by a kill in the middle of `write`."""
        for file in (self.path, *self.path.parent.glob(f".{self.path.stem}.*{self.path.suffix}")):
            file.unlink(missing_ok=True)


def of_training(folder: Path, name: str, identity: Mapping[str, Any], arrays: Iterable[npt.NDArray[Any]]) -> Checkpoint:
    """Returns the checkpoint of a run's training (see `training_key`), and removes states that nobody resumed."""
    for file in folder.glob("*.npz"):
        if time.time() - file.stat().st_mtime > FORGOTTEN_AFTER:
            file.unlink(missing_ok=True)
    return Checkpoint(folder / f"{name}-{training_key(identity, arrays)}.npz")


def training_key(identity: Mapping[str, Any], arrays: Iterable[npt.NDArray[Any]]) -> str:
    """Returns a key of all that determines the weights of a training: ``identity``, the data, and this code."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return key_of({"data": digest.hexdigest(), "code": package_digest(layout.PACKAGE, *ROOMS), **identity})


def key_of(identity: Mapping[str, Any]) -> str:
    """Returns a key of what JSON can hold, 16 hex digits."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:16]


def identity(run: Run, settings: Params, vocabulary_size: int) -> dict[str, Any]:
    """Returns all that determines the weights, except data and code."""
    return {
        "versions": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
        "backend": os.environ.get("KERAS_BACKEND"),
        "task": settings.task,
        "vocabulary_size": vocabulary_size,
        "seed": run.seed,
        **settings.options_of(run.model),
    }
