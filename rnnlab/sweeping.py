"""One sweep from its file to its table: what is finished is kept, whatever ends before."""

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from rnnlab import checkpoints, params, store, sweeps, trainings
from rnnlab.errors import UserError, first_line
from rnnlab.files import read_json, replacing, write_json, write_text
from rnnlab.params import Params
from rnnlab.sweeps import Data, Outcome, Trial

FEATURES = Path("data/features")
FINISHED = Path("data/sweeps")
PAGES = Path("reports/sweeps")
# Between two attempts to reach an MLflow that could not be reached: each may cost as long as its timeouts.
PATIENCE_SECONDS = 15.0


class Log:
    """Puts trials into MLflow while others train; what does not get in waits, and nothing else does."""

    def __init__(self, name: str, trials: Sequence[Trial]) -> None:
        self.mode = store.sync_mode()
        self.problem = ""
        self._name = name
        self._key = checkpoints.key_of({"trials": sorted(trial.key for trial in trials)})
        self._waiting: list[tuple[Trial, Outcome]] = []
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
            from rnnlab import sweep_runs

            sweep_runs.close_sweep(*self._opened, page, failed)

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
        from rnnlab import sweep_runs  # imports MLflow, which `connect` has told to be quiet

        with store.lock():
            if not self._opened:
                parent = sweep_runs.open_sweep(opened, self._name, self._key)
                there = sweep_runs.logged_trials(opened, parent)
                self._waiting = [done for done in self._waiting if done[0].key not in there]
                self._opened = opened, parent
            while self._waiting:
                sweep_runs.log_trial(*self._opened, *self._waiting[-1])
                self._waiting.pop()


def run(source: Path, address: str | None) -> None:
    """Trains what is not trained yet, logs what is not logged yet, and writes the table.

    Args:
        source: the sweep's file.
        address: of a Ray cluster; None for this machine alone.

    Raises:
        UserError: the file, the features or the cluster are not what they should be, or a trial failed.
    """
    from rnnlab import ray_sweeps

    settings = params.read()
    grid, combinations = sweeps.read(source, settings)
    data = read_features(settings)
    trials = sweeps.trials(combinations, data)
    distinct = list({trial.key: trial for own in trials for trial in own}.values())
    outcomes = read_finished(distinct)
    log = Log(source.stem, distinct)
    print(f"{len(combinations)} combinations, {len(distinct)} trainings, {len(outcomes)} of them finished before")
    log.add(*((trial, outcomes[trial.key]) for trial in distinct if trial.key in outcomes))
    failures: dict[str, str] = {}
    left = [trial for trial in distinct if trial.key not in outcomes]
    if left:
        with ray_sweeps.cluster(address):
            ended = tqdm(ray_sweeps.outcomes(left, data), desc="sweep", total=len(left), unit="training", disable=None)
            for number, (trial, result) in enumerate(ended, start=1):
                if isinstance(result, str):
                    failures[trial.key] = told = result
                else:
                    outcomes[trial.key] = result[0]
                    keep(trial, *result)
                    log.add((trial, result[0]))
                    told = f"validation loss {result[0].validation_loss:.4f}"
                if ended.disable:  # no one watches a bar
                    print(f"{number} of {len(left)}  {trial.run.name}  {told}", flush=True)
    _conclude(source.stem, list(grid.grid), sweeps.rows(combinations, trials, outcomes), failures, log)


def _conclude(name: str, swept: Sequence[str], found: Sequence[sweeps.Row], failures: dict[str, str], log: Log) -> None:
    page = sweeps.page(name, swept, found)
    target = PAGES / f"{name}.md"
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
        trainings.read_split(FEATURES / split, settings.task) for split in ("train", "validation", "test")
    )
    return Data(train, validation, test, len(read_json(FEATURES / "vocabulary.json")))


def read_finished(trials: Sequence[Trial]) -> dict[str, Outcome]:
    """Reads what earlier sweeps of the same code and data finished."""
    files = {trial.key: FINISHED / trial.key / "outcome.json" for trial in trials}
    return {key: Outcome(**read_json(file)) for key, file in files.items() if file.is_file()}


def keep(trial: Trial, outcome: Outcome, network: bytes) -> None:
    """Writes what came of a trial, whole or not at all."""
    with replacing(FINISHED / trial.key) as folder:
        folder.mkdir()
        (folder / "network.keras").write_bytes(network)
        write_json(folder / "outcome.json", outcome._asdict())
