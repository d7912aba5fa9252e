"""Trials of a search that stops some of them, in this process, with a Ray that answers at once."""

from types import SimpleNamespace
from typing import Any

import pytest

from rnnlab.project.params import Params, Run
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial, stopped
from tests.support.results import changed
from tests.unit.sweeps.test_running import SMALL, rows

pytestmark = pytest.mark.needs("ray")
TUNED = SimpleNamespace(config={"trial": 0}, get_error=lambda: RuntimeError("gone"))  # a trial, as Ray Tune has it


class Actor:
    """An object whose methods are called as those of an actor."""

    def __init__(self, own: object) -> None:
        self._own = own

    def __getattr__(self, name: str) -> SimpleNamespace:
        return SimpleNamespace(remote=getattr(self._own, name))


class Search:
    """One trial of a search; ``ended`` has what the sweep is told of it."""

    def __init__(self, settings: Params) -> None:
        from rnnlab.sweeps import ray_search

        self.trial = Trial("key", Run("lstm", 1), changed(settings, **SMALL))
        self.ended: list[Result] = []
        self.keeper = Actor(ray_search._Keeper())
        self.listener = ray_search._Listener(self.keeper, [self.trial], lambda trial, result: self.ended.append(result))
        self.run = ray_search.run_watched

    def report(self, told: dict[str, Any]) -> None:
        self.listener.on_trial_result(0, [], TUNED, told)

    def train(self, known: dict[str, Outcome]) -> None:
        data = Data(rows("text", 20, 1), rows("text", 10, 2), rows("text", 10, 3), 6)
        self.run({"trial": 0}, [self.trial], data, known, self.keeper)


@pytest.fixture
def search(settings: Params, monkeypatch: pytest.MonkeyPatch) -> Search:
    import ray
    from ray import tune

    made = Search(settings)
    monkeypatch.setattr(ray, "get", lambda answer: answer)
    monkeypatch.setattr(tune, "report", made.report)
    return made


def test_a_trial_that_comes_to_its_end_is_told_with_its_network(search: Search) -> None:
    search.train({})
    search.listener.on_trial_complete(0, [], TUNED)
    [(outcome, network)] = search.ended
    assert [row["epoch"] for row in outcome.history] == [1, 2] and not outcome.stopped
    assert outcome.test["accuracy"] >= 0 and network.startswith(b"PK")


def test_of_a_trial_that_was_stopped_the_epochs_are_told(search: Search) -> None:
    history = [{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.75}]
    for row in (history[1], *history):  # as after a restart
        search.report({"epoch": row["epoch"], "row": row})
    search.listener.on_trial_complete(0, [], TUNED)
    assert search.ended == [(stopped(history), b"")]


def test_a_trial_that_is_known_is_reported_again_and_not_trained(search: Search) -> None:
    known = Outcome([{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.25}], 2, {}, 7, "")
    search.train({"key": known})
    search.listener.on_trial_complete(0, [], TUNED)
    assert search.ended == [(stopped(known.history[:1]), b"")]  # the last epoch has nothing to stop


def test_of_a_trial_that_failed_the_reason_is_told(search: Search) -> None:
    search.listener.on_trial_error(0, [], TUNED)
    assert search.ended == ["its process died (gone)"]
