"""Processes the files of the data one after another, or in parallel on Ray; the results are the same."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, Literal, TypeVar

from tqdm import tqdm

from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError

Engine = Literal["local", "ray"]
Item = TypeVar("Item")
Attempt = tuple[Any, str | None]  # what a task returned, or a sentence for the user if it failed
SHOWN = 5  # failures in a message; there may be thousands


def started(engine: Engine) -> AbstractContextManager[None]:
    """Keeps an engine running for the length of a block.

    Ray joins the cluster named in ``RAY_ADDRESS``, whose machines must see the project's folder at the same path. If
    the variable is not set, Ray starts a cluster on this machine alone.

    Raises:
        UserError: see `rnnlab.project.ray_cluster.cluster`.
    """
    address = os.environ.get("RAY_ADDRESS")
    return nullcontext() if engine == "local" else ray_cluster.cluster(address, f"RAY_ADDRESS={address}")


def each(engine: Engine, task: Callable[[Item], Any], items: Sequence[Item], what: str) -> list[Any]:
    """Runs a task on every item, even if some fail, and returns the results in the order of the items.

    Args:
        engine: must be `started`.
        task: writes files, and returns a value that JSON can hold.
        items: such as files, which all machines must be able to read.
        what: label of the progress bar.

    Raises:
        UserError: tasks failed; says why.
    """
    attempts = (map if engine == "local" else _on_ray)(partial(_attempt, task), items)
    done = list(tqdm(attempts, desc=what, total=len(items), unit="file", disable=len(items) < 2 or None))
    failures = [failure for _, failure in done if failure]
    if failures:
        more = [f"and {len(failures) - SHOWN} more files"] if len(failures) > SHOWN else []
        raise UserError("; ".join([*failures[:SHOWN], *more]))
    return [result for result, _ in done]


def _attempt(task: Callable[[Item], Any], item: Item) -> Attempt:
    """Catches user mistakes, so that the other tasks run, too."""
    try:
        return task(item), None
    except UserError as mistake:
        return None, str(mistake)


def _on_ray(task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    """Runs as many tasks in parallel as there are processors; Ray restarts tasks whose process died."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True

    def run(row: dict[str, Any]) -> dict[str, str]:
        return {"attempt": json.dumps(task(items[int(row["id"])]))}

    try:
        numbers = ray.data.range(len(items), override_num_blocks=len(items))
        for row in numbers.map(run).iter_rows():
            yield json.loads(row["attempt"])
    except ray.exceptions.RayError as failure:
        raise UserError(ray_cluster.sentence(failure)) from None
