"""Processes the files of the data one after another, or in parallel on Ray; the results are the same."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from tqdm import tqdm

from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError

Engine = Literal["local", "ray"]
Item = TypeVar("Item")
SHOWN = 5  # failures in a message; there may be thousands


class Attempt(NamedTuple):
    """The outcome of a task on one item.

    Attributes:
        result: what the task returned.
        failure: the sentence for the user if it failed.
    """

    result: Any
    failure: str | None


@contextmanager
def started(engine: Engine) -> Iterator[None]:
    """Keeps an engine running for the length of the block.

    Ray joins the cluster named in ``RAY_ADDRESS``, whose machines must see the project's folder at the same path. If
    the variable is not set, Ray starts a cluster on this machine alone.

    Raises:
        UserError: see `rnnlab.project.ray_cluster.cluster`.
    """
    if engine == "local":
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    with ray_cluster.cluster(address, f"RAY_ADDRESS={address}"):
        yield


def each(engine: Engine, task: Callable[[Item], Any], items: Sequence[Item], what: str) -> list[Any]:
    """Runs a task on every item, even if some fail, and returns the results in the order of the items.

    Args:
        engine: where the tasks run; must be `started`.
        task: writes files, and returns a value that JSON can hold.
        items: such as files, which all machines must be able to read.
        what: label of the progress bar.

    Raises:
        UserError: tasks failed; says why.
    """
    attempts = _attempts(engine, partial(attempt, task), items)
    is_single = len(items) < 2
    done = list(tqdm(attempts, desc=what, total=len(items), unit="file", disable=is_single or None))
    failures = [each.failure for each in done if each.failure]
    if failures:
        more = [f"and {len(failures) - SHOWN} more files"] if len(failures) > SHOWN else []
        raise UserError("; ".join([*failures[:SHOWN], *more]))
    return [each.result for each in done]


def attempt(task: Callable[[Item], Any], item: Item) -> Attempt:
    """Runs a task and catches user mistakes, so that the other tasks run, too."""
    try:
        return Attempt(task(item), None)
    except UserError as mistake:
        return Attempt(None, str(mistake))


def _attempts(engine: Engine, task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    return map(task, items) if engine == "local" else _ray_attempts(task, items)


def _ray_attempts(task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    """Runs as many tasks in parallel as there are processors; Ray restarts tasks whose process died."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True

    def run(row: dict[str, Any]) -> dict[str, str]:
        return {"attempt": json.dumps(task(items[int(row["id"])]))}

    with ray_cluster.reporting_failures():
        numbers = ray.data.range(len(items), override_num_blocks=len(items))
        for row in numbers.map(run).iter_rows():
            yield Attempt(*json.loads(row["attempt"]))
