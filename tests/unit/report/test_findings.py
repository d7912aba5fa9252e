import math
from typing import Any

import pytest
from scipy.stats import norm

from rnnlab.evaluation.statistics import Components, Estimate
from rnnlab.evaluation.verdicts import Pair, Verdict
from rnnlab.experiments.catalogue import Setup
from rnnlab.experiments.gains import Gain
from rnnlab.project.params import Run
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR, Measure
from rnnlab.report import findings
from tests.support.builders import history, named, result, summary


def change(mean: float, half: float, measure: Measure = ACCURACY) -> Gain:
    """A gain whose interval reaches so far to both sides."""
    difference = Estimate(mean, half / norm.ppf(0.975), math.inf)
    pair = Pair("new", "old", difference, Components(1.0, 1.0, 1.0, 5, 10, False), 0.01, measure)
    return Gain(Verdict(pair, difference.p_value(), 1), 10, 10)


def test_the_first_finding_is_the_gain() -> None:
    child = named("child", "root")
    [setup] = child.setups
    gains = {("child", "rnn"): change(0.75, 0.05), ("other", "rnn"): change(0.1, 0.01)}
    [first] = findings.all_findings(child, setup, result(), gains)
    assert first == "new beats old by 75.0 points (95 % interval 70.0 to 80.0)"
    same = {("child", "rnn"): change(0.0, 0.0)}
    assert findings.all_findings(child, setup, result(), same) == []
    [lonely] = findings.all_findings(child, setup, result(), {})
    assert lonely == "no comparison with root: it was not run, or DVC's cache has lost predictions"


def test_causes_are_ranked_by_a_gain_that_is_shown() -> None:
    family = [named("root"), *(named(name, "root") for name in ("clip", "mask", "pre", "late")), named("other", "x")]
    gains = {
        ("clip", "rnn"): change(0.004, 0.012),
        ("pre", "rnn"): change(0.25, 0.01),
        ("mask", "rnn"): change(0.273, 0.012),
        ("other", "rnn"): change(0.9, 0.01),
    }
    assert findings.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: mask (+27.3 points, interval +26.1 to +28.5), "
        "pre (+25.0 points, interval +24.0 to +26.0); "
        "without a gain that is shown: clip (+0.4 points, interval -0.8 to +1.6); not compared yet: late"
    ]


def test_no_cause_is_named_where_no_gain_is_shown() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {("a", "rnn"): change(-0.2, 0.1), ("b", "rnn"): change(0.0, 0.1)}
    assert findings.causes(family[0], family, gains) == [
        "No change to root is shown to gain: b (+0.0 points, interval -10.0 to +10.0), "
        "a (-20.0 points, interval -30.0 to -10.0)"
    ]
    assert findings.causes(family[0], family, {}) == []
    assert findings.causes(family[1], family, gains) == []


def test_causes_in_a_series_are_smaller_errors() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {
        ("a", "rnn"): change(-0.1, 0.05, MEAN_SQUARED_ERROR),
        ("b", "rnn"): change(-0.3, 0.1, MEAN_SQUARED_ERROR),
    }
    assert findings.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: b (-0.3000, interval -0.4000 to -0.2000), "
        "a (-0.1000, interval -0.1500 to -0.0500)"
    ]


# Mean 0.67, standard deviation 0.02; t of 0.975 with two degrees of freedom is 4.303: 0.67 ± 4.303 × 0.02 × √(4/3).
@pytest.mark.parametrize(
    ("original", "verdict"), [(0.6815, "reproduced"), (0.58, "reproduced"), (0.56, "not reproduced")]
)
def test_an_original_is_one_more_training_and_not_a_mean(original: float, verdict: str) -> None:
    found = findings.original_sentence("rnn's accuracy", original, [0.65, 0.67, 0.69], ACCURACY.amount)
    assert found == (
        f"{verdict}: rnn's accuracy was {100 * original:.1f} % in the original; one more seed of ours would lie between"
        " 57.1 % and 76.9 % (95 % of times), with a mean of 67.0 % over 3"
    )


def test_one_seed_reproduces_nothing() -> None:
    found = findings.original_sentence("rnn's accuracy", 0.6, [0.65], ACCURACY.amount)
    assert found == (
        "rnn's accuracy was 60.0 % in the original and is 65.0 % here; whether that reproduces it, two seeds at least"
        " must tell"
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
    ours = result(histories={Run("rnn", 1): history(0.014), Run("rnn", 2): history(0.016)})
    originals = {"accuracy": 0.8, "log_loss": 0.5, "validation_loss": 0.0153, "mse": 1.0}
    accuracy, log_loss, loss = findings.original_sentences("rnn", originals, ours)
    assert accuracy.startswith("reproduced: rnn's accuracy was 80.0 % in the original; one more seed of ours")
    assert log_loss.startswith("not reproduced: rnn's log loss was 0.5000 in the original; one more seed of ours")
    assert loss.startswith("reproduced: rnn's validation loss was 0.0153 in the original")


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
