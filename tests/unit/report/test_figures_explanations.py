from collections.abc import Iterator, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from rnnlab.project.params import Params
from rnnlab.report.figures import explanations as figures
from rnnlab.report.figures.common import SIZE
from tests.support.results import attributions_table, changed


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for panel in figure.axes if panel.get_legend() for text in panel.get_legend().get_texts()]


def band(panel: Axes, index: int) -> tuple[float, float]:
    heights = panel.collections[index].get_paths()[0].vertices[:, 1]
    return heights.min(), heights.max()


def norms(*runs: tuple[str, int, Sequence[float]]) -> pd.DataFrame:
    """The values are those after training; before it, all are ten times as large, and early in it, five times."""
    return pd.concat(
        pd.DataFrame(
            {
                "model": model,
                "seed": seed,
                "moment": moment,
                "distance": range(len(values)),
                "norm": np.multiply(values, times),
            }
        )
        for model, seed, values in runs
        for moment, times in (("after", 1), ("before", 10), ("early", 5))
    )


def test_gradient_norms_are_drawn_as_mean_and_range_over_the_seeds() -> None:
    figure = figures.gradient_norms_over_distance(
        norms(("rnn", 1, [0.5, 0.01, 1e-20]), ("rnn", 2, [0.7, 0.03, 3e-20]), ("lstm", 1, [0.5, 0.4, np.nan]))
    )
    before, early, panel = figure.axes
    np.testing.assert_allclose(early.lines[0].get_xydata(), [[0, 3], [1, 0.1], [2, 1e-19]])
    np.testing.assert_allclose(before.lines[0].get_xydata(), [[0, 6], [1, 0.2], [2, 2e-19]])
    np.testing.assert_allclose(panel.lines[0].get_xydata(), [[0, 0.6], [1, 0.02], [2, 2e-20]])
    np.testing.assert_allclose(panel.lines[1].get_xydata(), [[0, 0.5], [1, 0.4]])
    assert band(panel, 0) == pytest.approx((1e-20, 0.7))
    assert legend(figure) == ["rnn (2 seeds)", "lstm (1 seed)"]


def test_gradient_norms_have_a_logarithmic_axis_that_says_what_it_is() -> None:
    before, early, panel = figures.gradient_norms_over_distance(norms(("rnn", 1, [0.5, 0.01]))).axes
    titles = [each.get_title() for each in (before, early, panel)]
    assert titles == ["before training", "after the first epoch", "after training"]
    assert before.get_ylim() == early.get_ylim() == panel.get_ylim()
    assert panel.get_yscale() == "log"
    assert panel.get_ylabel().startswith("‖∂ logit / ∂ embedding‖")
    assert panel.get_xlabel() == "distance from the text's last word (words)"


@pytest.mark.filterwarnings("error")
def test_a_gradient_that_is_gone_is_drawn() -> None:
    figure = figures.gradient_norms_over_distance(norms(("rnn", 1, [0.5, 0.01, 0.0]), ("rnn", 2, [0.5, 0.0, 0.0])))
    figure.canvas.draw()
    assert figure.axes[0].get_ylim()[0] > 0


def text(name: str, words: Sequence[str], label: str = "positive", seeds: Sequence[float] = (0.0,)) -> pd.DataFrame:
    """The models think 0.2 and 0.6 after every word, plus what is given for each seed."""
    runs = [
        {"position": position, "word": word, "model": model, "seed": seed, "probability": p + shift}
        for model, p in (("rnn", 0.2), ("lstm", 0.6))
        for seed, shift in enumerate(seeds, 1)
        for position, word in enumerate(words, 1)
    ]
    return pd.DataFrame(runs).assign(text_id=name, label=label)


def test_traces_have_a_panel_a_text_with_its_words_and_its_label() -> None:
    table = pd.concat([text("id-2", ["not", "a", "bad", "not"], "good"), text("id-1", ["bad"], "bad")])
    first, second = figures.traces(table, "good").axes
    assert [tick.get_text() for tick in first.get_xticklabels()] == ["not", "a", "bad", "not"]
    assert list(first.get_xticks()) == [1, 2, 3, 4]
    assert [panel.get_title(loc="left").split() for panel in (first, second)] == [
        ["true", "label:", "good", "(text", "id-2)"],
        ["true", "label:", "bad", "(text", "id-1)"],
    ]
    assert first.get_legend() and not second.get_legend()
    assert first.get_ylabel() == "P(good)"
    assert first.get_ylim()[0] < 0 and first.get_ylim()[1] > 1


def test_words_and_labels_are_drawn_as_they_are_written() -> None:
    figure = figures.traces(text("id-1", ["$\\frac{", "}$"], "$^$"), "good")
    figure.canvas.draw()  # would raise where one is read as a formula


def test_traces_lay_the_models_over_each_other_with_a_line_at_a_half() -> None:
    figure = figures.traces(text("a", ["not", "bad"]), "good")
    heights = [line.get_ydata() for line in figure.axes[0].lines]
    np.testing.assert_allclose(heights, [[0.2, 0.2], [0.6, 0.6], [0.5, 0.5]])
    assert legend(figure) == ["rnn, seed 1", "lstm, seed 1"]
    rnn, lstm = figure.axes[0].lines[:2]
    assert rnn.get_marker() != lstm.get_marker()


@pytest.mark.parametrize("count", [1, 2])
def test_traces_are_as_wide_as_a_slide_and_a_strip_high_for_each_text(count: int) -> None:
    figure = figures.traces(pd.concat([text(f"id-{number}", ["bad"]) for number in range(count)]), "good")
    assert figure.get_size_inches().tolist() == [13, pytest.approx(3.2 * count)]


def test_traces_of_other_seeds_stand_behind_those_of_the_first_and_none_is_an_average() -> None:
    figure = figures.traces(text("a", ["not", "bad"], seeds=[-0.1, 0.0, 0.2]), "good")
    lines = {line.get_ydata()[0]: line for line in figure.axes[0].lines[:-1]}
    assert list(lines) == pytest.approx([0.2, 0.4, 0.1, 0.6, 0.8, 0.5])
    widths = [line.get_linewidth() for line in lines.values()]
    assert widths[2] == widths[5] > max(widths[0], widths[1], widths[3], widths[4])
    assert legend(figure)[1] == "lstm, seed 1 (thin: 2 more)"


def test_a_long_text_has_numbers_for_words() -> None:
    figure = figures.traces(text("a", ["word"] * (figures.LEGIBLE_WORDS + 1)), "good")
    figure.canvas.draw()
    (panel,) = figure.axes
    assert panel.get_xlabel() == "word"
    assert "word" not in [tick.get_text() for tick in panel.get_xticklabels()]
    assert len(panel.get_xticks()) < 20


def test_words_do_not_run_into_each_other() -> None:
    figure = figures.traces(text("a", ["incomprehensible"] * figures.LEGIBLE_WORDS), "good")
    figure.canvas.draw()
    ticks = figure.axes[0].get_xticklabels()
    apart = np.diff([tick.get_window_extent().x1 for tick in ticks]).min()
    assert apart > ticks[0].get_fontsize() * figure.dpi / 72


def bins() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "model": ["rnn", "rnn", "rnn", "lstm", "lstm", "lstm"],
            "seed": [1, 2, 2, 1, 1, 1],
            "forecast": [0.12, 0.16, 1.0, 0.1, 0.5, 0.9],
            "observed": [0.3, 0.7, 0.5, 0.1, 0.4, 0.9],
            "rows": [30, 10, 40, 20, 10, 10],
        }
    )


def test_calibration_curves_lie_about_the_diagonal() -> None:
    figure = figures.calibration_curves(bins(), "good")
    panel = figure.axes[0]
    diagonal, *rnn = (line.get_xydata().tolist() for line in panel.lines[:4])
    assert diagonal == [[0, 0], [1, 1]]
    assert rnn[:2] == [[[0.12, 0.3]], [[0.16, 0.7], [1.0, 0.5]]]
    np.testing.assert_allclose(rnn[2], [[0.13, 0.4], [1.0, 0.5]])  # all rows of both seeds, none averaged
    assert legend(figure) == ["calibrated", "rnn (2 seeds)", "lstm (1 seed)"]
    assert panel.lines[3].get_marker() != "None" and panel.lines[3].get_linewidth() > panel.lines[2].get_linewidth()


def test_calibration_curves_say_what_they_show_and_how_many_rows_stand_behind_it() -> None:
    panel, below = figures.calibration_curves(bins(), "good").axes
    assert panel.get_ylabel() == "share of rows of which it is true"
    assert below.get_xlabel() == "forecast: P(good), mean of each bin"
    assert below.get_ylabel() == "share of rows"
    assert [line.get_ydata().tolist() for line in below.lines] == [[0.5, 0.5], [0.5, 0.25, 0.25]]


def test_attributions_are_a_mean_over_seeds_by_lag_and_channel(settings: Params) -> None:
    ours = changed(settings, **{"train.seeds": [1, 2], "compare": ["rnn", "lstm"]})
    rnn, lstm, bar = figures.attributions(attributions_table(ours, ["level", "$wind"]), "level").axes
    assert [panel.get_title() for panel in (rnn, lstm)] == ["rnn (2 seeds)", "lstm (2 seeds)"]
    assert [tick.get_text() for tick in rnn.get_yticklabels()] == ["level", "$wind"]
    assert rnn.xaxis_inverted()
    drawn = rnn.collections[0].get_array().reshape(2, 8)
    np.testing.assert_allclose(drawn[0], [1.5 / lag for lag in range(8, 0, -1)])
    np.testing.assert_allclose(lstm.collections[0].get_array().ravel()[-1], 6.0)
    assert (bar.get_ylim(), bar.get_ylabel()) == ((0, 6), "moves the forecast by (unit of level)")
    assert lstm.get_xlabel() == "lag (steps before the first forecast)"


def test_more_networks_make_a_taller_figure_of_attributions(settings: Params) -> None:
    two = attributions_table(changed(settings, **{"compare": ["rnn", "lstm"]}))
    drawn = [figures.attributions(table, "level") for table in (two[two["model"] == "rnn"], two)]
    heights = [figure.get_figheight() for figure in drawn]
    assert heights[1] > 1.5 * heights[0]
    assert {figure.get_figwidth() for figure in drawn} == {SIZE[0]}  # that of the figures beside it
