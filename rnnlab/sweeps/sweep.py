"""Runs a sweep, from its file to its table; trials that are finished are kept, however the sweep ends."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from rnnlab.features import arrays, series_encoding
from rnnlab.networks import checkpoints
from rnnlab.project import layout, params, ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_text
from rnnlab.project.params import Params
from rnnlab.sweeps import grids, running, table, trials
from rnnlab.sweeps.grids import Asha
from rnnlab.sweeps.log import Log
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial
from rnnlab.tracking import store

AGAIN = "the same command again trains nothing that is finished"


class Sweep:
    """Trials of one sweep; each is kept, logged and printed as soon as it ends."""

    def __init__(self, name: str, key: str, total: int, *, search: bool = False, kind: str = "sweep") -> None:
        """Starts without trials.

        Args:
            name: of the sweep, for people.
            key: the same for the same sweep.
            total: number of its trials.
            search: whether a trial may be stopped early, which counts for this sweep alone.
            kind: of its run in MLflow.
        """
        self.name, self.key, self.total = name, key, total
        self.outcomes: dict[str, Outcome] = {}
        self.failures: dict[str, str] = {}
        self.log = Log(name, key, kind)
        self._search = key if search else None
        self._bar: tqdm[None] | None = None

    def take(self, planned: Sequence[Trial]) -> list[Trial]:
        """Takes over what earlier runs finished of some trials; returns those that are left."""
        known = trials.read_finished(planned, self._search)
        self.outcomes |= known
        self.log.add(*((trial, known[trial.key]) for trial in planned if trial.key in known))
        return [trial for trial in planned if trial.key not in known]

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Shows how far the sweep is while the block runs."""
        ended = len(self.outcomes)
        with tqdm(desc=self.name, total=self.total, initial=ended, unit="training", disable=None) as self._bar:
            yield

    def check(self) -> None:
        """Checks that no trial failed.

        Raises:
            UserError: says how many did, and why the first.
        """
        if self.failures:
            first = next(iter(self.failures.values()))
            raise UserError(f"{len(self.failures)} trainings failed, the first because: {first}; {AGAIN}")

    def end(self, trial: Trial, result: Result) -> None:
        """Keeps, logs and shows a trial that has ended."""
        if isinstance(result, str):
            self.failures[trial.key] = message = result
        else:
            outcome, network = result
            trials.keep(trial, outcome, network, self._search)
            self.outcomes[trial.key] = outcome
            self.log.add((trial, outcome))
            message = outcome.summary
        assert self._bar is not None
        self._bar.update()
        if self._bar.disable:  # no terminal
            ended = len(self.outcomes) + len(self.failures)
            print(f"{ended} of {self.total}  {trial.run.name}  {message}", flush=True)


def run(source: Path, address: str | None) -> None:
    """Trains what is not trained yet, logs what is not logged yet, and writes the table.

    Args:
        source: the sweep's file.
        address: of a Ray cluster; None for this machine alone.

    Raises:
        UserError: the file, the features or the cluster cannot be used, or a trial failed.
    """
    settings = params.read()
    grid, combinations = grids.read(source, settings)
    data = read_features(settings)
    planned = trials.of_combinations(combinations, data)
    distinct = list({trial.key: trial for combination in planned for trial in combination}.values())
    search = {"asha": grid.asha.model_dump()} if grid.asha else {}
    key = checkpoints.key_of({"trials": sorted(trial.key for trial in distinct), **search})
    sweep = Sweep(source.stem, key, len(distinct), search=bool(grid.asha))
    left = sweep.take(distinct)
    found = len(distinct) - len(left)
    print(f"{len(combinations)} combinations, {len(distinct)} trainings, {found} of them finished before")
    if left:
        with ray_cluster.cluster(address, f"--address {address}"), sweep.progress():
            _train(sweep, distinct, left, data, grid.asha)
    target = layout.SWEEP_PAGES / f"{sweep.name}.md"
    conclude(sweep, target, table.page(sweep.name, list(grid.grid), table.rows(combinations, planned, sweep.outcomes)))


def _train(sweep: Sweep, every: Sequence[Trial], left: Sequence[Trial], data: Data, asha: Asha | None) -> None:
    from rnnlab.sweeps import ray_trials

    ray_trials.check_processors(left)
    if asha:
        from rnnlab.sweeps import ray_search  # imports Ray

        ray_search.search(every, data, asha, dict(sweep.outcomes), sweep.end)
    else:
        for trial, result in ray_trials.outcomes(left, data, running.run_trial):
            sweep.end(trial, result)


def conclude(sweep: Sweep, target: Path, page: str) -> None:
    """Writes the page of a sweep and ends it in MLflow.

    Raises:
        UserError: trials failed, or MLflow must be reached and cannot be.
    """
    log = sweep.log
    write_text(target, page)
    print(f"\n{page}\nwrote {target}")
    log.close(page, list(sweep.failures))
    if log.problem:
        message = f"{store.tracking_uri()}: MLflow cannot log this sweep {log.problem}, then {AGAIN}"
        if log.mode == "strict":
            raise UserError(message)
        print(f"warning: {message}", file=sys.stderr)
    sweep.check()


def read_features(settings: Params) -> Data:
    """Maps the data that all trials read; missing features come from DVC's cache or its remote.

    Raises:
        UserError: they are missing, or do not belong to params.yaml.
    """

    def dvc(*words: str) -> int:
        return subprocess.run(("dvc", *words, "--quiet", "tokenize_pad"), capture_output=True, check=False).returncode

    if not layout.TEST.is_dir():
        dvc("pull")
        dvc("checkout")
    if dvc("status", "--with-deps"):
        raise UserError(
            f"{layout.FEATURES}: not what params.yaml and the data make; run `dvc repro tokenize_pad` first"
        )
    splits = (layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST)
    train, validation, test = (arrays.read_examples(split, settings.task) for split in splits)
    words = len(read_json(layout.VOCABULARY))
    if settings.task != "series":
        return Data(train, validation, test, words)
    encoding = series_encoding.read(layout.SCALER)
    return Data(train, validation, test, words, encoding, np.asarray(arrays.load_windows(layout.TEST).series))
