"""How the files of the data are gone through: one after another, or by tasks on Ray. What comes of it is the same."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Literal, NamedTuple, TypeVar

from tqdm import tqdm

from rnnlab.errors import UserError

Engine = Literal["local", "ray"]
Item = TypeVar("Item")
TOLD = 5  # failures, of a thousand that may all be the same


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
    """Starts what an engine needs once for all that the block does by it; see `rnnlab.ray_data.cluster`."""
    if engine == "local":
        yield
        return
    from rnnlab import ray_data

    with ray_data.cluster():
        yield


def each(engine: Engine, task: Callable[[Item], Any], items: Sequence[Item], what: str) -> list[Any]:
    """Does a task with every item, whatever becomes of the others, and gives the results in the order of the items.

    Args:
        engine: where the tasks run; inside of `started`.
        task: writes files, and returns what JSON can hold.
        items: such as files; all machines see the same.
        what: is done, for the bar.

    Raises:
        UserError: what the tasks that failed have to say.
    """
    attempts = _attempts(engine, partial(attempt, task), items)
    few = len(items) < 2
    done = list(tqdm(attempts, desc=what, total=len(items), unit="file", disable=few or None))
    failures = [one.failure for one in done if one.failure]
    if failures:
        more = [f"and {len(failures) - TOLD} more files"] if len(failures) > TOLD else []
        raise UserError("; ".join([*failures[:TOLD], *more]))
    return [one.result for one in done]


def attempt(task: Callable[[Item], Any], item: Item) -> Attempt:
    """Does a task; a mistake of the user does not end the others."""
    try:
        return Attempt(task(item), None)
    except UserError as mistake:
        return Attempt(None, str(mistake))


def _attempts(engine: Engine, task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    if engine == "local":
        return map(task, items)
    from rnnlab import ray_data

    return ray_data.attempts(task, items)
