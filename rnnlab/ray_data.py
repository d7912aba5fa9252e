"""Tasks on the files of the data, by Ray Data: each file a task, which Ray does again where its process dies."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from rnnlab import ray_clusters
from rnnlab.engines import Attempt

Item = TypeVar("Item")


@contextmanager
def cluster() -> Iterator[None]:
    """Joins the cluster of the variable RAY_ADDRESS, whose machines have to see the project's folder where it is here.

    Without the variable it starts one on this machine alone.

    Raises:
        UserError: see `rnnlab.ray_clusters.cluster`.
    """
    address = os.environ.get("RAY_ADDRESS")
    with ray_clusters.cluster(address, f"RAY_ADDRESS={address}"):
        yield


def attempts(task: Callable[[Item], Attempt], items: Sequence[Item]) -> Iterator[Attempt]:
    """Does a task with each item, as many at once as there are processors; yields in the order of the items."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True

    def do(row: dict[str, Any]) -> dict[str, str]:
        return {"attempt": json.dumps(task(items[int(row["id"])]))}

    with ray_clusters.failures_told():
        numbers = ray.data.range(len(items), override_num_blocks=len(items))
        for row in numbers.map(do).iter_rows():
            yield Attempt(*json.loads(row["attempt"]))
