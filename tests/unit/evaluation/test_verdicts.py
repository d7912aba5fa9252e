from typing import Any

import numpy as np
import pytest

from rnnlab.evaluation import verdicts
from rnnlab.evaluation.statistics import Components, Estimate
from rnnlab.evaluation.verdicts import Pair, Verdict
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR, Measure


def verdict(
    mean: float, error: float, *, p_value: float | None = None, seeds: int = 5, family: int = 1, **changes: Any
) -> Verdict:
    measure: Measure = changes.pop("measure", ACCURACY)
    difference = Estimate(mean, error, 10.0)
    components = Components(1.0, 1.0, 1.0, seeds, 1200, False)
    pair = Pair("lstm", "rnn", difference, components, changes.pop("margin", 0.01), measure)
    return Verdict(pair, difference.p_value() if p_value is None else p_value, family)


def test_an_ensemble_is_paired_with_the_mean_of_the_seeds_that_it_joins() -> None:
    generator = np.random.default_rng(11)
    seeds, joined, baseline = generator.random((6, 60)), generator.random((2, 60)), generator.random((1, 60))
    means = np.array([seeds[:3].mean(axis=0), seeds[3:].mean(axis=0)])

    def paired(*models: tuple[str, Any]) -> Pair:
        return verdicts.pair(*models, 0.01, ACCURACY, dependent=False)._replace(first="", second="")

    assert paired(("ensemble", joined), ("lstm", seeds)) == paired(("a", joined), ("b", means))
    assert paired(("lstm", seeds), ("ensemble", joined)) == paired(("a", means), ("b", joined))
    assert paired(("ensemble", joined), ("nbsvm", baseline)) == paired(("a", joined), ("b", baseline))
    # Of one ensemble of all seeds, there is no telling what other seeds would give.
    assert paired(("ensemble", joined[:1]), ("lstm", seeds)).components.seeds == 1


def test_a_difference_that_is_shown_names_the_better_model() -> None:
    assert verdict(0.05, 0.01).sentence == "lstm beats rnn by 5.0 points (95 % interval 2.8 to 7.2)"
    assert verdict(-0.05, 0.01).sentence == "rnn beats lstm by 5.0 points (95 % interval 2.8 to 7.2)"


def test_a_difference_that_is_not_shown_says_what_could_have_been_seen() -> None:
    # Ten degrees of freedom: (2.228 + 0.879) × 0.02 is 6.2 points.
    assert verdict(0.03, 0.02).sentence == (
        "not shown that lstm and rnn differ: 3.0 points (95 % interval -1.5 to 7.5); with these seeds and rows, a"
        " difference of less than 6.2 points would not have been seen"
    )


def test_a_difference_that_is_not_shown_has_the_sign_of_its_interval() -> None:
    assert verdict(-0.03, 0.02).claim == "not shown that lstm and rnn differ: -3.0 points (95 % interval -7.5 to 1.5)"


def test_a_difference_that_is_shown_but_does_not_matter_says_so() -> None:
    sentence = verdict(0.004, 0.001).sentence
    assert sentence == "lstm beats rnn by 0.4 points (95 % interval 0.2 to 0.6); less than the 1.0 points that matter"


def test_models_are_equal_only_where_the_interval_lies_within_the_margin() -> None:
    equal = verdict(0.002, 0.003)
    assert equal.equal
    assert equal.sentence == "lstm and rnn are equal within 1.0 points (95 % interval -0.5 to 0.9)"
    wider = verdict(0.002, 0.004)
    assert not wider.equal
    assert wider.sentence.startswith("not shown that lstm and rnn differ")


def test_one_seed_says_that_another_may_differ() -> None:
    assert verdict(0.05, 0.01, seeds=1).sentence.endswith("2.8 to 7.2); another seed may differ")


def test_two_seeds_are_too_few_unless_the_difference_is_overwhelming() -> None:
    generator = np.random.default_rng(2)
    others = 0.7 + generator.normal(0, [[0.01], [0.03]], (2, 1)) + generator.normal(0, 0.4, (2, 1200))
    close, far = (
        verdicts.judge([verdicts.pair(("a", others + lead), ("b", others[::-1]), 0.01, ACCURACY, dependent=False)])[0]
        for lead in (0.05, 2.0)
    )
    assert not close.shown
    assert "two seeds are too few to tell" in close.sentence
    assert far.shown


def test_a_pair_of_many_says_that_the_family_takes_its_difference_back() -> None:
    found = verdict(0.05, 0.02, p_value=0.2, family=8)
    assert "too little for one of 8 pairs (p = 0.2 after Holm's correction)" in found.sentence
    assert found.visible > verdict(0.05, 0.02).visible


def test_equal_scores_are_called_the_same() -> None:
    assert verdict(0.0, 0.0).sentence == "lstm and rnn score the same on every test row"


@pytest.mark.parametrize(
    ("mean", "error", "expected"),
    [
        (-0.0021, 0.0004, "lstm's mean squared error is 0.0021 lower than rnn's (95 % interval 0.0012 to 0.0030)"),
        (0.0021, 0.0004, "rnn's mean squared error is 0.0021 lower than lstm's (95 % interval 0.0012 to 0.0030)"),
        (
            0.0003,
            0.0004,
            "not shown that the mean squared errors of lstm and rnn differ: 0.00030 (95 % interval -0.00059 to 0.0012);"
            " with these seeds and rows, a difference of less than 0.0012 would not have been seen",
        ),
        (
            0.0003,
            0.00001,
            "rnn's mean squared error is 0.00030 lower than lstm's (95 % interval 0.00028 to 0.00032);"
            " less than the 0.00050 that matter",
        ),
    ],
)
def test_sentences_on_squared_error(mean: float, error: float, expected: str) -> None:
    assert verdict(mean, error, measure=MEAN_SQUARED_ERROR, margin=0.0005).sentence == expected


def test_a_margin_of_an_error_is_a_share_of_the_rivals() -> None:
    scores = [("a", np.array([[0.1, 0.3], [0.2, 0.2]])), ("b", np.array([[0.4, 0.6]]))]
    assert verdicts.pair(*scores, 0.01, MEAN_SQUARED_ERROR, dependent=True).margin == pytest.approx(0.005)
    assert verdicts.pair(*scores, 0.01, ACCURACY, dependent=False).margin == 0.01


def test_the_pairs_of_a_table_are_judged_together() -> None:
    generator = np.random.default_rng(1)
    base = generator.normal(0, 1, (5, 200))
    slightly = base + 0.012 + generator.normal(0, 0.05, (5, 200))
    pair = verdicts.pair(("a", slightly), ("b", base), 0.001, ACCURACY, dependent=False)
    [alone] = verdicts.judge([pair])
    family = verdicts.judge([pair, *[verdicts.pair(("c", base), ("d", base), 0.001, ACCURACY, dependent=False)] * 9])
    assert family[0].p_value == pytest.approx(min(1.0, 10 * alone.p_value))
    assert [each.family for each in family] == [10] * 10


def test_a_file_gets_everything_without_undefined_numbers() -> None:
    facts = verdict(0.0, 0.0).facts()
    assert facts["p_value"] == 1.0
    assert (facts["shown"], facts["equal"]) == (False, True)
    assert facts["difference"] == {"mean": 0.0, "low": 0.0, "high": 0.0}
    assert facts["components"]["seeds"] == 5
