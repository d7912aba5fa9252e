from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from rnnlab.evaluation import metrics, series_metrics
from rnnlab.report.figures import errors


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def summary(*values: float) -> dict[str, object]:
    return metrics.summarise({str(seed): {"mse": error} for seed, error in enumerate(values)}, 10)


def test_errors_are_means_with_one_standard_deviation() -> None:
    (panel,) = errors.error_bars({"rnn": summary(0.1, 0.2, 0.3), "lstm": summary(0.05)}, {}, "level").axes
    rnn, lstm = panel.containers
    assert rnn.lines[0].get_xydata().tolist() == [[pytest.approx(0.2), 0]]
    (bar,) = rnn.lines[2][0].get_segments()
    np.testing.assert_allclose(bar[:, 0], [0.1, 0.3])
    assert lstm.lines[0].get_xydata().tolist() == [[pytest.approx(0.05), 1]]
    assert [text.get_text() for text in panel.texts] == ["0.2 ± 0.1", "0.05 ± 0"]


def test_baselines_stand_below_the_models() -> None:
    baselines = {
        "last_value": series_metrics.score(np.array([[0.0], [1]]), np.array([[0.5], [1]])),
        "linear": {"mse": 0.01},
    }
    (panel,) = errors.error_bars({"rnn": summary(0.1, 0.2)}, baselines, "level").axes
    names = [label.get_text() for label in panel.get_yticklabels()]
    assert names == ["rnn", "last_value (baseline)", "linear (baseline)"]
    assert [text.get_text() for text in panel.texts] == ["0.15 ± 0.071", "0.125", "0.01"]
    assert panel.yaxis_inverted()


def test_the_error_axis_is_logarithmic_and_has_labels() -> None:
    figure = errors.error_bars({"rnn": summary(0.061, 0.062)}, {"linear": {"mse": 0.06}}, "level")
    figure.draw_without_rendering()
    (panel,) = figure.axes
    assert panel.get_xscale() == "log"
    low, high = panel.get_xlim()
    labelled = [label.get_text() for label in panel.get_xticklabels() if low <= label.get_position()[0] <= high]
    assert labelled == ["0.05", "0.1"]
    assert "squared unit of level" in panel.get_xlabel()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("values", [(0.0, 0.0), (0.0, 0.4), (1e-15, 3.0)])
def test_perfect_models_and_wide_spreads_are_drawn(tmp_path: Path, values: tuple[float, ...]) -> None:
    figure = errors.error_bars({"rnn": summary(*values)}, {"linear": {"mse": 0.0}}, "level")
    figure.savefig(tmp_path / "errors.png")
    assert plt.imread(tmp_path / "errors.png").std() > 0


def test_errors_are_drawn_by_step_with_the_range_of_the_seeds() -> None:
    figure = errors.errors_by_step(
        {"rnn": np.array([[1.0, 2, 3], [3, 4, 5]])}, {"last_value": np.array([5.0, 6, 7])}, "level"
    )
    (panel,) = figure.axes
    assert [line.get_xydata().tolist() for line in panel.lines] == [
        [[1, 2], [2, 3], [3, 4]],
        [[1, 5], [2, 6], [3, 7]],
    ]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["rnn", "last_value"]
    assert panel.get_ylabel() == "mean absolute error (unit of level)"
