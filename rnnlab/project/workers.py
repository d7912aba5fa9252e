"""Processes that do one piece of work together, on Ray: all come to the same meetings, to add what they found."""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rnnlab.project import engines, ray_cluster
from rnnlab.project.errors import UserError

Arrays = Sequence[npt.NDArray[Any]]
Done = TypeVar("Done")
ATTEMPTS = 20  # of work whose workers are lost


class Team:
    """The processes of a piece of work, as one of them sees them.

    Attributes:
        rank: of this process; 0 leads, and knows when another is lost.
        size: their number.
        lost: why this process cannot go on without another.
    """

    def __init__(self, rank: int = 0, size: int = 1, meeting: Any = None, followers: Sequence[Any] = ()) -> None:
        self.rank, self.size = rank, size
        self._meeting, self._followers = meeting, list(followers)
        self.lost: Exception | None = None

    def share(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns those of some rows that this process reads; all read equally many, and none those that are left."""
        return rows[self.rank : len(rows) // self.size * self.size : self.size]

    def meet(self, summed: Arrays, joined: Arrays = ()) -> tuple[Arrays, Arrays]:
        """Waits until all processes brought arrays; returns the sums over processes, and arrays of all rows, by rank.

        Raises:
            Exception: another process is lost; ``lost`` is set then.
        """
        import ray

        answer, others = self._meeting.add.remote(self.rank, list(summed), list(joined)), [*self._followers]
        try:
            while True:
                [first], _ = ray.wait([answer, *others], num_returns=1)
                found = ray.get(first)
                if first == answer:
                    arrays: tuple[Arrays, Arrays] = found
                    return arrays
                others.remove(first)  # it has ended, after it came here
        except Exception as failure:  # of Ray, or of the other process
            self.lost = failure
            raise


ALONE = Team()


class Meeting:
    """An actor of Ray that adds what the processes bring."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._brought: dict[int, tuple[Arrays, Arrays]] = {}
        self._sums: asyncio.Future[tuple[Arrays, Arrays]] | None = None

    async def add(self, rank: int, summed: Arrays, joined: Arrays) -> tuple[Arrays, Arrays]:
        """Returns the same to all, once the last of them is here; nobody comes again before."""
        self._sums = sums = self._sums or asyncio.get_running_loop().create_future()
        self._brought[rank] = summed, joined
        if len(self._brought) == self._size:
            # By rank, so that the last digits do not depend on who came first.
            each_summed, each_joined = zip(*(self._brought[number] for number in range(self._size)), strict=True)
            added = [np.sum(arrays, axis=0, dtype=arrays[0].dtype) for arrays in zip(*each_summed, strict=True)]
            sums.set_result((added, [np.concatenate(arrays) for arrays in zip(*each_joined, strict=True)]))
            self._brought, self._sums = {}, None
        return await sums


class Helper:
    """An actor of Ray that does what follows the process that leads."""

    def __init__(self, follow: Callable[[Team, Any], None]) -> None:
        self._follow = follow

    def follow(self, team: Team, work: Any) -> None:
        """Does the work."""
        self._follow(team, work)


def together(
    size: int,
    processors: int,
    lead: Callable[[Team], Done],
    follow: Callable[[Team, Any], None],
    prepare: Callable[[], Any],
    variables: Mapping[str, str],
) -> Done:
    """Does a piece of work in this process and on Ray; where a worker is lost, those that can be had begin again.

    Args:
        size: number of processes, with this one.
        processors: that each needs.
        lead: does the work in this process; what it returns is returned.
        follow: does it in another process, with what ``prepare`` returned.
        prepare: called before each attempt; what it returns is sent to the other processes.
        variables: of the environment of the other processes.

    Raises:
        UserError: there is no Ray, the cluster has too few processors, or workers are lost again and again.
    """
    reason = ""
    with _ray() as is_task:
        for attempt in range(ATTEMPTS):
            fitting = size if is_task else min(size, 1 + _places(processors))
            if fitting < size and not attempt:
                raise UserError(
                    f"train.workers is {size}, but the Ray cluster has processors for {fitting} workers of {processors}"
                    " each; lower it, or train.threads"
                )
            # A task of Ray has the processors of all its workers.
            options = {"num_cpus": 0 if is_task else processors, "runtime_env": {"env_vars": dict(variables)}}
            with _led(fitting, follow, prepare(), options) as team:
                try:
                    return lead(team)
                except Exception:
                    if team.lost is None:
                        raise
                    reason = ray_cluster.sentence(team.lost)
            print(f"a worker was lost: {reason}; going on from the last epoch", flush=True)
    raise UserError(f"workers were lost {ATTEMPTS} times, at last: {reason}")


@contextmanager
def _ray() -> Iterator[bool]:
    """Starts Ray, unless this is a task of it; yields whether it is."""
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        yield True
    else:
        with engines.started("ray"):
            yield False


def _places(processors: int) -> int:
    """Counts the processes that the machines of the cluster have room for."""
    import ray

    return sum(int(node["Resources"].get("CPU", 0)) // processors for node in ray.nodes() if node["Alive"])


@contextmanager
def _led(size: int, follow: Callable[[Team, Any], None], work: Any, options: Mapping[str, Any]) -> Iterator[Team]:
    """Yields the team that this process leads; the others end with the block."""
    import ray

    meeting = ray.remote(Meeting).options(num_cpus=0).remote(size)
    # Actors, not tasks: to cancel a task in the moment in which it ends can end the process that asked for it.
    helpers = [
        ray.remote(Helper).options(scheduling_strategy="SPREAD", **options).remote(follow) for _ in range(1, size)
    ]
    shared = ray.put(work)
    followers = [
        helper.follow.remote(Team(rank, size, meeting), shared) for rank, helper in enumerate(helpers, start=1)
    ]
    try:
        yield Team(0, size, meeting, followers)
    finally:
        for actor in (*helpers, meeting):
            ray.kill(actor)
