"""Runs properties over many cases, each within limits of time and memory, and counts the outcomes."""

import io
import re
import resource
import signal
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.fuzz.properties import Property, hold

CASE_SECONDS = 10.0  # of a core, whatever else the machine does; most cases take milliseconds
WAITED = 10  # times as long on the clock, for a case that waits for what never comes
CASE_MEGABYTES = 500  # beyond what the process has already, TensorFlow alone as many
SPARE_BYTES = 3 << 30  # the same in addresses, which C code takes more of than it fills
CHUNK = 1000  # cases per seed; a failure ends its chunk, and the seed reproduces it


class Overdue(BaseException):
    """A case took too long; nothing that catches `Exception` catches it."""


@contextmanager
def limited_time(seconds: float) -> Iterator[None]:
    """Interrupts whatever takes longer; C code only once it returns."""

    def end(*_: object) -> None:
        raise Overdue

    timers = [(signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, WAITED * seconds)]
    before = [signal.signal(number, end) for _, number, _ in timers]
    for timer, _, limit in timers:
        signal.setitimer(timer, limit)
    try:
        yield
    finally:
        for (timer, number, _), handler in zip(timers, before, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, handler)


def limit_memory() -> None:
    """Limits further memory of this process to `SPARE_BYTES`; beyond that, there is a `MemoryError`."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + SPARE_BYTES,) * 2)


def resident_megabytes() -> int:
    """Returns the memory of this process as it is now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 10**6


def forget_peak() -> None:
    """Lets `peak_megabytes` begin anew, or a new peak would hide behind an old one."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> int:
    """Returns the most memory that this process had since `forget_peak`."""
    [peak] = re.findall(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    return int(peak) * 1024 // 10**6


def run(tested: Property, cases: int, first_seed: int | None) -> dict[str, Any]:
    """Tries cases of one property.

    Args:
        tested: the property.
        cases: how many.
        first_seed: of the first chunk, the others' follow it; None for the same cases every time.

    Returns:
        Counts of results, refusals and failures; the longest case in seconds of a core; the most that one took in
        megabytes, beyond what the process had before it; and what failed, with its seed.
    """
    counts: Counter[str] = Counter()
    failures: list[str] = []
    slowest, largest = 0.0, 0
    while sum(counts.values()) < cases:
        chunk = min(CHUNK, cases - sum(counts.values()))
        number = None if first_seed is None else first_seed + sum(counts.values()) // CHUNK
        spent = [(0.0, 0)]
        try:
            with tempfile.TemporaryDirectory() as folder:
                _try(tested, chunk, number, Path(folder), counts, spent)
        except Overdue:
            counts["overdue"] += 1
            failures.append(
                f"seed {number}: a case took longer than {CASE_SECONDS} s of a core, or {WAITED} times as long"
            )
        except Exception:
            counts["failed"] += 1
            failures.append(f"seed {number}: {traceback.format_exc()[-4000:]}")
        slowest = max(slowest, *(seconds for seconds, _ in spent))
        largest = max(largest, *(megabytes for _, megabytes in spent))
    return {
        "cases": sum(counts.values()),
        "results": counts["result"],
        "refusals": counts["refusal"],
        "failures": counts["failed"],
        "overdue": counts["overdue"],
        "slowest_seconds": round(slowest, 2),
        "most_megabytes": largest,
        "what_failed": failures,
    }


def _try(
    tested: Property, cases: int, number: int | None, folder: Path, counts: Counter[str], spent: list[tuple[float, int]]
) -> None:
    def check(case: Any) -> None:
        forget_peak()
        started, before = time.process_time(), resident_megabytes()
        with limited_time(CASE_SECONDS), redirect_stdout(io.StringIO()):
            outcome = hold(tested.check, case, folder)
        spent.append((time.process_time() - started, peak_megabytes() - before))
        assert spent[-1][1] <= CASE_MEGABYTES, f"took {spent[-1][1]} MB"
        counts["result" if outcome else "refusal"] += 1

    # Needs no database of old cases: the seed reproduces a case.
    options = settings(
        max_examples=cases,
        derandomize=number is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    given_case = options(given(tested.cases)(check))
    (given_case if number is None else seed(number)(given_case))()
