import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import Pipe

import numpy as np
import pytest

from rnnlab.project import engines, workers
from rnnlab.project.errors import UserError
from rnnlab.project.workers import ALONE, Arrays, Team


@pytest.mark.parametrize(
    ("count", "shares"),
    [(6, [[0, 3], [1, 4], [2, 5]]), (8, [[0, 3], [1, 4], [2, 5]]), (2, [[], [], []])],
)
def test_all_read_equally_many_rows_of_a_batch(count: int, shares: list[list[int]]) -> None:
    rows = np.arange(count)
    assert [Team(rank, 3).share(rows).tolist() for rank in range(3)] == shares
    assert ALONE.share(rows).tolist() == rows.tolist()


def test_all_get_what_all_brought_in_the_order_of_their_ranks() -> None:
    lines = [Pipe() for _ in range(2)]
    leader = Team(0, 3, [mine for mine, _ in lines])
    others = [Team(rank, 3, [line]) for rank, (_, line) in enumerate(lines, start=1)]

    def come(team: Team) -> list[tuple[Arrays, Arrays]]:
        time.sleep((3 - team.rank) / 100)
        return [
            team.meet([np.full(2, 10**turn * (team.rank + 1), np.float32)], [np.array([team.rank, turn])])
            for turn in range(2)
        ]

    with ThreadPoolExecutor(3) as pool:
        for (sums, joined), (later, last) in pool.map(come, [leader, *others]):
            assert [part.tolist() for part in (*sums, *later)] == [[6, 6], [60, 60]]
            assert [part.tolist() for part in (*joined, *last)] == [[0, 0, 1, 0, 2, 0], [0, 1, 1, 1, 2, 1]]
            assert sums[0].dtype == np.float32


def follow(team: Team, work: float) -> None:
    import ray

    granted = ray.get_runtime_context().get_assigned_resources().get("CPU", 0)
    team.meet([np.array([work])], [np.array([granted, os.nice(0)])])


def lead_two(processors: int) -> list[float]:
    """What a follower of this process was sent, the processors it was granted, and how far it gives way to others."""

    def lead(team: Team) -> list[float]:
        (sent,), (found,) = team.meet([np.zeros(1)], [np.array([os.nice(0)])])
        mine, granted, its_own = found.tolist()
        return [*sent.tolist(), granted, its_own - mine]

    return workers.together(2, processors, lead, follow, lambda: 5.0, {})


def follow_at_last(team: Team, attempt: int) -> None:
    team.meet([np.zeros(1)])
    if attempt == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    if attempt == 2:
        raise ValueError("the disk is full\nin line 7")
    team.meet([np.full(1, attempt)])


@pytest.mark.needs("ray")
def test_work_begins_again_if_a_worker_is_lost(capsys: pytest.CaptureFixture[str]) -> None:
    attempts = iter([1, 2, 3])

    def lead(team: Team) -> float:
        team.meet([np.zeros(1)])
        (sum_of_both,), _ = team.meet([np.full(1, 10.0)])
        return float(sum_of_both[0])

    assert workers.together(2, 1, lead, follow_at_last, lambda: next(attempts), {}) == 13
    printed = capsys.readouterr().out.splitlines()  # Ray says something, too
    killed, failed = [line for line in printed if line.startswith("a worker")]
    assert killed.startswith("a worker was lost: its process died (")
    assert failed == "a worker was lost: the disk is full; going on from the last epoch"


@pytest.mark.needs("ray")
def test_a_mistake_of_the_one_who_leads_is_his_own() -> None:
    def lead(team: Team) -> None:
        raise UserError("the loss is not a number")

    with pytest.raises(UserError, match="the loss is not a number"):
        workers.together(2, 1, lead, follow, lambda: 0.0, {})


@pytest.mark.needs("ray")
def test_a_worker_has_processors_of_its_own_but_that_of_a_trial_shares_those_of_the_trial() -> None:
    with engines.started("ray"):
        import ray

        everything = ray.remote(num_cpus=ray.cluster_resources()["CPU"])(lead_two)
        assert ray.get(everything.remote(1), timeout=100) == [5, 0, 0]
    assert lead_two(1) == [5, 1, 0]
