from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest

from rnnlab.report import distance_sweep, solving
from tests.support.builders import SWEEP, curve, far, lengths, named


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def test_far_verdicts_are_the_two_longest_groups_weighted_by_rows() -> None:
    table = lengths(
        ("rnn", 1, 90, 0.5, 100),
        ("rnn", 1, 10, 1.0, 100),
        ("rnn", 1, 80, 0.8, 300),
        ("rnn", 2, 80, 0.6, 100),
        ("rnn", 2, 90, 0.6, 100),
        ("rnn", 2, 10, 1.0, 100),
        ("tfidf", -1, 90, 0.9, 100),
    )
    found = solving.far_accuracy(table, ["rnn"])
    assert found.to_dict("list") == {"model": ["rnn", "rnn"], "seed": [1, 2], "accuracy": pytest.approx([0.725, 0.6])}


def test_a_sweep_names_the_distances_that_all_seeds_hold_and_that_none_does() -> None:
    assert distance_sweep.SWEEP.sentence(SWEEP) == (
        "within this budget, all seeds of rnn hold a verdict over 5 to 10 words, none over 200 to 400 words;"
        " all seeds of lstm hold a verdict over 100 to 200 words, none over 200 to 400 words (above 95 %)"
    )


def test_seeds_that_hold_a_verdict_are_a_share_with_exact_limits() -> None:
    # Clopper and Pearson's limits of two of three.
    assert solving.solved([0.98, 0.51, 0.97], 0.95) == "2 of 3 seeds (9 to 99 %)"
    assert distance_sweep.SWEEP.sentence(curve(rnn={10: [0.98, 0.5], 20: [0.98, 0.5]})) == (
        "within this budget, all seeds of rnn hold it over none of the distances, some over each distance (above 95 %)"
    )


def test_a_model_that_holds_nothing_is_said_to() -> None:
    assert distance_sweep.SWEEP.sentence(curve(rnn={10: [0.5], 20: [0.4]})) == (
        "within this budget, all seeds of rnn hold it over none of the distances, none over 5 to 10 words (above 95 %)"
    )


def test_a_sweep_is_drawn_over_a_logarithmic_distance() -> None:
    figure = distance_sweep.SWEEP.draw(SWEEP)
    [panel] = figure.axes
    assert panel.get_xscale() == "log"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["10", "100", "200", "400"]
    drawn = {line.get_label(): line for line in panel.lines}
    assert drawn["rnn (median of 2 seeds)"].get_ydata().tolist() == pytest.approx([0.97, 0.945, 0.98, 0.54])
    assert drawn["lstm (median of 2 seeds)"].get_ydata().tolist() == pytest.approx([0.99, 0.975, 0.965, 0.85])
    every = SWEEP[SWEEP["model"] == "rnn"]
    assert drawn["rnn, each seed"].get_xydata().tolist() == every[["distance", "accuracy"]].to_numpy().tolist()
    assert drawn["rnn, each seed"].get_marker() != drawn["lstm, each seed"].get_marker()
    styles = {drawn[f"{model} (median of 2 seeds)"].get_linestyle() for model in ("rnn", "lstm")}
    assert len(styles) == 2
    assert "chance" in [text.get_text() for text in panel.get_legend().get_texts()]


def test_only_a_sweep_over_the_distance_has_a_range() -> None:
    sweep = named(variants={"10": {"sample.distance": 10}, "20": {"sample.distance": 20}})
    points = distance_sweep.SWEEP.points(sweep, {"it-20": far(20)})
    assert points is not None
    assert points.to_dict("list") == {"model": ["rnn"], "seed": [1], "accuracy": [0.9], "distance": [20]}
    assert distance_sweep.SWEEP.points(sweep, {}) is None
    assert distance_sweep.SWEEP.points(named(), {"it": far(20)}) is None
    other = named(variants={"a": {"train.epochs": 2}})
    assert distance_sweep.SWEEP.points(other, {"it-a": far(20)}) is None
