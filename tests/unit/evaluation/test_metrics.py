import math

import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.evaluation import metrics
from rnnlab.project.params import NO_SEED
from rnnlab.project.tasks import decide

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 0], np.int8)
PROBABILITIES = np.array([0.1, 0.4, 0.6, 0.5, 0.9, 0.3, 0.8, 0.2], np.float32)


def shares(*values: float) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)


def test_scores_agree_with_a_count_by_hand() -> None:
    # 0.5 counts as positive: three of four positives are found, one of four negatives is taken for one.
    found = metrics.score(metrics.answer(LABELS, PROBABILITIES))
    assert metrics.confusion(LABELS, decide(PROBABILITIES), 2).tolist() == [[3, 1], [1, 3]]
    assert {name: found[name] for name in ("accuracy", "precision", "recall", "f1")} == dict.fromkeys(
        ("accuracy", "precision", "recall", "f1"), pytest.approx(0.75)
    )


def test_the_area_is_the_share_of_pairs_in_the_right_order() -> None:
    pairs = [(p, n) for p in PROBABILITIES[LABELS == 1] for n in PROBABILITIES[LABELS == 0]]
    assert metrics.score(metrics.answer(LABELS, PROBABILITIES))["roc_auc"] == pytest.approx(
        sum(p > n for p, n in pairs) / len(pairs)
    )


def test_log_loss_and_brier_agree_with_their_formulas() -> None:
    found = metrics.score(metrics.answer(np.array([1, 0], np.int8), shares(0.8, 0.4)))
    assert found["log_loss"] == pytest.approx(-(math.log(0.8) + math.log(0.6)) / 2, abs=1e-6)
    assert found["brier"] == pytest.approx((0.2**2 + 0.4**2) / 2, abs=1e-6)


def test_precision_and_recall_are_not_mixed_up() -> None:
    labels, probabilities = np.array([0, 1, 1, 1], np.int8), shares(0.1, 0.9, 0.2, 0.3)
    found = metrics.score(metrics.answer(labels, probabilities))
    assert found["precision"] == 1.0
    assert found["recall"] == pytest.approx(1 / 3)
    assert metrics.confusion(labels, decide(probabilities), 2).tolist() == [[1, 0], [2, 1]]


@pytest.mark.filterwarnings("error")
def test_a_model_that_never_says_positive_scores_0_without_a_warning() -> None:
    found = metrics.score(metrics.answer(np.array([0, 1], np.int8), shares(0.1, 0.2)))
    assert (found["precision"], found["recall"], found["f1"]) == (0.0, 0.0, 0.0)


@pytest.mark.filterwarnings("error")
def test_certain_and_wrong_is_a_finite_loss() -> None:
    assert math.isfinite(metrics.score(metrics.answer(np.array([0, 1], np.int8), shares(1.0, 0.0)))["log_loss"])


def test_scores_are_plain_numbers() -> None:
    found = metrics.score(metrics.answer(LABELS, PROBABILITIES))
    assert {type(value) for value in found.values()} == {float}


def test_scores_of_three_labels_agree_with_a_count_by_hand() -> None:
    labels = np.array([0, 0, 1, 1, 2, 2], np.int16)
    probabilities = np.array(
        [[0.8, 0.1, 0.1], [0.2, 0.6, 0.2], [0.1, 0.7, 0.2], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8], [0.5, 0.2, 0.3]],
        np.float32,
    )
    found = metrics.score(metrics.answer(labels, probabilities))
    assert metrics.confusion(labels, decide(probabilities), 3).tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    assert found["accuracy"] == found["balanced_accuracy"] == found["macro_recall"] == pytest.approx(4 / 6)
    assert found["macro_precision"] == pytest.approx((1 / 2 + 2 / 3 + 1) / 3)
    by_label = [1 / 2, 4 / 5, 2 / 3]
    table = metrics.confusion(labels, decide(probabilities), 3)
    assert metrics.f1_by_label(table).tolist() == pytest.approx(by_label)
    assert found["macro_f1"] == found["weighted_f1"] == pytest.approx(sum(by_label) / 3)
    given = [0.8, 0.2, 0.7, 0.4, 0.8, 0.3]
    assert found["log_loss"] == pytest.approx(-sum(map(math.log, given)) / 6, abs=1e-6)
    squares = ((probabilities - np.eye(3)[labels]) ** 2).sum(axis=1)
    assert found["brier"] == pytest.approx(float(squares.mean()), abs=1e-6)
    # Bins of the label given: 0.4 (right), 0.5 and 0.6 (wrong), 0.7 (right), and 0.8 twice (right).
    assert found["ece"] == pytest.approx((0.6 + 0.5 + 0.6 + 0.3 + 2 * 0.2) / 6, abs=1e-6)


def test_a_label_that_is_never_given_scores_0() -> None:
    table = np.array([[2, 0, 0], [1, 0, 0], [0, 0, 0]])
    assert metrics.f1_by_label(table).tolist() == [0.8, 0.0, 0.0]
    assert metrics.by_label(table)[0].tolist() == [pytest.approx(2 / 3), 1.0, 0.8]


def test_calibration_error_of_a_worked_example() -> None:
    # 0.05 and 0.05: forecast 0.05, frequency 0.5. 0.85 and 0.95 alone: gaps 0.15 and 0.95.
    found = metrics.calibration_error(np.array([0, 1, 1, 0], np.int8), shares(0.05, 0.05, 0.85, 0.95))
    assert found == pytest.approx((2 * 0.45 + 0.15 + 0.95) / 4, abs=1e-6)


@pytest.mark.parametrize(
    ("labels", "probabilities", "expected"),
    [
        ([0, 1], [0.0, 1.0], 0.0),
        ([0, 1], [1.0, 0.0], 1.0),
        ([0, 1], [0.55, 0.55], 0.05),
        ([0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25], 0.0),
    ],
)
def test_calibration_error_at_its_limits(labels: list[int], probabilities: list[float], expected: float) -> None:
    found = metrics.calibration_error(np.array(labels, np.int8), shares(*probabilities))
    assert found == pytest.approx(expected, abs=1e-6)


def test_summary_of_several_seeds_is_mean_and_sample_deviation() -> None:
    per_seed = {
        "1": {"accuracy": 0.7, "f1": 0.5},
        "2": {"accuracy": 0.8, "f1": 0.5},
        "3": {"accuracy": 0.9, "f1": 0.5},
    }
    found = metrics.summarise(per_seed, 1234)
    assert found["mean"] == {"accuracy": pytest.approx(0.8), "f1": pytest.approx(0.5)}
    assert found["sd"] == {"accuracy": pytest.approx(0.1), "f1": pytest.approx(0.0)}
    assert found["per_seed"] == per_seed
    assert found["parameters"] == 1234


def test_two_seeds_have_a_spread() -> None:
    assert metrics.summarise({1: {"f1": 0.7}, 2: {"f1": 0.8}}, 10)["sd"] == {"f1": pytest.approx(0.1 / 2**0.5)}


def test_summary_of_one_seed_has_no_spread() -> None:
    found = metrics.summarise({"1": {"accuracy": 0.7}}, 10)
    assert found["mean"] == {"accuracy": 0.7}
    assert found["sd"] == {"accuracy": 0.0}


def test_accuracy_by_length_groups_by_quantiles() -> None:
    lengths = np.arange(1, 13, dtype=np.int32)
    found = metrics.accuracy_by_length(lengths, lengths > 6, groups=2)
    assert found == [(3.5, 0.0, 6), (9.5, 1.0, 6)]


def test_accuracy_by_length_does_not_depend_on_the_order_of_rows() -> None:
    generator = np.random.default_rng(2)
    lengths = generator.integers(1, 50, 200, dtype=np.int32)
    correct = generator.random(200) < 0.7
    order = generator.permutation(200)
    assert metrics.accuracy_by_length(lengths[order], correct[order]) == metrics.accuracy_by_length(lengths, correct)


def test_accuracy_by_length_counts_every_row_once() -> None:
    generator = np.random.default_rng(1)
    lengths = generator.integers(1, 9, 500, dtype=np.int32)
    correct = generator.random(500) < 0.8
    groups = metrics.accuracy_by_length(lengths, correct)
    assert sum(rows for _, _, rows in groups) == 500
    assert sum(accuracy * rows for _, accuracy, rows in groups) == pytest.approx(correct.sum())
    assert [words for words, _, _ in groups] == sorted({words for words, _, _ in groups})


def test_equal_lengths_are_one_group() -> None:
    found = metrics.accuracy_by_length(np.full(4, 9, np.int32), np.array([True, True, True, False]))
    assert found == [(9.0, 0.75, 4)]


def test_a_model_without_seeds_has_no_figures_by_seed() -> None:
    summary = metrics.summarise({NO_SEED: {"accuracy": 0.75}}, 3)
    assert summary == {"mean": {"accuracy": 0.75}, "sd": {"accuracy": 0.0}, "per_seed": {}, "parameters": 3}
