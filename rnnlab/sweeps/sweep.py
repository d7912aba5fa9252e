"""Runs a sweep, from its file to its table; trials that are finished are kept, however the sweep ends."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from rnnlab.features import arrays
from rnnlab.networks import checkpoints
from rnnlab.project import layout, params, ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_text
from rnnlab.project.params import Params
from rnnlab.sweeps import grids, table, trials
from rnnlab.sweeps.grids import Asha
from rnnlab.sweeps.log import Log
from rnnlab.sweeps.trials import Data, Result, Trial
from rnnlab.tracking import store


class Sweep:
    """The trials of a sweep; each is kept, logged and printed as soon as it ends."""

    def __init__(self, name: str, planned: Sequence[Trial], asha: Asha | None) -> None:
        self.name = name
        self.trials = planned
        search = {"asha": asha.model_dump()} if asha else {}
        self.key = checkpoints.key_of({"trials": sorted(trial.key for trial in planned), **search})
        self.outcomes = trials.read_finished(planned, self.key if asha else None)
        self.failures: dict[str, str] = {}
        self.log = Log(name, self.key)
        self._bar: tqdm[None] | None = None

    def train(self, data: Data, asha: Asha | None, address: str | None) -> None:
        """Trains what is left, on a cluster or on this machine alone."""
        self.log.add(*((trial, self.outcomes[trial.key]) for trial in self.trials if trial.key in self.outcomes))
        left = [trial for trial in self.trials if trial.key not in self.outcomes]
        if not left:
            return
        with (
            ray_cluster.cluster(address, f"--address {address}"),
            tqdm(desc="sweep", total=len(left), unit="training", disable=None) as self._bar,
        ):
            from rnnlab.sweeps import ray_trials

            ray_trials.check_processors(left)
            if asha:
                from rnnlab.sweeps import ray_search  # imports Ray

                ray_search.search(self.trials, data, asha, dict(self.outcomes), self._end)
            else:
                for trial, result in ray_trials.outcomes(left, data):
                    self._end(trial, result)

    def _end(self, trial: Trial, result: Result) -> None:
        if isinstance(result, str):
            self.failures[trial.key] = message = result
        else:
            outcome, network = result
            trials.keep(trial, outcome, network, self.key)
            self.outcomes[trial.key] = outcome
            self.log.add((trial, outcome))
            message = f"validation loss {outcome.validation_loss:.4f}"
            message += f", stopped after epoch {len(outcome.history)}" if outcome.stopped else ""
        assert self._bar is not None
        self._bar.update()
        if self._bar.disable:  # no terminal
            ended = len(self.outcomes) + len(self.failures)
            print(f"{ended} of {len(self.trials)}  {trial.run.name}  {message}", flush=True)


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
    distinct = {trial.key: trial for combination in planned for trial in combination}
    sweep = Sweep(source.stem, list(distinct.values()), grid.asha)
    found = len(sweep.outcomes)
    print(f"{len(combinations)} combinations, {len(sweep.trials)} trainings, {found} of them finished before")
    sweep.train(data, grid.asha, address)
    _conclude(sweep, table.page(sweep.name, list(grid.grid), table.rows(combinations, planned, sweep.outcomes)))


def _conclude(sweep: Sweep, page: str) -> None:
    log, failures = sweep.log, sweep.failures
    target = layout.SWEEP_PAGES / f"{sweep.name}.md"
    write_text(target, page)
    print(f"\n{page}\nwrote {target}")
    log.close(page, list(failures))
    again = "the same command again trains nothing that is finished"
    if log.problem:
        message = f"{store.tracking_uri()}: MLflow cannot log this sweep {log.problem}, then {again}"
        if log.mode == "strict":
            raise UserError(message)
        print(f"warning: {message}", file=sys.stderr)
    if failures:
        first = next(iter(failures.values()))
        raise UserError(f"{len(failures)} trainings failed, the first because: {first}; {again}")


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
    return Data(train, validation, test, len(read_json(layout.VOCABULARY)))
