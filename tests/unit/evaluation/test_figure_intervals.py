"""Figures that are no means over rows: their rows' values, and intervals that cover."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnlab.evaluation import figure_intervals, metrics
from rnnlab.project.tasks import decide


def drawn(draw: np.random.Generator, rows: int, labels: int, skill: float) -> tuple[Any, Any]:
    """Labels, each of which occurs, and probabilities of a model with some skill."""
    truth = np.concatenate([np.arange(labels), draw.integers(0, labels, rows - labels)])
    odds = draw.normal(size=(rows, labels)) + skill * (truth[:, None] == np.arange(labels))
    shares = np.exp(odds) / np.exp(odds).sum(axis=1, keepdims=True)
    return truth, (shares[:, 1] if labels == 2 else shares).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.floats(-1, 4))
@settings(max_examples=60, deadline=None)
def test_the_mean_over_rows_is_the_figure(seed: int, labels: int, skill: float) -> None:
    truth, probabilities = drawn(np.random.default_rng(seed), 40, labels, skill)
    found = figure_intervals.row_values(truth, probabilities, decide(probabilities))
    expected = metrics.score(metrics.answer(truth, probabilities))
    assert set(found) == set(expected) - {"ece"}
    for name, values in found.items():
        assert values.shape == (40,)
        assert values.mean() == pytest.approx(expected[name], abs=1e-6), name


@pytest.mark.parametrize("labels", [2, 4])
def test_intervals_of_every_figure_cover(labels: int) -> None:
    """400 test sets of 300 rows from one model: 95 % intervals hold the true figure in about 95 of 100."""
    draw = np.random.default_rng(labels)
    many = drawn(draw, 200_000, labels, 1.5)
    truth = {name: value for name, value in metrics.score(metrics.answer(*many)).items() if name != "ece"}
    held = dict.fromkeys(truth, 0)
    for _ in range(400):
        rows, probabilities = drawn(draw, 300, labels, 1.5)
        for name, values in figure_intervals.row_values(rows, probabilities, decide(probabilities)).items():
            ends = figure_intervals.interval(name, values[None])
            held[name] += ends.low <= truth[name] <= ends.high
    assert {name: count / 400 for name, count in held.items() if not 0.92 <= count / 400 <= 0.98} == {}


@pytest.mark.parametrize("figure", ["balanced_accuracy", "weighted_f1", "mcc"])
def test_rows_spread_as_what_a_figure_is_without_each_of_them(figure: str) -> None:
    truth, probabilities = drawn(np.random.default_rng(2), 150, 2, 1.5)
    said = metrics.answer(truth, probabilities).of((truth == 0) | (np.arange(150) % 3 == 0))
    without = figure_intervals.jackknifed(said, {"it": lambda rows: metrics.score(rows)[figure]})["it"]
    assert figure_intervals.row_values(*said)[figure].std() == pytest.approx(without.std(), rel=0.05)


def test_seeds_that_differ_widen_the_interval() -> None:
    draw = np.random.default_rng(0)
    labels, probabilities = drawn(draw, 400, 2, 1.5)
    same = figure_intervals.row_values(labels, probabilities, decide(probabilities))["f1"]
    other = figure_intervals.row_values(labels, 1 - probabilities, decide(1 - probabilities))["f1"]
    alike, apart = (figure_intervals.interval("f1", np.stack([same, each, same])) for each in (same, other))
    assert apart.high - apart.low > 3 * (alike.high - alike.low)
    assert apart.low >= 0 and apart.high <= 1


def columns(labels: Any, **others: Any) -> dict[str, npt.NDArray[Any]]:
    return {"label": labels, "words": np.arange(len(labels)) % 60 + 1, **others}


def test_a_table_has_all_rows_slices_and_lengths() -> None:
    labels, probabilities = drawn(np.random.default_rng(1), 300, 3, 2.0)
    place = np.array(["near"] * 195 + ["far"] * 100 + ["rare"] * 5, object)
    said = metrics.answer(labels, probabilities)
    found = figure_intervals.table(columns(labels, slice_place=place), {"rnn": [said, said], "majority": [said]})
    groups = found[["column", "value", "rows"]].drop_duplicates()
    assert groups["column"].tolist() == ["all", "slice_place", "slice_place", *["words"] * 6]
    assert groups["value"].tolist()[:4] == ["", "near", "far", "1 to 10"]
    assert groups["rows"].tolist()[:3] == [300, 195, 100]  # a slice of five rows says nothing
    assert ((found["low"] <= found["mean"]) & (found["mean"] <= found["high"])).all()
    chosen = found.query("column == 'slice_place' and value == 'far' and model == 'rnn' and figure == 'accuracy'")
    assert chosen["mean"].item() == pytest.approx((said.predicted == labels)[195:295].mean())


def test_rows_of_one_label_have_no_area() -> None:
    labels, probabilities = drawn(np.random.default_rng(2), 100, 2, 1.0)
    ones = labels == 1
    found = figure_intervals.row_values(labels[ones], probabilities[ones], decide(probabilities[ones]))
    assert "roc_auc" not in found
    assert found["balanced_accuracy"].mean() == pytest.approx(found["accuracy"].mean())
    assert all(np.isfinite(values).all() for values in found.values())


def test_a_model_that_always_says_the_same_has_finite_figures() -> None:
    labels = np.arange(90) % 3
    same = np.tile(np.array([0.5, 0.3, 0.2], np.float32), (90, 1))
    found = figure_intervals.row_values(labels, same, decide(same))
    assert found["mcc"].mean() == 0 and found["roc_auc"].mean() == pytest.approx(0.5)
    assert found["macro_precision"].mean() == pytest.approx(1 / 9)
