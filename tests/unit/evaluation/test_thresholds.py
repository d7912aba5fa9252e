import numpy as np
import numpy.typing as npt
import pytest
from sklearn.metrics import f1_score

from rnnlab.evaluation import thresholds
from rnnlab.project.tasks import decide


def rare(rows: int, seed: int, shares: tuple[float, ...]) -> tuple[npt.NDArray[np.int16], npt.NDArray[np.float32]]:
    """Labels of uneven shares, and probabilities of a model that knows them, and something of each row."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(shares), rows, p=shares)
    evidence = generator.normal(1.5 * np.eye(len(shares))[labels], 1.0)
    odds = np.array(shares) * np.exp(1.5 * evidence)
    return labels.astype(np.int16), (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)


def test_of_two_labels_no_other_threshold_has_a_better_f1_on_the_rows_that_chose_it() -> None:
    labels, both = rare(800, 1, (0.95, 0.05))
    probabilities = both[:, 1]
    chosen = thresholds.choose(labels, probabilities)
    assert sum(chosen) == pytest.approx(1.0)
    best = f1_score(labels, decide(probabilities, chosen))
    others = [f1_score(labels, probabilities >= limit) for limit in np.linspace(0.01, 0.99, 300)]
    assert best >= max(others) > f1_score(labels, probabilities >= 0.5) + 0.05


def test_thresholds_chosen_on_some_rows_help_on_others() -> None:
    for shares in ((0.95, 0.05), (0.9, 0.07, 0.03)):
        labels, both = rare(4_000, 2, shares)
        unseen, others = rare(4_000, 3, shares)
        found, fresh = (rows[:, 1] if len(shares) == 2 else rows for rows in (both, others))
        chosen = thresholds.choose(labels, found)
        plain, better = (f1_score(unseen, decide(fresh, limits), average="macro") for limits in (None, chosen))
        assert better > plain + 0.01


def test_of_more_labels_even_ones_are_left_to_the_likeliest() -> None:
    labels = np.tile([0, 1, 2], 50).astype(np.int16)
    certain = (0.9 * np.eye(3)[labels] + 0.1 / 3).astype(np.float32)
    assert thresholds.choose(labels, certain) == [1.0, 1.0, 1.0]


def test_where_the_likeliest_label_is_as_good_the_threshold_stays_close_to_it() -> None:
    labels = np.array([0, 0, 1, 1], np.int16)
    assert thresholds.choose(labels, np.array([0.1, 0.45, 0.6, 0.9], np.float32)) == pytest.approx([0.475, 0.525])


def test_a_model_that_says_the_same_of_every_row_gives_the_likeliest_label() -> None:
    labels = np.array([0, 0, 0, 1], np.int16)
    assert thresholds.choose(labels, np.full(4, 0.25, np.float32)) == [0.5, 0.5]
    assert thresholds.choose(labels, np.tile(np.float32([0.5, 0.3, 0.2]), (4, 1))) == [1.0, 1.0, 1.0]
