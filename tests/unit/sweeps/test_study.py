"""A study: the same trials however it is stopped, poor trainings held to medians, the best one first."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from rnnlab.project.params import Params
from rnnlab.sweeps import study
from rnnlab.sweeps.study import Study, Tried
from rnnlab.sweeps.trials import Data, Limits, Outcome, Trial, kept_scores
from tests.support.results import changed

ROWS = np.zeros((4, 3), np.int32), np.zeros((4, 1), np.float32)
DATA = Data(ROWS, ROWS, ROWS, 9)


def epochs(*scores: float) -> list[dict[str, float]]:
    """A history whose validation loss falls where its score rises."""
    return [
        {"epoch": number, "loss": 1.0, "val_loss": 1 - score, "accuracy": score, "val_accuracy": score}
        for number, score in enumerate(scores, start=1)
    ]


def outcome(*scores: float, **changes: Any) -> Outcome:
    best = int(np.argmax(scores)) + 1
    return Outcome(epochs(*scores), best, {}, changes.pop("parameters", 10), "", **changes)


class Machine:
    """Scores a training by its learning rate, and counts."""

    def __init__(self) -> None:
        self.seen: list[Trial] = []

    def train(self, planned: Sequence[Trial]) -> Mapping[str, Outcome]:
        self.seen += planned
        return {trial.key: outcome(0.5, 1 - trial.training.learning_rate) for trial in planned}


def searched(settings: Params, trials: int) -> tuple[Study, Machine]:
    made, machine = Study(settings, "random", DATA), Machine()
    for count in study.rounds(trials):
        made.round(count, machine.train)
    return made, machine


def test_every_model_gets_the_same_number_of_trials_and_seeds(settings: Params) -> None:
    made, machine = searched(settings, 7)
    assert len(made) == 7
    assert {name: len(tried) for name, tried in made.tried.items()} == {"rnn": 7, "lstm": 7}
    assert [tried.number for tried in made.tried["rnn"]] == [1, 2, 3, 4, 5, 6, 7]
    seeds = {(trial.run.model, trial.run.seed) for trial in machine.seen}
    assert seeds == {(model, seed) for model in ("rnn", "lstm") for seed in settings.tune.seeds}
    assert len(machine.seen) == len({trial.key for trial in machine.seen}) == 7 * 2 * 2


def test_both_models_try_the_same_options(settings: Params) -> None:
    made, _ = searched(settings, 6)
    rnn, lstm = ([dict(tried.options) for tried in made.tried[model]] for model in ("rnn", "lstm"))
    assert rnn == lstm and len({str(options) for options in rnn}) == 6


def test_a_longer_study_begins_with_the_shorter_one(settings: Params) -> None:
    short, long = (searched(settings, trials)[0] for trials in (5, 12))
    assert short.key == long.key
    assert long.tried["lstm"][:5] == short.tried["lstm"]


@pytest.mark.parametrize("key", ["tune.seeds", "models.lstm.layers", "train.epochs"])
def test_other_options_are_another_study(settings: Params, key: str) -> None:
    others = {"tune.seeds": [7, 8], "models.lstm.layers": 2, "train.epochs": 3}
    assert Study(changed(settings, **{key: others[key]}), "random", DATA).key != Study(settings, "random", DATA).key
    drawn = changed(settings, **{"models.lstm.units": 5, "models.rnn.train": {"learning_rate": 0.5}})
    assert Study(drawn, "random", DATA).key == Study(settings, "random", DATA).key  # the space has them
    assert Study(settings, "tpe", DATA).key != Study(settings, "random", DATA).key


def test_test_rows_are_no_part_of_a_study(settings: Params) -> None:
    other = DATA._replace(test=(ROWS[0] + 1, ROWS[1]))
    assert Study(settings, "random", other).key == Study(settings, "random", DATA).key
    trained = DATA._replace(train=(ROWS[0] + 1, ROWS[1]))
    assert Study(settings, "random", trained).key != Study(settings, "random", DATA).key


def test_the_first_round_has_no_limits_and_later_ones_have_those_of_their_own_model(settings: Params) -> None:
    _, machine = searched(settings, 10)
    first, second = machine.seen[:20], machine.seen[20:]
    assert not any(trial.limits.scores for trial in first)
    for model in ("rnn", "lstm"):
        scores = [1 - trial.training.learning_rate for trial in first if trial.run.model == model]
        [limits] = {trial.limits for trial in second if trial.run.model == model}
        assert limits.scores == (0.5, pytest.approx(np.median(scores)))
        assert limits.grace == round(settings.training_of(model).epochs / 3)


def test_limits_are_medians_of_what_would_have_been_kept() -> None:
    assert kept_scores(epochs(0.5, 0.7, 0.6), "val_accuracy") == [0.5, 0.7, 0.7]
    assert study.medians([[0.5, 0.7], [0.6], [0.1, 0.2, 0.9]]) == (0.5, 0.6, 0.7)
    assert study.medians([[], []]) == ()


def test_a_training_does_poorly_below_its_limit_after_its_grace() -> None:
    limits = Limits("val_accuracy", False, 2, (0.6, 0.7, 0.8))
    assert not limits.exceeded(epochs(0.1))
    assert limits.exceeded(epochs(0.1, 0.69))
    assert not limits.exceeded(epochs(0.1, 0.7))  # as good as the median is not poor
    assert not limits.exceeded(epochs(0.9, 0.1))  # what was kept counts
    assert limits.exceeded(epochs(0.1, 0.2, 0.3, 0.79))  # after the last limit, that one counts
    assert not Limits().exceeded(epochs(0.0))
    losses = Limits("val_loss", True, 1, (0.5,))
    assert losses.exceeded(epochs(0.4)) and not losses.exceeded(epochs(0.6))


def test_the_best_is_first_and_of_equals_the_cheaper(settings: Params) -> None:
    made = Study(settings, "random", DATA)
    column = "val_accuracy"
    made.tried["rnn"] = [
        Tried("rnn", 1, {}, [outcome(0.7), outcome(0.8)], column),
        Tried("rnn", 2, {}, [outcome(0.9, parameters=50)], column),
        Tried("rnn", 3, {}, [outcome(0.9)], column),
        Tried("rnn", 4, {}, [outcome(0.95), outcome(0.5, diverged=True)], column),
        Tried("rnn", 5, {}, [outcome(0.9)], column),
    ]
    assert [tried.number for tried in made.ranked("rnn")] == [3, 5, 2, 1]
    assert made.ranked("rnn")[-1].score == pytest.approx(0.75)
