"""A throw-away copy of the project with a tiny corpus, run for real."""

import csv
import importlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from configparser import ConfigParser
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from filelock import FileLock
from ruamel.yaml import YAML

from rnnlab.project.errors import exit_status
from tests.support import forks

ROOT = Path(__file__).parents[2]

ORDER = [
    *("sample", "ingest", "validate", "tokenize_pad", "baseline", "size", "train"),
    *("evaluate", "compare", "plot", "report", "track"),
]

# Two models and two seeds, small enough to train in seconds.
TINY = {
    "sample.rows": 400,
    "sample.distance": 8,
    "validate.min_rows_per_class": 5,
    "tokenize_pad.vocabulary_size": 120,
    "tokenize_pad.max_length": 32,
    "train.seeds": [1, 2],
    "train.epochs": 2,
    "train.engine": "stock",
    "models.rnn.units": 4,
    "models.lstm.units": 4,
    "tune.space": {"units": {"low": 3, "high": 6}, "learning_rate": {"low": 0.001, "high": 0.1, "log": True}},
    "explain.gradient_rows": 20,
    "explain.traced_rows": 1,
}
# Turns it into the other task.
SERIES = {
    "task": "series",
    "data.csv": "data/sample/series.csv",
    "split.method": "chronological",
    "wave.rows": 300,
    "series.window": 8,
    "models.rnn.output": "linear",
    "models.lstm.output": "linear",
    "train.seeds": [1],
    "compare": ["lstm"],
    "baselines": ["last_value", "linear", "ets"],
    "evaluate.origins": 2,
}
# And into the third, on `made_sequences`.
SEQUENCES = {
    "task": "sequences",
    "data.csv": "data/raw/mine.csv",
    "data.label_column": "kind",
    "data.channels": ["a", "b"],
    "split.group_column": "person",
    "evaluate.slices": ["person"],
    "sequences.max_length": 12,
    "validate.min_rows_per_class": 1,
    "train.seeds": [1],
    "train.epochs": 12,
    "train.batch_size": 16,
    "train.learning_rate": 0.03,
    "models.rnn.units": 6,
    "models.lstm.units": 6,
    "baselines": ["majority", "summary", "dtw"],
}


def made_sequences(target: Path, kinds: Sequence[str] = ("down", "flat", "up"), persons: int = 10) -> None:
    """Writes noisy sequences of 4 to 15 steps, whose kind is the slope of a channel, twelve of each person."""
    generator = random.Random(1)
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("w", newline="") as stream:
        write = csv.writer(stream).writerow
        write(("sequence", "step", "a", "b", "kind", "person"))
        for number in range(12 * persons):
            kind, steps = number % len(kinds), generator.randrange(4, 16)
            for step in range(steps):
                value = (kind - 1) * (step / steps - 0.5) + generator.gauss(0, 0.1)
                cells = f"{value:.4f}", f"{generator.gauss(5, 2):.4f}", kinds[kind], f"p{number // 12}"
                write((f"s{number}", step, *cells))


class Project:
    """A folder with the project in it, and commands run there as a user would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def environment(self) -> dict[str, str]:
        ours = ("MLFLOW_", "DVC_", "GIT_", "PYTEST_", "PYTHON", "MAKE")
        environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        environment["PATH"] = os.pathsep.join(
            [str(forks.folder()), str(Path(sys.executable).parent), environment["PATH"]]
        )
        return environment

    def run(self, *command: str, expect: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a command; ``expect`` is its exit status, None for any."""
        environment = self.environment | variables
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False)
        if expect is not None:
            assert done.returncode == expect, f"{command} → {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def inside(
        self, module: str, *words: str, expect: int | None = 0, text: bytes = b"", **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Runs ``python -m`` a module of the project, but in this process, which imports TensorFlow and MLflow once."""
        out, err = io.StringIO(), io.StringIO()
        main = importlib.import_module(module).main
        with (
            mock.patch.dict(os.environ, self.environment | variables, clear=True),
            mock.patch.object(sys, "argv", [module, *words]),
            mock.patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(text))),
            chdir(self.folder),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            status = exit_status(main)
        told = f"{module} {words} → {status}\n{out.getvalue()}\n{err.getvalue()}"
        assert expect in (status, None) and "Traceback" not in told, told
        return subprocess.CompletedProcess(words, status, out.getvalue(), err.getvalue())

    def stage(self, name: str, expect: int | None = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs a stage by itself, in this process, with the flags of dvc.yaml; a training is named train@model-seed."""
        stage, _, item = name.partition("@")
        model, _, seed = item.rpartition("-")
        command = YAML(typ="safe").load(self.folder / "dvc.yaml")["stages"][stage]["cmd"]
        words = command.replace("${item}", f"--model {model} --seed {seed}").split()
        return self.inside(words[2], *words[3:], expect=expect, **variables)

    def run_stages(self, *networks: str) -> None:
        """Runs all stages one by one in this process, with the trainings of some networks, and logs the result."""
        for name in ORDER[:-1]:
            for item in (f"train@{network}" for network in networks) if name == "train" else (name,):
                self.stage(item)
        self.run("dvc", "commit", "--force")
        self.stage("track")

    def set_params(self, **values: Any) -> None:
        """Changes params.yaml; ``__`` stands for a dot."""
        change_params(self.folder, {key.replace("__", "."): value for key, value in values.items()})

    def commit(self, message: str) -> None:
        """Commits everything that Git does not ignore."""
        self.run("git", "add", ".")
        self.run("git", "commit", "-q", "-m", message)

    def copy(self, folder: Path) -> "Project":
        """Copies everything, DVC's cache and MLflow's store included; the store's artifacts stay where they were."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder)

    def runs(self, condition: str = "") -> list[Any]:
        """Reads the project's own MLflow store."""
        from mlflow import MlflowClient

        client = MlflowClient(f"sqlite:///{self.folder / 'mlflow' / 'mlflow.db'}")
        experiment = client.get_experiment_by_name("rnn-vs-lstm")
        return list(client.search_runs([experiment.experiment_id], condition)) if experiment else []


def stages_run(printed: str) -> set[str]:
    """The stages that DVC says it ran, as opposed to skipped or restored."""
    return set(re.findall(r"Running stage '([^']+)'", printed))


def change_params(folder: Path, values: dict[str, Any]) -> None:
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    for key, value in values.items():
        *sections, last = key.split(".")
        place = params
        for section in sections:
            place = place[section]
        place[last] = value
    yaml.dump(params, folder / "params.yaml")


def shared(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Project:
    """A project made once, by whichever test process comes first. Not to be changed: copy it."""
    base = factory.getbasetemp()
    place = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(f"{place}.lock"):
        if not (place / "ready").exists():
            shutil.rmtree(place, ignore_errors=True)
            make(place / "project")
            (place / "ready").touch()
    return Project(place / "project")


def project_files(root: Path) -> list[str]:
    """Lists what Git tracks, as it is now, without what runs made and without data that the user added with DVC."""
    tracked = subprocess.run(("git", "ls-files", "-z"), cwd=root, capture_output=True, check=True).stdout.decode()
    not_ours = re.compile(r"dvc\.lock|reports/(?!experiments/|tuning/).*|data/raw/(?!README\.md).*|.*\.dvc")
    return [name for name in tracked.split("\0") if (root / name).is_file() and not not_ours.fullmatch(name)]


def forget_remotes(config: Path) -> None:
    """Leaves DVC the settings of the project alone: a remote is the user's."""
    parser = ConfigParser()
    parser.read(config)
    for section in set(parser.sections()) - {"core"}:
        parser.remove_section(section)
    parser.remove_option("core", "remote")
    with config.open("w") as stream:
        parser.write(stream)


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project's own files as one commit, nothing run yet."""

    def make(folder: Path) -> None:
        for name in project_files(ROOT):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        forget_remotes(folder / ".dvc" / "config")
        change_params(folder, TINY)
        project = Project(folder)
        project.run("git", "init", "-q", "-b", "main")
        project.run("git", "config", "user.name", "test")
        project.run("git", "config", "user.email", "test@example.org")
        project.commit("tiny")

    return shared(tmp_path_factory, "blank", make)


# As they stand in the environment of those who work with a server and a remote; no file may hold them afterwards.
PLANTED = {name: f"planted-{name}" for name in ("MLFLOW_TRACKING_PASSWORD", "AWS_SECRET_ACCESS_KEY")}


def run_and_commit(blank: Project, changes: dict[str, Any], folder: Path) -> None:
    """Runs the project with some parameters changed; what that printed is in first_run.txt beside it."""
    project = blank.copy(folder)
    change_params(folder, changes)
    done = project.run("dvc", "repro", **PLANTED)
    (folder.parent / "first_run.txt").write_text(done.stdout + done.stderr)
    project.commit("results")


@pytest.fixture(scope="session")
def finished(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after its first `dvc repro`, committed."""
    return shared(tmp_path_factory, "finished", partial(run_and_commit, blank, {}))


@pytest.fixture(scope="session")
def finished_series(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after the stages of the series task, one by one in this process, committed."""

    def make(folder: Path) -> None:
        project = blank.copy(folder)
        change_params(folder, SERIES)
        project.run_stages("lstm-1")
        project.commit("results")

    return shared(tmp_path_factory, "finished-series", make)


@pytest.fixture(scope="session")
def finished_sequences(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after the stages of the sequences task, one by one in this process, committed."""

    def make(folder: Path) -> None:
        project = blank.copy(folder)
        made_sequences(folder / "data/raw/mine.csv")
        change_params(folder, SEQUENCES)
        project.run_stages("rnn-1", "lstm-1")
        project.commit("results")

    return shared(tmp_path_factory, "finished-sequences", make)


@pytest.fixture(scope="session")
def resampled(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The finished project with a temporary experiment, not in MLflow; what that printed is beside it."""

    def make(folder: Path) -> None:
        project = finished.copy(folder)
        options = ("--name", "resampled", "-S", "intervals.margin=0.02")
        done = project.run("dvc", "exp", "run", "--temp", *options, MLFLOW_SYNC="off")
        (folder.parent / "experiment.txt").write_text(done.stdout)

    return shared(tmp_path_factory, "resampled", make)


@pytest.fixture
def fresh(blank: Project, tmp_path: Path) -> Project:
    """A copy to run and change."""
    return blank.copy(tmp_path / "project")


@pytest.fixture
def project(finished: Project, tmp_path: Path) -> Project:
    """A copy of the finished project to run and change."""
    return finished.copy(tmp_path / "project")


@pytest.fixture
def ingested(fresh: Project) -> Iterator[Callable[..., subprocess.CompletedProcess[str]]]:
    """Writes a CSV and runs ingest on it."""

    def ingest(content: str | bytes, expect: int = 0, **params: Any) -> subprocess.CompletedProcess[str]:
        source = fresh.folder / "mine.csv"
        source.write_bytes(content if isinstance(content, bytes) else content.encode())
        fresh.set_params(**{"data__csv": "mine.csv", "data__labels": ["negative", "positive"], **params})
        return fresh.stage("ingest", expect=expect)

    yield ingest
