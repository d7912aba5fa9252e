"""``rnnlab run``: bring the result up to date, with as many trainings side by side as there are processors."""

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from typing import NamedTuple

from rnnlab.cli import alone, results
from rnnlab.project import params, warm
from rnnlab.project.errors import UserError


class Runner(NamedTuple):
    """Runs DVC in this project, while no other does.

    Attributes:
        lock: held until the commands have ended.
        jobs: trainings at a time.
    """

    lock: int
    jobs: int

    def dvc(self, *words: str, server: str = "") -> None:
        """Runs a command of DVC that tells a line per stage; ``server`` is of a training, see `rnnlab.project.warm`.

        Raises:
            SystemExit: it failed; with its status.
        """
        command = (sys.executable, "-m", "rnnlab.cli.quietly", "dvc", *words)
        variables = {**os.environ, warm.SERVER: server}
        if status := subprocess.run(command, check=False, pass_fds=[self.lock], env=variables).returncode:
            raise SystemExit(status)

    def train(self) -> None:
        """Runs the trainings that changed, and the baselines; once one has failed, those that DVC has begun still end.

        Raises:
            SystemExit: a stage failed; with its status.
        """
        self.dvc("repro", "size")
        stages = _changed()
        if not self._is_served(stages):
            _run_all(self._reproduce, stages, self.jobs)
            return
        with warm.processes("stages.train", self.jobs) as server:
            # DVC takes seconds to begin a stage: one more waits for a process, so that none waits for a stage.
            _run_all(partial(self._reproduce, server=server), stages, self.jobs + 1)

    def _is_served(self, stages: Sequence[str]) -> bool:
        """Whether processes serve trainings: not where each would train once, or threads differ by model."""
        settings = params.read()
        threads = {settings.training_of(model).threads for model in settings.compare}
        return len(stages) > self.jobs and len(threads) == 1

    def _reproduce(self, stage: str, server: str = "") -> None:
        self.dvc("--wait-for-lock", "repro", "--single-item", stage, server=server)


def _run_all(run: Callable[[str], None], stages: Sequence[str], jobs: int) -> None:
    """Runs stages side by side; once one has failed, DVC begins no other."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            running = [pool.submit(run, stage) for stage in stages]
            for done in as_completed(running):
                done.result()
        except SystemExit:
            pool.shutdown(cancel_futures=True)
            raise


def start(jobs: int) -> Runner:
    """Waits until no other is at work in this project; from then on, Ctrl-C ends what is run, whose status tells so."""
    lock = alone.wait_for_turn()
    signal.signal(signal.SIGINT, lambda *_: None)
    return Runner(lock, jobs)


def run(flags: argparse.Namespace) -> None:
    """Runs the stages that changed, trainings side by side, and shows the result.

    Raises:
        SystemExit: a stage failed; with its status.
    """
    runner = start(flags.jobs)
    runner.train()
    if not flags.train_only:
        runner.dvc("repro")
        _track()
        results.show(argparse.Namespace(style="simple"))


def processors() -> int:
    """Returns how many this process may use."""
    return len(os.sched_getaffinity(0))


def _changed() -> list[str]:
    """Returns the trainings to run, and the baselines, which take no longer than one.

    Raises:
        UserError: DVC cannot tell; it has said why.
    """
    told = subprocess.run(("dvc", "status", "--json"), stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode:
        raise UserError("DVC could not tell which stages have changed")
    stages = json.loads(told.stdout)
    return [*sorted(stage for stage in stages if stage.startswith("train@")), *({"baseline"} & {*stages})]


def _track() -> None:
    """Logs to MLflow what is not there yet: a clone comes with dvc.lock but without runs.

    Raises:
        SystemExit: it failed; with its status.
    """
    done = subprocess.run((sys.executable, "-m", "stages.track"), stdout=subprocess.PIPE, text=True, check=False)
    print(*(line for line in done.stdout.splitlines(True) if not line.startswith("already in MLflow")), sep="", end="")
    if done.returncode:
        raise SystemExit(done.returncode)
