"""Trials on this machine: each is one task of a pool of processes."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from rnnlab.networks.keras_import import thread_variables
from rnnlab.project.errors import UserError
from rnnlab.sweeps.trials import TRIALS_PER_PROCESS, Data, Outcomes, Result, RunTrial, Trial

_data: Data  # of a process of the pool


@contextmanager
def pool(data: Data, run: RunTrial, threads: int) -> Iterator[Outcomes]:
    """Yields a function that runs trials side by side on all processors, ``threads`` of them for each."""
    os.environ |= thread_variables(threads)  # which the processes inherit
    workers = max(1, len(os.sched_getaffinity(0)) // threads)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (data,), max_tasks_per_child=TRIALS_PER_PROCESS) as executor:

        def outcomes(trials: Sequence[Trial]) -> Iterator[tuple[Trial, Result]]:
            running = {executor.submit(_attempt, run, trial): trial for trial in trials}
            try:
                for done in as_completed(running):
                    yield running[done], _result(done)
            finally:
                for waiting in running:
                    waiting.cancel()

        yield outcomes


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
