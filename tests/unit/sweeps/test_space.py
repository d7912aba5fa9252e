"""What a search draws, and what it refuses to draw from."""

import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed as with_changes
from rnnlab.project.params import Params
from rnnlab.sweeps import space
from rnnlab.sweeps.space import Draws
from tests.support.results import SERIES, changed

SPACE = {
    "learning_rate": {"low": 0.001, "high": 0.1, "log": True},
    "units": {"low": 4, "high": 9},
    "pooling": ["last", "mean"],
}


def of_space(settings: Params, **options: Any) -> Params:
    return changed(settings, **{"tune.space": options or SPACE})


def drawn(settings: Params, count: int, sampler: space.Sampler = "random") -> list[dict[str, Any]]:
    draws = Draws(settings.tune.space, sampler, 1, lower_is_better=False)
    return [draws.ask()[1] for _ in range(count)]


def test_draws_are_of_the_space(settings: Params) -> None:
    options = drawn(of_space(settings), 100)
    assert {each["units"] for each in options} == {4, 5, 6, 7, 8, 9}
    assert {each["pooling"] for each in options} == {"last", "mean"}
    rates = [each["learning_rate"] for each in options]
    assert all(0.001 <= rate <= 0.1 for rate in rates)
    assert 30 < sum(rate < 0.01 for rate in rates) < 70  # half of a logarithmic scale


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_the_same_search_draws_the_same(settings: Params, sampler: space.Sampler) -> None:
    first, again = (drawn(of_space(settings), 12, sampler) for _ in range(2))
    assert first == again
    assert len({each["learning_rate"] for each in first}) == 12


def test_nothing_is_said_while_options_are_drawn() -> None:
    code = "from rnnlab.sweeps.space import Draws; Draws({'units': [1, 2]}, 'random', 1, lower_is_better=True).ask()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_tpe_learns_from_scores(settings: Params) -> None:
    options = of_space(settings, units={"low": 1, "high": 1000}).tune.space
    draws, distances = Draws(options, "tpe", 1, lower_is_better=True), []
    for _ in range(60):
        trial, found = draws.ask()
        distances.append(abs(found["units"] - 300))
        draws.tell(trial, distances[-1])
    assert median(distances[-20:]) < median(distances[:20]) / 2


def test_options_are_changes_of_a_model_or_its_training(settings: Params) -> None:
    changes = space.changes("gru", {"units": 7, "learning_rate": 0.5, "clip_norm": None})
    assert changes == {
        "models.gru.units": 7,
        "models.gru.train.learning_rate": 0.5,
        "models.gru.train.clip_norm": None,
    }
    ours = with_changes(settings, changes, Path("x"))
    assert (ours.models["gru"].units, ours.training_of("gru").learning_rate) == (7, 0.5)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a rate of nothing": ({"learning_rate": {"low": 0.0, "high": 1.0}}, "learning_rate: must be greater than 0, not 0"),
    "half a unit": ({"units": {"low": 1.5, "high": 4}}, "tune.space.units: must be whole numbers, not 1.5 and 4"),
    "a pooling there is not": ({"pooling": ["last", "sum"]}, "models.rnn.pooling: must be 'last', 'mean'"),
    "an output of the other task": (
        {"output": ["linear"]},
        "models.rnn.output: the text task needs auto or sigmoid or",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_a_model_cannot_have_is_refused(settings: Params, name: str) -> None:
    options, sentence = WRONG[name]
    with pytest.raises(UserError) as mistake:
        space.check(of_space(settings, **options))
    assert str(mistake.value).startswith("params.yaml: tune.space.") and sentence in str(mistake.value)


def test_what_the_task_cannot_have_is_refused(settings: Params) -> None:
    series = changed(settings, **SERIES, **{"tune.space": {"pooling": ["last", "mean"]}})
    with pytest.raises(UserError, match=r"tune\.space\.pooling: models\.rnn\.pooling: the series task predicts"):
        space.check(series)
    space.check(of_space(settings))
