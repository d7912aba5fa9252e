"""Small copies of the project that campaigns may ruin."""

import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML

from reliability import clones

# Two cells and one seed, small enough to train in seconds.
SMALL = {
    "sample": {"rows": 400, "distance": 8},
    "validate": {"min_rows_per_class": 5},
    "tokenize_pad": {"vocabulary_size": 120, "max_length": 32},
    "train": {"seeds": [1], "epochs": 3, "engine": "stock"},
    "models": {"rnn": {"units": 4}, "lstm": {"units": 4}},
    "explain": {"gradient_rows": 20, "traced_rows": 1},
}
# Outputs that hold durations, which differ every time.
TIMED = re.compile(r"reports/(timings/.*|index\.html)")


class Stage(NamedTuple):
    """A stage as DVC runs it.

    Attributes:
        name: as `dvc repro` prints it.
        command: that it runs.
        outputs: paths that it writes.
        inputs: paths that it declares to read.
    """

    name: str
    command: list[str]
    outputs: list[str]
    inputs: list[str]


def make(place: Path, *, small: bool = True) -> Path:
    """Clones the last commit without its results, made small on request."""
    place.mkdir(parents=True, exist_ok=True)
    folder = clones.clone(place)
    if small:
        clones.set_params(folder, SMALL)
    remove(folder / "dvc.lock")
    must(folder, "git", "commit", "--quiet", "--all", "--message", "nothing was run")
    return folder


def environment(**variables: str) -> dict[str, str]:
    """Returns the environment for commands in a copy: no settings of this project, and an author for Git."""
    ours = ("MLFLOW_", "DVC_", "GIT_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    kept["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    people = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")]
    return kept | dict.fromkeys(people, "nobody@example.org") | variables


def run(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end; the caller checks its status."""
    return subprocess.run(
        command, cwd=folder, env=environment(**variables), capture_output=True, text=True, check=False
    )


def must(folder: Path, *command: str, **variables: str) -> str:
    """Runs a command that must succeed; returns its output.

    Raises:
        RuntimeError: it failed.
    """
    done = run(folder, *command, **variables)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


def counted_runs(store: str) -> tuple[int, int]:
    """Counts the finished results in an MLflow store, and the runs that look as if they were running."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("rnn-vs-lstm")
    runs = client.search_runs([experiment.experiment_id], max_results=10_000)
    finished = [run for run in runs if run.data.tags.get("kind") == "pipeline" and run.info.status == "FINISHED"]
    return len(finished), len([run for run in runs if run.info.status == "RUNNING"])


def stages(folder: Path) -> list[Stage]:
    """Reads every stage, in order, as the last `dvc repro` recorded it."""
    recorded = YAML(typ="safe").load(folder / "dvc.lock")["stages"]
    names = run(folder, "dvc", "stage", "list", "--name-only").stdout.split()
    return [
        Stage(
            name,
            [sys.executable, *shlex.split(recorded[name]["cmd"])[1:]],
            [out["path"] for out in recorded[name].get("outs", [])],
            [dep["path"] for dep in recorded[name].get("deps", [])],
        )
        for name in names
        if name in recorded
    ]


def digest(path: Path) -> str | None:
    """Returns the hash of a file, or of a folder's files by name; None if there is nothing.

    Files that a killed process left under a temporary name, which begins with a dot, do not count.
    """
    if path.is_file():
        return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
    if not path.is_dir():
        return None
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    named = "".join(f"{file.relative_to(path)} {digest(file)}\n" for file in files)
    return hashlib.md5(named.encode(), usedforsecurity=False).hexdigest()


def digests(folder: Path) -> dict[str, str | None]:
    """Returns the hash of every output that does not hold durations."""
    outputs = [output for stage in stages(folder) for output in stage.outputs if not TIMED.fullmatch(output)]
    return {output: digest(folder / output) for output in outputs}


def states(folder: Path) -> dict[Path, tuple[int, int, int]]:
    """Returns inode, size and time of change of every file below a folder, none if it is not there."""
    found = {path: path.lstat() for path in folder.rglob("*") if not path.is_dir()}
    return {path: (state.st_ino, state.st_size, state.st_mtime_ns) for path, state in found.items()}


def remove(path: Path) -> None:
    """Removes a file or a folder."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
