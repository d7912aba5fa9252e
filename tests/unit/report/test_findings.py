from typing import Any

import pytest

from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments import gains
from rnnlab.experiments.catalogue import Setup
from rnnlab.experiments.gains import Gain
from rnnlab.project.params import Run
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from rnnlab.report import findings
from tests.support.builders import history, named, result, summary


def change(mean: float, low: float, high: float) -> Gain:
    return Gain(Interval(mean, low, high), (2, 2), ACCURACY, 10, 10)


def test_a_gain_names_the_rows_it_is_over_unless_they_are_all() -> None:
    found = Gain(Interval(-3.0, -3.0, -3.0), (2, 2), MEAN_SQUARED_ERROR, 9, 9)
    sentence = (
        "new's mean squared error is 3.0000 lower than old's (95 % interval 3.0000 to 3.0000); it won with every seed"
    )
    assert gains.gain_sentence("new", "old", found) == sentence
    fewer = gains.gain_sentence("new", "old", found._replace(rows=2))
    assert fewer == f"{sentence}; over the 2 test rows that both have"


def test_the_first_finding_is_the_gain() -> None:
    child = named("child", "root")
    [setup] = child.setups
    gains = {("child", "rnn"): change(0.75, 0.7, 0.8), ("other", "rnn"): change(0.1, 0.1, 0.1)}
    [first] = findings.all_findings(child, setup, result(), gains)
    assert first.startswith("child beats root by 75.0 points (95 % interval 70.0 to 80.0)")
    same = {("child", "rnn"): change(0.0, 0.0, 0.0)}
    assert findings.all_findings(child, setup, result(), same) == []
    [lonely] = findings.all_findings(child, setup, result(), {})
    assert lonely == "no comparison with root: it was not run, or DVC's cache has lost predictions"


def test_causes_are_ranked_by_a_gain_that_is_clear() -> None:
    family = [named("root"), *(named(name, "root") for name in ("clip", "mask", "pre", "late")), named("other", "x")]
    gains = {
        ("clip", "rnn"): change(0.004, -0.008, 0.017),
        ("pre", "rnn"): change(0.25, 0.24, 0.26),
        ("mask", "rnn"): change(0.273, 0.261, 0.285),
        ("other", "rnn"): change(0.9, 0.9, 0.9),
    }
    assert findings.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: mask (+27.3 points, interval +26.1 to +28.5), "
        "pre (+25.0 points, interval +24.0 to +26.0); "
        "without a clear gain: clip (+0.4 points, interval -0.8 to +1.7); not compared yet: late"
    ]


def test_no_cause_is_named_without_a_clear_gain() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {("a", "rnn"): change(-0.2, -0.3, -0.1), ("b", "rnn"): change(0.0, -0.1, 0.1)}
    assert findings.causes(family[0], family, gains) == [
        "No change to root has a clear gain: b (+0.0 points, interval -10.0 to +10.0), "
        "a (-20.0 points, interval -30.0 to -10.0)"
    ]
    assert findings.causes(family[0], family, {}) == []
    assert findings.causes(family[1], family, gains) == []


def test_causes_in_a_series_are_smaller_errors() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {
        ("a", "rnn"): Gain(Interval(-0.1, -0.2, -0.05), (2, 2), MEAN_SQUARED_ERROR, 5, 5),
        ("b", "rnn"): Gain(Interval(-0.3, -0.4, -0.2), (2, 2), MEAN_SQUARED_ERROR, 5, 5),
    }
    assert findings.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: b (-0.3000, interval -0.4000 to -0.2000), "
        "a (-0.1000, interval -0.2000 to -0.0500)"
    ]


@pytest.mark.parametrize(
    ("original", "place"),
    [(0.6815, "within"), (0.65, "1.0 points below"), (0.70, "2.0 points above"), (0.66, "within"), (0.68, "within")],
)
def test_an_original_is_inside_or_outside_of_our_interval(original: float, place: str) -> None:
    ends = Interval(0.67, 0.66, 0.68 if original != 0.6815 else 0.69)
    found = findings.inside_sentence("rnn", original, ends, ACCURACY)
    assert found == (
        f"rnn's accuracy was {100 * original:.1f} % in the original, {place} our interval of "
        f"66.0 % to {100 * ends.high:.1f} %"
    )


def test_an_original_error_is_told_in_its_own_unit() -> None:
    assert findings.inside_sentence("rnn", 0.02, Interval(0.015, 0.014, 0.016), MEAN_SQUARED_ERROR) == (
        "rnn's mean squared error was 0.0200 in the original, 0.0040 above our interval of 0.0140 to 0.0160"
    )


@pytest.mark.parametrize(
    ("keep", "validation", "training"),
    [("best", [0.010, 0.012], [0.005, 0.006]), ("last", [0.02, 0.012], [0.01, 0.006])],
)
def test_losses_are_those_of_the_epoch_that_was_kept(keep: str, validation: list[float], training: list[float]) -> None:
    histories = {
        Run("rnn", 1): history(0.03, 0.01, 0.02),
        Run("rnn", 2): history(0.04, 0.012),
        Run("lstm", 1): history(9),
    }
    ours = result(values={"train": {"seeds": [1, 2], "keep": keep}}, histories=histories)
    assert findings.seed_values(ours, "rnn", "validation_loss") == pytest.approx(validation)
    assert findings.seed_values(ours, "rnn", "training_loss") == pytest.approx(training)


def test_every_figure_of_the_original_is_compared() -> None:
    ours = result(
        histories={Run("rnn", 1): history(0.014), Run("rnn", 2): history(0.016)},
        comparison={"intervals": {"rnn": {"mean": 0.65, "low": 0.6, "high": 0.7}}},
    )
    originals = {"accuracy": 0.8, "log_loss": 0.5, "validation_loss": 0.0153, "mse": 1.0}
    assert findings.original_sentences("rnn", originals, ours) == [
        "rnn's accuracy was 80.0 % in the original, 10.0 points above our interval of 60.0 % to 70.0 %",
        "rnn's log loss was 0.5 in the original and is 0.2500 ± 0.0000 here, 0.2500 lower",
        "rnn's validation loss was 0.0153 in the original and is 0.0150 ± 0.0014 here, 0.0003 lower",
    ]
    without = findings.original_sentences("rnn", {"accuracy": 0.6}, result())
    assert without == ["rnn's accuracy was 0.6 in the original and is 0.6500 ± 0.0707 here, 0.0500 higher"]


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (0.872, "rnn reaches the required 85.0 %: 87.2 %, 2.2 points more"),
        (0.85, "rnn reaches the required 85.0 %: 85.0 %, 0.0 points more"),
        (0.84, "rnn misses the required 85.0 %: 84.0 %, 1.0 points less"),
    ],
)
def test_an_accuracy_that_is_asked_for_is_reached_or_missed(mean: float, verdict: str) -> None:
    assert findings.least_sentence("rnn", 0.85, mean) == verdict


def pairs(*names: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"first": first, "second": second, "sentence": f"{first} or {second}"} for first, second in names]


EVERY_PAIR = pairs(("tfidf", "rnn"), ("lstm", "rnn"), ("nbsvm", "rnn"), ("nbsvm", "lstm"), ("tfidf", "lstm"))


def test_networks_are_compared_with_each_other_then_with_the_best_baseline() -> None:
    ends = {"rnn": {"mean": 0.7}, "lstm": {"mean": 0.8}, "tfidf": {"mean": 0.85}, "nbsvm": {"mean": 0.86}}
    ours = result(
        values={"compare": ["rnn", "lstm"], "baselines": ["tfidf", "nbsvm"]},
        metrics=dict.fromkeys(ends, summary(0.5, 0.6)),
        comparison={"intervals": ends, "pairs": EVERY_PAIR},
    )
    assert findings.pair_sentences(ours) == ["lstm or rnn", "nbsvm or rnn", "nbsvm or lstm"]
    assert findings.pair_sentences(result()) == []


def test_a_series_is_compared_with_every_baseline() -> None:
    ours = result(
        values={"task": "series", "baselines": ["last_value", "linear"]},
        metrics=dict.fromkeys(("rnn", "last_value", "linear"), summary(0.5, 0.6, figure="mse")),
        comparison={
            "intervals": {"rnn": {"mean": 0.1}, "last_value": {"mean": 0.3}, "linear": {"mean": 0.2}},
            "pairs": pairs(("last_value", "rnn"), ("linear", "rnn")),
        },
    )
    assert findings.pair_sentences(ours) == ["last_value or rnn", "linear or rnn"]


def test_a_result_that_its_file_no_longer_describes_is_marked() -> None:
    setup = Setup("it", {"train.epochs": 3, "train.seeds": [1, 2], "seed": 42}, None)  # type: ignore[arg-type]
    assert findings.drift(setup, result()) == []
    changed = Setup("it", {"train.epochs": 4, "no.such": None, "compare": ["lstm"]}, None)  # type: ignore[arg-type]
    assert findings.drift(changed, result(edited=["rnnlab/networks/models.py", "dvc.yaml"])) == [
        "it ran with other parameters than its file names now: train.epochs 3, not 4; compare [rnn], not [lstm]",
        "it ran with changes that were not committed: rnnlab/networks/models.py, dvc.yaml",
    ]
