"""One sweep from its file to its table: what is finished is kept, whatever ends before."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from rnnlab.features import arrays
from rnnlab.networks import checkpoints
from rnnlab.project import params, ray_cluster
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.files import read_json, replacing, write_json, write_text
from rnnlab.project.params import Params
from rnnlab.sweeps import grids, table, trials
from rnnlab.sweeps.grids import Asha
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial
from rnnlab.tracking import store

FEATURES = Path("data/features")
FINISHED = Path("data/sweeps")
PAGES = Path("reports/sweeps")
OUTCOME = "outcome.json"
# Between two attempts to reach an MLflow that could not be reached: each may cost as long as its timeouts.
PATIENCE_SECONDS = 15.0


class Log:
    """Puts trials into MLflow while others train; what does not get in waits, and nothing else does."""

    def __init__(self, name: str, key: str) -> None:
        self.mode = store.sync_mode()
        self.problem = ""
        self._name, self._key = name, key
        self._waiting: list[tuple[Trial, Outcome]] = []
        self._there: set[str] = set()
        self._opened: tuple[store.Store, str] | None = None
        self._next_attempt = 0.0

    def add(self, *done: tuple[Trial, Outcome]) -> None:
        """Takes trials that are done, and logs them if MLflow can be reached."""
        self._waiting += done
        if self.mode != "off" and time.monotonic() >= self._next_attempt:
            self._attempt()

    def close(self, page: str, failed: Sequence[str]) -> None:
        """Logs what still waits and marks the sweep as finished."""
        if self.mode != "off" and self._attempt() and self._opened:
            from rnnlab.sweeps import mlflow_runs

            mlflow_runs.close_sweep(*self._opened, page, failed)

    def _attempt(self) -> bool:
        try:
            self._log()
            self.problem = ""
        except Exception as failure:  # anything MLflow, its database or its server may raise
            self.problem = first_line(failure)
            self._opened = None  # how far the attempt got is not known
            self._next_attempt = time.monotonic() + PATIENCE_SECONDS
        return not self.problem

    def _log(self) -> None:
        opened = self._opened[0] if self._opened else store.connect()
        from rnnlab.sweeps import mlflow_runs  # imports MLflow, which `connect` has told to be quiet

        with store.lock():
            if not self._opened:
                parent = mlflow_runs.open_sweep(opened, self._name, self._key)
                self._there = mlflow_runs.logged_trials(opened, parent)
                self._opened = opened, parent
            while self._waiting:
                trial, outcome = self._waiting[-1]
                if trial.key not in self._there:
                    mlflow_runs.log_trial(*self._opened, trial, outcome)
                    self._there.add(trial.key)
                self._waiting.pop()


class Sweep:
    """Trials that end, whichever way: each is kept, logged and told at once."""

    def __init__(self, name: str, trials: Sequence[Trial], asha: Asha | None) -> None:
        self.name = name
        self.trials = trials
        self.key = checkpoints.key_of(
            {"trials": sorted(trial.key for trial in trials), **({"asha": asha.model_dump()} if asha else {})}
        )
        self.outcomes = read_finished(trials, self.key if asha else None)
        self.failures: dict[str, str] = {}
        self.log = Log(name, self.key)
        self._bar: tqdm[None] | None = None

    def train(self, data: Data, asha: Asha | None, address: str | None) -> None:
        """Trains what is left, on a cluster or on this machine alone."""
        left = [trial for trial in self.trials if trial.key not in self.outcomes]
        self.log.add(*((trial, self.outcomes[trial.key]) for trial in self.trials if trial.key in self.outcomes))
        if not left:
            return
        named = f"--address {address}"
        with (
            ray_cluster.cluster(address, named),
            tqdm(desc="sweep", total=len(left), unit="training", disable=None) as self._bar,
        ):
            from rnnlab.sweeps import ray_trials

            ray_trials.check_processors(left)
            if asha:
                from rnnlab.sweeps import ray_search  # imports Ray

                ray_search.search(self.trials, data, asha, dict(self.outcomes), self._ended)
            else:
                for trial, result in ray_trials.outcomes(left, data):
                    self._ended(trial, result)

    def _ended(self, trial: Trial, result: Result) -> None:
        if isinstance(result, str):
            self.failures[trial.key] = told = result
        else:
            outcome, network = result
            keep(place(trial.key, self.key if outcome.stopped else None), outcome, network)
            self.outcomes[trial.key] = outcome
            self.log.add((trial, outcome))
            told = f"validation loss {outcome.validation_loss:.4f}"
            told += f", stopped after epoch {len(outcome.history)}" if outcome.stopped else ""
        assert self._bar is not None
        self._bar.update()
        if self._bar.disable:  # no one watches a bar
            print(
                f"{len(self.outcomes) + len(self.failures)} of {len(self.trials)}  {trial.run.name}  {told}", flush=True
            )


def run(source: Path, address: str | None) -> None:
    """Trains what is not trained yet, logs what is not logged yet, and writes the table.

    Args:
        source: the sweep's file.
        address: of a Ray cluster; None for this machine alone.

    Raises:
        UserError: the file, the features or the cluster are not what they should be, or a trial failed.
    """
    settings = params.read()
    grid, combinations = grids.read(source, settings)
    data = read_features(settings)
    planned = trials.of_combinations(combinations, data)
    sweep = Sweep(source.stem, list({trial.key: trial for own in planned for trial in own}.values()), grid.asha)
    finished = f"{len(sweep.outcomes)} of them finished before"
    print(f"{len(combinations)} combinations, {len(sweep.trials)} trainings, {finished}")
    sweep.train(data, grid.asha, address)
    _conclude(sweep, list(grid.grid), table.rows(combinations, planned, sweep.outcomes))


def _conclude(sweep: Sweep, swept: Sequence[str], found: Sequence[table.Row]) -> None:
    log, failures = sweep.log, sweep.failures
    page = table.page(sweep.name, swept, found)
    target = PAGES / f"{sweep.name}.md"
    write_text(target, page)
    print(f"\n{page}\nwrote {target}")
    log.close(page, list(failures))
    again = "the same command again trains nothing that is finished"
    if log.problem:
        message = f"{store.tracking_uri()}: MLflow cannot log this sweep ({log.problem}); start it, then {again}"
        if log.mode == "strict":
            raise UserError(message)
        print(f"warning: {message}", file=sys.stderr)
    if failures:
        reason = next(iter(failures.values()))
        raise UserError(f"{len(failures)} trainings failed, the first one thus: {reason}; {again}")


def read_features(settings: Params) -> Data:
    """Maps what all trials read; features that are not here come from DVC's cache or its remote.

    Raises:
        UserError: they are not those of params.yaml, or nowhere to be found.
    """
    if not (FEATURES / "test").is_dir():
        subprocess.run(("dvc", "pull", "--quiet", "tokenize_pad"), capture_output=True, check=False)
        subprocess.run(("dvc", "checkout", "--quiet", "tokenize_pad"), capture_output=True, check=False)
    status = subprocess.run(
        ("dvc", "status", "--quiet", "--with-deps", "tokenize_pad"), capture_output=True, check=False
    )
    if status.returncode:
        raise UserError(f"{FEATURES}: not what params.yaml and the data make; run `dvc repro tokenize_pad` first")
    train, validation, test = (
        arrays.read_examples(FEATURES / split, settings.task) for split in ("train", "validation", "test")
    )
    return Data(train, validation, test, len(read_json(FEATURES / "vocabulary.json")))


def read_finished(trials: Sequence[Trial], search: str | None) -> dict[str, Outcome]:
    """Reads what earlier sweeps of the same code and data finished, and what the same search stopped, by key."""
    found = {}
    for trial in trials:
        for file in (place(trial.key, None) / OUTCOME, place(trial.key, search) / OUTCOME):
            if trial.key not in found and file.is_file():
                found[trial.key] = Outcome(**read_json(file))
    return found


def place(trial: str, search: str | None) -> Path:
    """Names the folder of a finished trial, or of one that a search has stopped: no other sweep takes it for done."""
    return FINISHED / (f"{trial}-{search}" if search else trial)


def keep(target: Path, outcome: Outcome, network: bytes) -> None:
    """Writes what came of a trial, whole or not at all."""
    with replacing(target) as folder:
        folder.mkdir()
        if network:
            (folder / "network.keras").write_bytes(network)
        write_json(folder / OUTCOME, outcome._asdict())
