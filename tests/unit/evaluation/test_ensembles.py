import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from rnnlab.evaluation import ensembles


def drawn(rows: int, seed: int) -> tuple[list[ensembles.Probabilities], np.ndarray]:
    """Two views of the same labels: independent evidence, the second twice too sure of itself."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows).astype(np.int8)
    evidence = generator.normal(np.where(labels == 1, 1.0, -1.0), 1.0, (2, rows))
    log_odds = [2 * evidence[0], 4 * evidence[1]]  # 2 · evidence is the truth at unit variance
    return [expit(odds).astype(np.float32) for odds in log_odds], labels


def weighted(*weights: float) -> LogisticRegression:
    """An ensemble of two members for two labels, with a weight for each, and the intercept."""
    made = LogisticRegression()
    made.classes_, made.n_features_in_ = np.array([0, 1]), 2
    made.coef_, made.intercept_ = np.array([weights[:-1]]), np.array(weights[-1:])
    return made


def test_an_ensemble_of_three_labels_believes_the_member_that_knows() -> None:
    generator = np.random.default_rng(5)
    labels = np.tile([0, 1, 2], 400)
    knows = generator.dirichlet([1, 1, 1], 1200) * 0.4 + 0.6 * np.eye(3)[labels]
    guesses = generator.dirichlet([1, 1, 1], 1200)
    members = [knows.astype(np.float32), guesses.astype(np.float32)]
    joined = ensembles.combine(members, ensembles.fit(members, labels))
    assert joined.shape == (1200, 3)
    np.testing.assert_allclose(joined.sum(axis=1), 1, atol=1e-5)
    assert (joined.argmax(axis=1) == labels).mean() > 0.95


def test_weights_undo_what_is_too_sure_and_keep_what_is_right() -> None:
    stacked = ensembles.fit(*drawn(40_000, 1))
    assert [*stacked.coef_[0], *stacked.intercept_] == pytest.approx([1.0, 0.5, 0.0], abs=0.06)


def test_an_ensemble_of_independent_members_beats_each() -> None:
    members, labels = drawn(5_000, 2)
    joined = ensembles.combine(members, ensembles.fit(*drawn(5_000, 3)))
    accuracy = [((probabilities >= 0.5) == labels).mean() for probabilities in (*members, joined)]
    assert accuracy[2] > max(accuracy[:2]) + 0.03


def test_the_weighted_sum_is_one_of_log_odds() -> None:
    members = [np.array([0.2, 0.9], np.float32), np.array([0.6, 0.5], np.float32)]
    joined = ensembles.combine(members, weighted(0.5, 2.0, -1.0))
    expected = expit(0.5 * logit(members[0].astype(float)) + 2 * logit(members[1].astype(float)) - 1)
    np.testing.assert_allclose(joined, expected, rtol=1e-5)


def test_seeds_are_joined_by_the_mean_of_their_log_odds() -> None:
    seeds = [np.array([0.2, 0.9], np.float32), np.array([0.6, 0.5], np.float32)]
    log_odds = logit(np.array(seeds, np.float64)).mean(axis=0)
    np.testing.assert_allclose(ensembles.mean(seeds), expit(log_odds), rtol=1e-5)
    several = [np.array([[0.2, 0.3, 0.5]], np.float32), np.array([[0.2, 0.6, 0.2]], np.float32)]
    joined = ensembles.mean(several)
    np.testing.assert_allclose(joined.sum(axis=1), 1, rtol=1e-6)
    assert joined[0].argmax() == 1 and joined.dtype == np.float32
    assert ensembles.mean(seeds[:1]) is seeds[0]


def test_a_single_member_stays_as_it_is() -> None:
    [member] = members = [np.array([0.2, 0.9], np.float32)]
    assert ensembles.combine(members, ensembles.fit(members, np.array([0, 1]))) is member


def test_certainty_stays_finite() -> None:
    certain = np.array([1.0, 0.0], np.float32)
    assert np.isfinite(ensembles.combine([certain, 1 - certain], weighted(1.0, 1.0, 0.0))).all()
