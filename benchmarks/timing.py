"""Rivals measured in turn: each has its own process and does one repetition when it is its turn.

Two libraries in one process would compete for its threads and memory. The order of turns is random within each round,
so that other load on the machine affects all rivals alike; the ratio to the first rival says more than the seconds do.
"""

import importlib
import importlib.util
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rnnlab.networks.keras_import import thread_variables


class Sample(NamedTuple):
    """The cost of one repetition.

    Attributes:
        seconds: on the clock.
        cpu: processor seconds of all threads and children, which other load hardly changes.
        megabytes: peak memory of the largest process, if it was measured.
    """

    seconds: float
    cpu: float
    megabytes: float = 0.0


class Rival(NamedTuple):
    """One participant.

    Attributes:
        make: ``module:function``; the function takes the task and returns a function without arguments that does one
            repetition.
        needs: a package that may not be installed.
    """

    make: str
    needs: str | None = None

    @property
    def installed(self) -> bool:
        """Whether the rival can take part."""
        return self.needs is None or importlib.util.find_spec(self.needs) is not None


class Race(NamedTuple):
    """The cost of one task for each rival that is installed.

    Attributes:
        samples: of each round, by rival.
        first: seconds until the end of the first repetition: building, tracing, compiling, warming up.
        answers: return values of the first repetition.
    """

    samples: dict[str, list[Sample]]
    first: dict[str, float]
    answers: dict[str, Any]


Workers = dict[str, ProcessPoolExecutor]
_repeat: Callable[[], Any]


@contextmanager
def workers(rivals: dict[str, Rival], cores: int | None = None) -> Iterator[Workers]:
    """Starts a process for each rival that is installed, and ends them.

    Args:
        rivals: the participants.
        cores: number of cores, which all rivals share, with one thread each; None for each library's own choice.
    """
    context = multiprocessing.get_context("spawn")
    pools = {
        name: ProcessPoolExecutor(1, context, _bound, (cores,)) for name, rival in rivals.items() if rival.installed
    }
    try:
        yield pools
    finally:
        for pool in pools.values():
            pool.shutdown(cancel_futures=True)


def _bound(cores: int | None) -> None:
    if cores:
        os.environ |= thread_variables(cores)
        if hasattr(os, "sched_setaffinity"):  # Linux; elsewhere a library's other threads may use other cores
            os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-cores:])


def race(pools: Workers, rivals: dict[str, Rival], task: Any, rounds: int) -> Race:
    """Measures one task: a first repetition to warm up, then rounds in which each rival has one turn.

    Args:
        pools: from `workers`.
        rivals: the participants; those that are not installed are skipped.
        task: passed to each rival's ``make``; must be picklable.
        rounds: repetitions of each rival.
    """
    order = [name for name in rivals if name in pools]
    first, answers = {}, {}
    for name in order:
        first[name], answers[name] = pools[name].submit(_begin, rivals[name].make, task).result()
    samples: dict[str, list[Sample]] = {name: [] for name in order}
    shuffled = random.Random(0)
    for _ in range(rounds):
        for name in shuffled.sample(order, len(order)):
            samples[name].append(pools[name].submit(_once).result())
    return Race(samples, first, answers)


def _begin(make: str, task: Any) -> tuple[float, Any]:
    global _repeat
    module, function = make.split(":")
    prepare = getattr(importlib.import_module(module), function)
    started = time.perf_counter()
    _repeat = prepare(task)
    answer = _repeat()
    return time.perf_counter() - started, answer


def _once() -> Sample:
    cpu, started = time.process_time(), time.perf_counter()
    _repeat()
    return Sample(time.perf_counter() - started, time.process_time() - cpu)


# On Linux a child's peak memory includes that of the process it was forked from: started from here, every command would
# seem to need as much as this process. So a small process runs the command and prints the figures.
_RUN = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
print(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


def run(command: Sequence[str], folder: Path) -> tuple[Sample, str]:
    """Runs a command to its end; returns its cost and its output.

    Raises:
        RuntimeError: it failed; with the end of its output.
    """
    foreign = ("DVC_", "MLFLOW_", "GIT_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    # Stages use the interpreter of this process, whichever environment the shell is in.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment.get('PATH', '')}"
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        between = subprocess.Popen(
            [sys.executable, "-ISE", "-c", _RUN, *command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=output,
            text=True,
        )
        status, cpu, kilobytes = between.communicate()[0].split()
        seconds = time.perf_counter() - started
        output.seek(0)
        text = output.read()
    if int(status):
        raise RuntimeError(f"{' '.join(command)} failed with {int(status)}:\n{text[-3000:]}")
    return Sample(seconds, float(cpu), int(kilobytes) / 1024), text


def ratios(samples: Sequence[Sample], base: Sequence[Sample]) -> tuple[float, float, float]:
    """Returns the quartiles of the ratios of a rival's seconds to those of ``base`` by round: low, median, high."""
    quotients = [rival.seconds / one.seconds for rival, one in zip(samples, base, strict=True)]
    low, middle, high = np.quantile(quotients, (0.25, 0.5, 0.75))
    return float(low), float(middle), float(high)


def least(samples: Sequence[Sample]) -> float:
    """Returns the seconds of the fastest repetition, which other load disturbed least."""
    return float(min(sample.seconds for sample in samples))


def median(samples: Sequence[Sample], what: str = "seconds") -> float:
    """Returns the median of one figure of the repetitions."""
    return float(np.median([getattr(sample, what) for sample in samples]))
