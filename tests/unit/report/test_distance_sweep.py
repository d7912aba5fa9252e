from collections.abc import Iterator

import matplotlib.pyplot as plt
import pytest

from rnnlab.report import distance_sweep
from tests.support.builders import SWEEP, far, named


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


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


def test_a_distance_is_the_largest_of_a_range() -> None:
    assert distance_sweep.VERDICT.span(100) == "50 to 100 words"
