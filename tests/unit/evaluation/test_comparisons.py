from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.evaluation import comparisons
from rnnlab.project.params import NO_SEED, Params, parse

RIGHT = {  # of six rows with the labels 1 0 1 0 1 0
    ("rnn", 1): [1, 0, 0, 1, 1, 1],
    ("rnn", 2): [1, 0, 1, 1, 0, 0],
    ("lstm", 1): [1, 1, 1, 1, 1, 1],
    ("lstm", 2): [1, 1, 1, 1, 1, 0],
    ("majority", NO_SEED): [1, 0, 1, 0, 1, 0],
    ("tfidf", NO_SEED): [1, 1, 1, 1, 0, 0],
}


def chosen(settings: Params, **changes: Any) -> Params:
    values = settings.model_dump(by_alias=True) | {"baselines": ["majority", "tfidf"]} | changes
    values["train"] = {**values["train"], "seeds": changes.pop("seeds", [1, 2])}
    values.pop("seeds", None)
    return parse(values)


def predictions() -> pd.DataFrame:
    labels = np.array([1, 0, 1, 0, 1, 0])
    tables = [
        pd.DataFrame(
            {
                "label": labels,
                "model": model,
                "seed": seed,
                "probability": np.where(right, labels, 1 - labels) * 0.8 + 0.1,
            }
        )
        for (model, seed), right in RIGHT.items()
    ]
    return pd.concat(tables, ignore_index=True)


def pair(comparison: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    return next(each for each in comparison["pairs"] if (each["first"], each["second"]) == (first, second))


def test_scores_are_right_or_wrong_by_seed_and_row(settings: Params) -> None:
    scores = comparisons.scores_by_model(chosen(settings), predictions())
    assert scores["rnn"].tolist() == [RIGHT["rnn", 1], RIGHT["rnn", 2]]
    assert scores["tfidf"].tolist() == [RIGHT["tfidf", NO_SEED]]


def test_every_pair_but_two_baselines_is_compared(settings: Params) -> None:
    options = chosen(settings)
    comparison = comparisons.compare(options, comparisons.scores_by_model(options, predictions()))
    pairs = {(each["first"], each["second"]) for each in comparison["pairs"]}
    assert pairs == {("lstm", "rnn"), ("rnn", "majority"), ("rnn", "tfidf"), ("lstm", "majority"), ("lstm", "tfidf")}
    assert set(comparison["intervals"]) == {"rnn", "lstm", "majority", "tfidf"}
    assert comparison["over"] == "rows_and_seeds"


def test_a_pair_has_difference_seeds_and_an_exact_test_a_seed(settings: Params) -> None:
    options = chosen(settings)
    comparison = comparisons.compare(options, comparisons.scores_by_model(options, predictions()))
    found = pair(comparison, "lstm", "rnn")
    assert found["difference"]["mean"] == pytest.approx(11 / 12 - 7 / 12)
    assert found["difference"]["low"] <= found["difference"]["mean"] <= found["difference"]["high"]
    assert found["won"] == [2, 2]
    # Seed 1: two rows that the LSTM alone got right, (1/2)^2 twice; seed 2: two as well.
    assert found["mcnemar"]["1"] == {"only_first": 2, "only_second": 0, "p_value": pytest.approx(0.5)}
    assert found["mcnemar"]["2"] == {"only_first": 2, "only_second": 0, "p_value": pytest.approx(0.5)}
    assert pair(comparison, "rnn", "tfidf")["mcnemar"]["1"]["only_first"] == 2


def test_one_seed_gives_intervals_over_rows(settings: Params) -> None:
    options = chosen(settings, seeds=[1])
    comparison = comparisons.compare(options, comparisons.scores_by_model(options, predictions()))
    assert comparison["over"] == "rows"
    assert "seed" not in pair(comparison, "lstm", "rnn")["sentence"]


def test_intervals_over_rows_alone_leave_the_seeds_out(settings: Params) -> None:
    options = chosen(settings, intervals={"seed": 42, "over": "rows", "resamples": 500})
    scores = {name: np.tile([[1.0], [0.0]], 400) for name in ("rnn", "lstm")}  # seeds differ, rows do not
    scores |= {name: np.ones((1, 400)) for name in ("majority", "tfidf")}
    found = comparisons.compare(options, scores)["intervals"]["rnn"]
    assert (found["low"], found["high"]) == (0.5, 0.5)
    both = comparisons.compare(chosen(settings), scores)["intervals"]["rnn"]
    assert (both["low"], both["high"]) == (0.0, 1.0)


def test_a_series_is_compared_by_squared_errors_without_a_test_of_right_and_wrong(settings: Params) -> None:
    models = {
        name: model.model_copy(update={"output": "linear"}).model_dump() for name, model in settings.models.items()
    }
    split = settings.split.model_copy(update={"method": "chronological"}).model_dump()
    options = chosen(settings, task="series", models=models, split=split, baselines=["last_value"])
    target = np.zeros(4)
    errors = {("rnn", 1): 0.2, ("rnn", 2): 0.4, ("lstm", 1): 0.1, ("lstm", 2): 0.1, ("last_value", NO_SEED): 1.0}
    tables = [
        pd.DataFrame({"target": target, "predicted": error, "model": name, "seed": seed})
        for (name, seed), error in errors.items()
    ]
    comparison = comparisons.compare(options, comparisons.scores_by_model(options, pd.concat(tables)))
    assert comparison["measure"] == "mse"
    assert comparison["intervals"]["rnn"]["mean"] == pytest.approx((0.04 + 0.16) / 2)
    found = pair(comparison, "lstm", "rnn")
    assert found["won"] == [2, 2]
    assert "mcnemar" not in found
    assert found["sentence"].startswith("lstm's mean squared error is 0.0900 lower than rnn's")


def test_people_read_intervals_and_sentences(settings: Params) -> None:
    options = chosen(settings)
    page = comparisons.markdown(comparisons.compare(options, comparisons.scores_by_model(options, predictions())))
    assert "| rnn " in page and "58.33 % (" in page
    assert "- No clear difference between rnn and majority: 8.3 points (95 % interval " in page
    assert "); McNemar's exact test: p ≤ 0.500 in every seed.\n" in page
