"""Trials on this machine: each is one task of a pool of processes."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager
from pathlib import Path

from rnnlab.networks.keras_import import thread_variables
from rnnlab.project.errors import UserError
from rnnlab.sweeps.trials import TRIALS_PER_PROCESS, Data, Outcomes, Result, RunTrial, Trial

_data: Data  # of a process of the pool


class _Pool:
    """Processes that run trials; fresh ones between two calls, before they have leaked much memory.

    Python can renew each after so many tasks itself, but the pool then sometimes waits for ever (cpython issue 115634).
    """

    def __init__(self, data: Data, run: RunTrial, processors: int) -> None:
        self._data, self._run = data, run
        self._workers = max(1, len(os.sched_getaffinity(0)) // processors)
        self._executor, self._left = self._start_processes()

    def _start_processes(self) -> tuple[ProcessPoolExecutor, int]:
        spawning = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, spawning, _start, (self._data,)), TRIALS_PER_PROCESS * self._workers

    def outcomes(self, trials: Sequence[Trial]) -> Iterator[tuple[Trial, Result]]:
        """Runs trials side by side; yields each as it ends."""
        if self._left < len(trials):
            self.close()
            self._executor, self._left = self._start_processes()
        self._left -= len(trials)
        running = {self._executor.submit(_attempt, self._run, trial): trial for trial in trials}
        for done in as_completed(running):
            yield running[done], _result(done)

    def close(self) -> None:
        """Ends the processes, without waiting for trials that have not begun."""
        self._executor.shutdown(cancel_futures=True)


@contextmanager
def pool(data: Data, run: RunTrial, processors: int) -> Iterator[Outcomes]:
    """Yields a function that runs trials side by side, each with so many processors."""
    os.environ |= thread_variables(processors)  # which the processes inherit
    with closing(_Pool(data, run, processors)) as started:
        yield started.outcomes


def _start(data: Data) -> None:
    """Keeps the data, prints no epochs, and ends this process once that which started it is gone, however it ended."""
    global _data
    _data = data
    sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    parent = multiprocessing.parent_process()
    assert parent

    def follow() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()


def _attempt(run: RunTrial, trial: Trial) -> Result:
    try:
        return run(trial, _data)
    except UserError as mistake:
        return str(mistake)


def _result(done: "Future[Result]") -> Result:
    try:
        return done.result()
    except BrokenProcessPool:
        raise UserError(
            "the process of a training died, as where memory is short; the same command again goes on from there"
        ) from None
