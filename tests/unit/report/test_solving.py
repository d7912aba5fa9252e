"""Seeds that solve a task, in words: that of a verdict over a distance."""

import matplotlib.pyplot as plt
import pytest

from rnnlab.report import solving
from rnnlab.report.distance_sweep import VERDICT
from tests.support.builders import SWEEP, curve, lengths


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
    assert solving.sentence(SWEEP, VERDICT) == (
        "within this budget, all seeds of rnn hold a verdict over 5 to 10 words, none over 200 to 400 words;"
        " all seeds of lstm hold a verdict over 100 to 200 words, none over 200 to 400 words (above 95 %)"
    )


def test_seeds_that_hold_a_verdict_are_a_share_with_exact_limits() -> None:
    # Clopper and Pearson's limits of two of three.
    assert solving.solved([0.98, 0.51, 0.97], 0.95) == "2 of 3 seeds (9 to 99 %)"
    assert solving.sentence(curve(rnn={10: [0.98, 0.5], 20: [0.98, 0.5]}), VERDICT) == (
        "within this budget, some seeds of rnn hold a verdict over 10 to 20 words (above 95 %)"
    )


def test_a_model_that_holds_nothing_is_said_to() -> None:
    assert solving.sentence(curve(rnn={10: [0.5], 20: [0.4]}), VERDICT) == (
        "within this budget, no seed of rnn holds a verdict over any distance (above 95 %)"
    )


def test_a_cell_has_the_accuracy_of_each_seed_in_percent() -> None:
    points = curve(rnn={10: [0.98, 0.9]})
    assert solving.cell(points, VERDICT) == f"{solving.solved([0.98, 0.9], 0.95)}: 98.0, 90.0"


def test_accuracies_are_labelled_in_whole_percent_beside_a_line_at_chance() -> None:
    [panel] = solving.draw(SWEEP, VERDICT).axes
    assert panel.yaxis.get_major_formatter()(0.5) == "50%"
    [chance] = [line for line in panel.lines if line.get_label() == "chance"]
    assert set(chance.get_ydata()) == {0.5}
    plt.close("all")
