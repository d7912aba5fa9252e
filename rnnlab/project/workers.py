"""Processes that do one piece of work together, on Ray: all come to the same meetings, to add what they found."""

import secrets
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Client, Connection, Listener
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from rnnlab.project import engines, ray_cluster
from rnnlab.project.errors import UserError

Arrays = Sequence[npt.NDArray[Any]]
Done = TypeVar("Done")
ATTEMPTS = 20  # of work whose workers are lost
SILENCE_SECONDS = 10.0  # after which Ray is asked whether a worker is still there


class Team:
    """The processes of a piece of work, as one of them sees them.

    Attributes:
        rank: of this process; 0 leads, and knows when another is lost.
        size: their number.
        is_lost: whether this process cannot go on without another.
    """

    def __init__(
        self, rank: int = 0, size: int = 1, lines: Sequence[Connection] = (), followers: Sequence[Any] = ()
    ) -> None:
        """Takes lines from the one who leads to each of the others, and what Ray will know of their end."""
        self.rank, self.size, self.is_lost = rank, size, False
        self._lines, self._followers = lines, list(followers)

    def share(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns those of some rows that this process reads; all read equally many, and none those that are left."""
        return rows[self.rank : len(rows) // self.size * self.size : self.size]

    def part(self, rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns those of some rows that this process scores; together, the processes score each row once."""
        return rows[self.rank :: self.size]

    def meet(self, summed: Arrays, joined: Arrays = ()) -> tuple[Arrays, Arrays]:
        """Waits until all processes brought arrays; returns the sums over processes, and arrays of all rows, by rank.

        Raises:
            OSError, EOFError: another process is lost; ``is_lost`` is set then.
        """
        brought = (list(summed), list(joined))
        try:
            if self.rank:
                [line] = self._lines
                line.send(brought)
                answer: tuple[Arrays, Arrays] = line.recv()
                return answer
            # By rank, so that the last digits do not depend on who came first.
            found = _added([brought, *map(self._received, self._lines)])
            for line in self._lines:
                line.send(found)
            return found
        except (OSError, EOFError):
            self.is_lost = True
            raise

    def _received(self, line: Connection) -> tuple[Arrays, Arrays]:
        import ray

        while not line.poll(SILENCE_SECONDS):
            if ray.wait(self._followers, timeout=0)[0]:  # a machine that is switched off closes no line
                raise EOFError
        brought: tuple[Arrays, Arrays] = line.recv()
        return brought

    def reason(self) -> str:
        """Says why a process was lost."""
        import ray

        ended, _ = ray.wait(self._followers, timeout=SILENCE_SECONDS)
        try:
            ray.get(ended)
        except ray.exceptions.RayError as failure:
            return ray_cluster.sentence(failure)
        return "no line to it"


def _added(brought: Sequence[tuple[Arrays, Arrays]]) -> tuple[Arrays, Arrays]:
    summed, joined = zip(*brought, strict=True)
    sums = [np.sum(arrays, axis=0, dtype=arrays[0].dtype) for arrays in zip(*summed, strict=True)]
    return sums, [np.concatenate(arrays) for arrays in zip(*joined, strict=True)]


ALONE = Team()


class Helper:
    """An actor of Ray that does what follows the process that leads."""

    def __init__(self, follow: Callable[[Team, Any], None], secret: bytes) -> None:
        import ray

        self._follow = follow
        self._door = Listener((ray.util.get_node_ip_address(), 0), authkey=secret)

    def address(self) -> Any:
        """Tells where the one who leads can call."""
        return self._door.address

    def follow(self, rank: int, size: int, work: Any) -> None:
        """Does the work, once called."""
        with self._door.accept() as line:
            self._follow(Team(rank, size, [line]), work)


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
            fitting = size if is_task else min(size, 1 + sum(each // processors for each in ray_cluster.processors()))
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
                    if not team.is_lost:
                        raise
                    reason = team.reason()
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


@contextmanager
def _led(size: int, follow: Callable[[Team, Any], None], work: Any, options: Mapping[str, Any]) -> Iterator[Team]:
    """Yields the team that this process leads; the others end with the block."""
    import ray

    secret = secrets.token_bytes()
    # Actors, not tasks: to cancel a task in the moment in which it ends can end the process that asked for it.
    actor = ray.remote(Helper).options(scheduling_strategy="SPREAD", **options)
    helpers = [actor.remote(follow, secret) for _ in range(1, size)]
    shared = ray.put(work)
    with ExitStack() as stack:
        stack.callback(lambda: [ray.kill(helper) for helper in helpers])
        addresses = ray.get([helper.address.remote() for helper in helpers])
        followers = [helper.follow.remote(rank, size, shared) for rank, helper in enumerate(helpers, start=1)]
        lines = [stack.enter_context(Client(tuple(address), authkey=secret)) for address in addresses]
        yield Team(0, size, lines, followers)
