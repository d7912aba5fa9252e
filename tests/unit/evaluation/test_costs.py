import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from rnnlab.evaluation import costs
from rnnlab.evaluation.costs import Cost
from rnnlab.project.files import write_json
from rnnlab.project.params import Params, Run
from tests.support.results import SERIES, changed


def test_costs_are_of_an_epoch_and_of_a_training(settings: Params) -> None:
    timings = {
        Run("rnn", 1): {"epoch_seconds": [5.0, 1.0, 1.0]},
        Run("rnn", 2): {"epoch_seconds": [2.0, 3.0]},
        Run("lstm", 1): None,
    }
    found = costs.costs(settings, timings, {"tfidf": 1.5, "no_longer_asked_for": 2.0})
    assert found == {"tfidf": Cost(None, 1.5), "rnn": Cost(2.0, pytest.approx(6.0))}


def test_costs_are_read_from_what_the_stages_wrote(settings: Params, tmp_path: Path) -> None:
    three = changed(settings, train__seeds=[1, 2, 3])
    for run in three.runs:
        write_json(tmp_path / f"{run.name}.json", {"epoch_seconds": [run.seed, run.seed]})
    assert costs.read_costs(three, tmp_path) == {name: Cost(2.0, 4.0) for name in settings.compare}
    write_json(tmp_path / "baselines.json", {"nbsvm": 0.25})
    assert costs.read_costs(three, tmp_path)["nbsvm"] == Cost(None, 0.25)


def test_models_come_in_the_order_of_the_parameters(settings: Params) -> None:
    metrics = {name: name.upper() for name in sorted(settings.scored)}
    assert list(costs.in_order(settings, metrics)) == ["rnn", "lstm", "majority", "tfidf", "nbsvm"]


def histories(column: str, curves: Mapping[Run, Sequence[float]]) -> pd.DataFrame:
    return pd.concat(pd.DataFrame({"model": run.model, "seed": run.seed, column: curves[run]}) for run in curves)


CURVES = {
    Run("rnn", 1): (0.5, 0.6, 0.55),
    Run("rnn", 2): (0.7, 0.8),
    Run("rnn", 3): (0.5, 0.5, 0.5),
    Run("lstm", 1): (0.5, 0.59, 0.9, 0.95),
    Run("lstm", 2): (0.6, 0.9),
    Run("lstm", 3): (0.61, 0.95),
}


def test_networks_race_to_what_the_median_training_of_the_weakest_reaches(settings: Params) -> None:
    three = changed(settings, compare=["rnn", "lstm"], train__seeds=[1, 2, 3])
    timings = {run: {"epoch_seconds": [5.0, 2.0, 2.0, 2.0]} for run in CURVES}
    found = costs.race(three, histories("val_accuracy", CURVES), timings)
    assert found.target == 0.6
    assert found.seconds == {"rnn": [7.0, 5.0, math.inf], "lstm": [9.0, 5.0, 5.0]}
    lost = costs.race(three, histories("val_accuracy", CURVES), {**timings, Run("rnn", 2): None})
    assert (lost.target, list(lost.seconds)) == (0.6, ["lstm"])


def test_networks_for_a_series_race_to_a_loss(settings: Params) -> None:
    losses = {Run("rnn", 1): (0.9, 0.4, 0.5), Run("lstm", 1): (0.5, 0.3, 0.1)}
    series = changed(settings, **SERIES, compare=["rnn", "lstm"], train__seeds=[1])
    found = costs.race(
        series, histories("val_loss", losses), {run: {"epoch_seconds": [1.0, 2.0, 3.0]} for run in losses}
    )
    assert found == costs.Race(0.4, {"rnn": [3.0], "lstm": [3.0]})
