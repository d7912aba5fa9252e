"""A comparison in a dozen numbers."""

from collections.abc import Mapping
from typing import Any

import pytest

from rnnlab.evaluation.glance import MOST, at_a_glance

SCORES = {"rnn": 0.83433333, "lstm": 0.97466667, "majority": 0.5025, "nbsvm": 0.81166667, "tfidf": 0.78916667}
BASELINES = ("majority", "tfidf", "nbsvm")


def compared(scores: Mapping[str, float], pairs: Any = (), measure: str = "accuracy", **reasons: Any) -> dict[str, Any]:
    """What of a comparison is looked at; pairs are named (first, second)."""
    return {
        "measure": measure,
        "intervals": {name: {"mean": mean, "low": 0.0, "high": 1.0} for name, mean in scores.items()},
        "convergence": {name: {"seeds": 5, "reasons": found} for name, found in reasons.items()},
        "pairs": [
            {
                "first": first,
                "second": second,
                "difference": {"mean": scores[first] - scores[second], "low": 0.0452854, "high": 0.2353812},
            }
            for first, second in pairs
        ],
    }


def test_two_networks_have_their_scores_their_difference_and_the_best_baseline() -> None:
    pairs = (("lstm", "rnn"), ("rnn", "nbsvm"), ("lstm", "nbsvm"))
    told = compared(SCORES, pairs, lstm={}, rnn={"1": "plateau", "2": "plateau"})
    assert at_a_glance(told, ["rnn", "lstm"], BASELINES) == {
        "rnn": 0.8343,
        "lstm": 0.9747,
        "nbsvm": 0.8117,
        "diff": 0.1403,
        "low": 0.0453,
        "high": 0.2354,
        "unsettled": 2,
    }


def test_a_single_network_is_set_against_the_best_baseline() -> None:
    scores = {name: score for name, score in SCORES.items() if name != "rnn"}
    told = compared(scores, [("lstm", "tfidf"), ("lstm", "nbsvm")], lstm={})
    assert at_a_glance(told, ["lstm"], BASELINES)["diff"] == pytest.approx(0.163)
    assert at_a_glance(compared({"lstm": 0.9}, lstm={}), ["lstm"], []) == {"lstm": 0.9, "unsettled": 0}


def test_of_many_models_the_compared_pair_stays_and_the_best_of_the_others() -> None:
    networks = [f"net{number}" for number in range(15)]
    scores = {**{name: 0.5 + number / 100 for number, name in enumerate(networks)}, "ensemble": 0.99, "nbsvm": 0.4}
    told = at_a_glance(compared(scores, [("net14", "net0")]), networks, ["nbsvm"])
    assert len(told) == MOST
    assert list(told)[:8] == ["net0", "net14", "nbsvm", "ensemble", "net13", "net12", "net11", "net10"]


def test_an_error_is_best_where_it_is_lowest_and_keeps_its_digits_in_any_unit() -> None:
    scores = {"rnn": 0.000026134, "lstm": 0.000024999, "last_value": 3.0, "linear": 1234.5678}
    told = at_a_glance(compared(scores, [("lstm", "rnn")], "mse"), ["rnn", "lstm"], ["linear", "last_value"])
    assert told["rnn"] == 0.00002613
    assert told["last_value"] == 3.0 and "linear" not in told


def test_a_model_named_like_one_of_the_numbers_hides_none() -> None:
    told = at_a_glance(compared({"low": 0.7, "high": 0.8}, [("high", "low")]), ["low", "high"], [])
    assert told["low_score"] == 0.7 and told["high_score"] == 0.8
    assert told["low"] == 0.0453 and told["high"] == 0.2354
