from pathlib import Path

import pytest

from rnnlab.evaluation import costs
from rnnlab.evaluation.costs import Cost
from rnnlab.project.files import write_json
from rnnlab.project.params import Params, Run


def test_costs_are_of_an_epoch_and_of_a_training(settings: Params) -> None:
    timings = {
        Run("rnn", 1): {"epoch_seconds": [5.0, 1.0, 1.0]},
        Run("rnn", 2): {"epoch_seconds": [2.0, 3.0]},
        Run("lstm", 1): None,
    }
    found = costs.costs(settings, timings, {"tfidf": 1.5, "no_longer_asked_for": 2.0})
    assert found == {"tfidf": Cost(None, 1.5), "rnn": Cost(2.0, pytest.approx(6.0))}


def test_costs_are_read_from_what_the_stages_wrote(settings: Params, tmp_path: Path) -> None:
    for run in settings.runs:
        write_json(tmp_path / f"{run.name}.json", {"epoch_seconds": [run.seed, run.seed]})
    assert costs.read_costs(settings, tmp_path) == {name: Cost(2.0, 4.0) for name in settings.compare}
    write_json(tmp_path / "baselines.json", {"nbsvm": 0.25})
    assert costs.read_costs(settings, tmp_path)["nbsvm"] == Cost(None, 0.25)


def test_models_come_in_the_order_of_the_parameters(settings: Params) -> None:
    metrics = {name: name.upper() for name in sorted(settings.scored)}
    assert list(costs.in_order(settings, metrics)) == ["rnn", "lstm", "majority", "tfidf", "nbsvm"]
