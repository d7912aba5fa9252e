from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from rnnlab.project.params import Params
from rnnlab.project.tasks import SERIES as SERIES_NAME
from rnnlab.report.figures import forecasts
from rnnlab.report.figures.common import COLOURS, SIZE
from tests.support.results import SERIES, changed, windows_table

NAMES = ("rnn", "lstm")


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def example(rows: int = 300, models: int = 2) -> tuple[npt.NDArray[np.float32], dict[str, npt.NDArray[np.float32]]]:
    targets = np.sin(np.arange(rows) / 4).astype(np.float32)
    return targets, {f"model_{number}": targets * (1 - number / 20) for number in range(models)}


def drawn(rows: int = 300, models: int = 2) -> Figure:
    targets, predictions = example(rows, models)
    return forecasts.predicted_and_true(targets, predictions, np.arange(1001, 1001 + rows), "level")


def legend(panel: plt.Axes) -> list[str]:
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_the_last_steps_are_drawn_over_their_rows() -> None:
    over_time, _ = drawn().axes
    targets, predictions = example()
    assert legend(over_time) == ["true", "model_0", "model_1"]
    for line, values in zip(over_time.lines, [targets, *predictions.values()], strict=True):
        assert line.get_xdata().tolist() == list(range(1101, 1301))
        assert line.get_ydata().tolist() == values[-200:].tolist()
    assert over_time.get_title() == "last 200 test steps"


def test_a_short_test_split_is_drawn_whole() -> None:
    over_time, against = drawn(rows=3).axes
    assert len(over_time.lines[0].get_xdata()) == 3
    assert (over_time.get_title(), against.get_title()) == ("last 3 test steps", "all 3 test steps")


def test_all_predictions_are_drawn_against_the_truth() -> None:
    _, against = drawn().axes
    targets, predictions = example()
    for points, values in zip(against.collections, predictions.values(), strict=True):
        np.testing.assert_allclose(points.get_offsets(), np.column_stack([targets, values]), rtol=1e-6)
    assert legend(against) == ["model_0", "model_1", "perfect"]


def test_both_axes_of_the_scatter_have_the_same_range_and_hold_every_point() -> None:
    targets, predictions = example()
    predictions["model_1"] = predictions["model_1"] + 5
    _, against = forecasts.predicted_and_true(targets, predictions, np.arange(300), "level").axes
    assert against.get_xlim() == against.get_ylim()
    assert against.get_xlim()[0] < -1
    assert against.get_xlim()[1] > 5


def test_points_fill_nearly_all_of_the_scatter() -> None:
    targets, _ = example()
    low, high = drawn().axes[1].get_xlim()
    assert np.ptp(targets) > 0.85 * (high - low)


def test_axes_name_their_unit() -> None:
    over_time, against = drawn().axes
    assert over_time.get_xlabel() == "time step (row of the series)"
    assert over_time.get_ylabel() == "value (unit of level)"
    assert against.get_xlabel() == "true value (unit of level)"
    assert against.get_ylabel() == "predicted value (unit of level)"


def test_six_models_keep_apart_without_colour() -> None:
    over_time, against = drawn(models=6).axes
    lines = over_time.lines[1:]
    assert len({line.get_color() for line in lines}) == 6
    assert len({line.get_marker() for line in lines}) == 6
    assert len({line.get_markevery() for line in lines}) == 6
    assert len({points.get_paths()[0].vertices.tobytes() for points in against.collections}) == 6


@pytest.mark.filterwarnings("error")
def test_constant_values_are_drawn(tmp_path: Path) -> None:
    flat = np.zeros(5, np.float32)
    figure = forecasts.predicted_and_true(flat, {"rnn": flat}, np.arange(5), "level")
    figure.savefig(tmp_path / "flat.png")


def test_forecasts_are_those_of_one_network_of_each_model() -> None:
    rows = [(row, 0.5, model, seed, 10 * seed + row) for model in ("rnn", "lstm") for seed in (2, 1) for row in (7, 8)]
    predictions = pd.DataFrame(rows, columns=["row", "target", "model", "seed", "predicted"])
    truth, predicted, numbers = forecasts.shown(["lstm", "rnn"], predictions)
    assert (truth.tolist(), numbers.tolist()) == ([0.5, 0.5], [7, 8])
    assert {name: values.tolist() for name, values in predicted.items()} == {
        "lstm (seed 2)": [27, 28],
        "rnn (seed 2)": [27, 28],
    }


def test_forecasts_have_their_past_and_a_band_in_each_of_three_windows(settings: Params) -> None:
    table = windows_table(changed(settings, **SERIES), horizon=4)
    figure = forecasts.bands(table, ["rnn", "lstm"], "level")
    titles = [panel.get_title() for panel in figure.axes]
    assert titles == [f"{name}, {window} test window" for window in ("best", "median", "worst") for name in NAMES]
    true, forecast = figure.axes[0].lines[:2]
    assert true.get_xdata().tolist() == list(range(12))
    assert forecast.get_xydata().tolist() == [[row, 7.5] for row in range(8, 12)]
    (band,) = figure.axes[0].collections
    assert (band.get_paths()[0].vertices[:, 1].min(), band.get_paths()[0].vertices[:, 1].max()) == (6.9, 8.1)
    assert figure.axes[0].get_ylabel() == "level"


def test_a_band_of_a_single_step_is_a_bar(settings: Params) -> None:
    table = windows_table(changed(settings, **SERIES))
    figure = forecasts.bands(table, ["lstm"], "level", first=1)
    (bar,) = figure.axes[0].containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(bar, [[8, 6.9], [8, 8.1]])


def test_each_model_has_a_column_as_wide_as_a_figure(settings: Params) -> None:
    table = windows_table(changed(settings, **SERIES))
    one, two = (forecasts.bands(table, names, "level").get_figwidth() for names in (["rnn"], ["rnn", "lstm"]))
    assert (one, two) == (SIZE[0], 2 * SIZE[0])


@pytest.mark.parametrize("first", range(6))
def test_a_band_has_the_colour_of_its_forecast(settings: Params, first: int) -> None:
    panel = forecasts.bands(windows_table(changed(settings, **SERIES), horizon=4), ["lstm"], "level", first).axes[0]
    forecast = panel.lines[1]
    assert to_rgb(panel.collections[0].get_facecolor()[0]) == to_rgb(forecast.get_color()) == to_rgb(COLOURS[first])


def test_of_several_steps_the_last_is_drawn_at_its_own_row() -> None:
    rows = [("lstm", 1, row, step, 10.0 * row + step, float(step)) for row in (5, 6) for step in (1, 2)]
    table = pd.DataFrame(rows, columns=["model", "seed", "row", "step", "target", "predicted"])
    truth, predicted, numbers = forecasts.shown(["lstm"], table)
    assert numbers.tolist() == [6, 7]
    assert truth.tolist() == [52, 62]
    assert predicted["lstm (seed 1)"].tolist() == [2, 2]


def test_the_first_of_several_series_is_named() -> None:
    assert forecasts.ahead(pd.DataFrame({"step": [1, 1], SERIES_NAME: ["a", "b"]})) == "one step ahead of series 'a'"


def test_what_networks_say_comes_next_goes_on_from_the_last_value() -> None:
    futures = {"rnn": pd.DataFrame({"predicted": [4.0, 5.0], "half_width": [None, None]})}
    futures["lstm"] = pd.DataFrame({"predicted": [6.0, 8.0], "half_width": [1.0, 2.0]})
    figure = forecasts.beyond([1.0, 2.0, 3.0], futures, "level")
    (panel,) = figure.axes
    drawn = {line.get_label(): line.get_xydata().tolist() for line in panel.lines}
    assert drawn == {
        "past": [[-2, 1], [-1, 2], [0, 3]],
        "last value": [[0, 3], [2, 3]],
        "rnn": [[1, 4], [2, 5]],
        "lstm": [[1, 6], [2, 8]],
    }
    (band,) = panel.collections
    assert {tuple(corner) for corner in band.get_paths()[0].vertices.tolist()} == {(1, 5), (1, 7), (2, 6), (2, 10)}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(drawn)
