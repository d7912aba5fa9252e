"""How the data's files are processed: one after another, or as tasks on Ray. The results are the same."""

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
SHOWN = 5  # failures; a thousand may all be the same


class Attempt(NamedTuple):
    """What came of one item.

    Attributes:
        result: what the task returned, as JSON can hold it.
        failure: the sentence for the user where it could not be done.
    """

    result: Any
    failure: str | None


@contextmanager
def started(engine: Engine) -> Iterator[None]:
    """Starts once what an engine needs for all that the block does with it.

    Ray joins the cluster named in ``RAY_ADDRESS``, whose machines must see the project's folder at the same path; without
    the variable it starts a cluster on this machine alone.

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
        engine: where the tasks run; inside of `started`.
        task: writes files, and returns what JSON can hold.
        items: such as files; all machines see the same.
        what: what is done, for the progress bar.

    Raises:
        UserError: some tasks failed; says why.
    """
    attempts = _attempts(engine, partial(attempt, task), items)
    few = len(items) < 2
    done = list(tqdm(attempts, desc=what, total=len(items), unit="file", disable=few or None))
    failures = [one.failure for one in done if one.failure]
    if failures:
        more = [f"and {len(failures) - SHOWN} more files"] if len(failures) > SHOWN else []
        raise UserError("; ".join([*failures[:SHOWN], *more]))
    return [one.result for one in done]


def attempt(task: Callable[[Item], Any], item: Item) -> Attempt:
    """Runs a task; a user's mistake does not stop the others."""
    try:
        return Attempt(task(item), None)
    except UserError as mistake:
        return Attempt(None, str(mistake))


def _attempts(engine: Engine, task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    return map(task, items) if engine == "local" else _ray_attempts(task, items)


def _ray_attempts(task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    """Runs as many tasks at once as there are processors; Ray runs one again whose process dies."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True

    def run(row: dict[str, Any]) -> dict[str, str]:
        return {"attempt": json.dumps(task(items[int(row["id"])]))}

    with ray_cluster.failures_told():
        numbers = ray.data.range(len(items), override_num_blocks=len(items))
        for row in numbers.map(run).iter_rows():
            yield Attempt(*json.loads(row["attempt"]))
