import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from matplotlib.figure import Figure

from rnnlab.report import svg
from rnnlab.report.figures import common


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def history(*val_losses: float) -> pd.DataFrame:
    epochs = len(val_losses)
    return pd.DataFrame(
        {
            "epoch": range(1, epochs + 1),
            "loss": np.linspace(0.7, 0.2, epochs),
            "accuracy": np.linspace(0.5, 0.9, epochs),
            "val_loss": val_losses,
            "val_accuracy": np.linspace(0.5, 0.8, epochs),
        }
    )


def predictions(models: Sequence[str] = ("rnn", "lstm"), seeds: Sequence[int] = (1, 2)) -> pd.DataFrame:
    generator = np.random.default_rng(1)
    labels = np.tile([0, 1], 30)
    runs = [
        pd.DataFrame(
            {
                "label": labels,
                "model": model,
                "seed": seed,
                "probability": generator.random(60),
                "words": np.arange(60) + 1,
            }
        )
        for model in models
        for seed in seeds
    ]
    return pd.concat(runs, ignore_index=True)


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for panel in figure.axes if panel.get_legend() for text in panel.get_legend().get_texts()]


def test_training_curves_have_a_mean_a_line_a_seed_and_a_mark_at_the_best_epoch() -> None:
    histories = {"rnn": [history(0.6, 0.5, 0.7), history(0.6, 0.5)], "lstm": [history(0.4, 0.6)]}
    figure = common.training_curves(histories)
    assert len(figure.axes) == 4
    for panel in figure.axes:
        lines = [line.get_xdata() for line in panel.lines]
        assert [len(line) for line in lines if len(line) > 1] == [3, 3, 2, 2]
        assert [float(line[0]) for line in lines if len(line) == 1] == [2, 2, 1]
    assert legend(figure) == ["rnn (2 seeds)", "lstm (1 seed)"]


def test_the_band_of_a_training_curve_is_the_range_of_the_seeds_still_in_training() -> None:
    figure = common.training_curve({"rnn": [history(0.6, 0.5, 0.7), history(0.8, 0.9)]}, "val_loss")
    (panel,) = figure.axes
    assert panel.lines[0].get_ydata().tolist() == pytest.approx([0.7, 0.7, 0.7])
    band = panel.collections[0].get_paths()[0].vertices
    assert {(x, round(float(y), 6)) for x, y in band if x == 1} == {(1, 0.6), (1, 0.8)}
    assert {(x, round(float(y), 6)) for x, y in band if x == 3} == {(3, 0.7)}


def test_training_and_validation_rows_are_drawn_on_one_scale() -> None:
    histories = {"rnn": [history(0.6, 0.5, 0.9)]}
    limits = {common.training_curve(histories, column).axes[0].get_ylim() for column in ("loss", "val_loss")}
    assert len(limits) == 1
    ((low, high),) = limits
    assert low < 0.2 < 0.9 < high


def test_training_curves_say_what_they_show() -> None:
    figure = common.training_curves({"rnn": [history(0.6, 0.5)]})
    assert [panel.get_title() for panel in figure.axes] == ["training rows", "validation rows", "", ""]
    assert [panel.get_ylabel() for panel in figure.axes] == ["accuracy", "", "loss (nats)", ""]
    assert all(panel.get_xlabel().startswith("epoch") for panel in figure.axes[2:])
    assert figure.axes[3].lines[0].get_ydata().tolist() == [0.6, 0.5]


def test_a_training_that_does_not_change_is_drawn() -> None:
    flat = pd.DataFrame({"epoch": [1, 2], "loss": 0.5, "val_loss": 0.5, "accuracy": 1.0, "val_accuracy": 1.0})
    low, high = common.training_curve({"rnn": [flat]}, "accuracy").axes[0].get_ylim()
    assert low < 1 < high


def test_a_training_of_one_epoch_is_drawn() -> None:
    assert len(common.training_curves({"rnn": [history(0.6)]}).axes[0].lines) == 2


def test_models_have_lines_of_their_own_colour_and_style() -> None:
    histories = {f"model_{number}": [history(0.6, 0.5)] for number in range(6)}
    panel = common.training_curves(histories).axes[0]
    lines = [line for line in panel.lines if len(line.get_xdata()) > 1]
    assert len({line.get_color() for line in lines}) == 6


def test_the_lines_of_six_models_begin_with_a_dash_where_their_values_begin() -> None:
    figure = common.training_curve({f"model_{number}": [history(0.6, 0.5)] for number in range(6)}, "loss")
    drawing = svg.inline(figure, "loss", "training curves")
    dashes = re.findall(r"stroke-dasharray: ([^;]+); stroke-dashoffset: ([^;]+); stroke: #", drawing)
    assert len({dash for dash, _ in dashes}) == 5
    assert {offset for _, offset in dashes} == {"0"}


def confusion(*counts: int) -> npt.NDArray[np.int64]:
    side = round(len(counts) ** 0.5)
    return np.array(counts).reshape(side, side)


def test_confusion_matrices_are_means_with_true_classes_as_rows() -> None:
    seeds = [confusion(80, 20, 5, 15), confusion(60, 40, 15, 5)]
    figure = common.confusion_matrices({"rnn": seeds, "lstm": seeds[:1]}, ("bad", "good"))
    assert [panel.get_title() for panel in figure.axes] == ["rnn (mean of 2 seeds)", "lstm (1 seed)"]
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["70.0%\n70 rows", "30.0%\n30 rows", "50.0%\n10 rows", "50.0%\n10 rows"]
    assert figure.axes[0].collections[0].get_array().tolist() == [[0.7, 0.3], [0.5, 0.5]]


def test_confusion_matrices_name_the_classes_on_both_axes() -> None:
    (panel,) = common.confusion_matrices({"rnn": [confusion(1, 0, 0, 1)]}, ("bad", "good")).axes
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("predicted", "true")
    assert (panel.get_xlim(), panel.get_ylim()) == ((0, 2), (2, 0))
    assert [text.get_text() for text in panel.get_xticklabels()] == ["bad", "good"]
    assert [text.get_text() for text in panel.get_yticklabels()] == ["bad", "good"]


@pytest.mark.parametrize("labels", [("$\\frac{$", "$x_1$"), ("\\$", "$"), ("\\", "a, b"), ("x" * 30, "{%#&}")])
def test_labels_are_drawn_as_they_are_written(labels: tuple[str, str]) -> None:
    figure = common.confusion_matrices({"rnn": [confusion(1, 0, 0, 1)]}, labels)
    figure.canvas.draw()  # would raise where a label is read as a formula


@pytest.mark.filterwarnings("error")
def test_a_confusion_matrix_without_rows_of_a_class_is_drawn() -> None:
    (panel,) = common.confusion_matrices({"rnn": [confusion(0, 0, 1, 3)]}, ("bad", "good")).axes
    assert panel.texts[0].get_text() == "0.0%\n0 rows"


def test_a_matrix_of_six_labels_has_percentages_and_one_of_fifty_colours_alone() -> None:
    for count, written in ((6, 36), (50, 0)):
        names = [f"label {number}" for number in range(count)]
        (panel,) = common.confusion_matrices({"rnn": [10 * np.eye(count, dtype=int)]}, names).axes
        assert len(panel.texts) == written
        assert [text.get_text() for text in panel.get_yticklabels()] == names
    assert not panel.texts


def test_of_a_thousand_labels_the_most_frequent_are_drawn() -> None:
    counts = np.diag(np.arange(1000))
    names = [f"label {number}" for number in range(1000)]
    (panel,) = common.confusion_matrices({"rnn": [counts]}, names).axes
    assert [text.get_text() for text in panel.get_xticklabels()] == names[-common.DRAWN_LABELS :]


def test_the_hardest_labels_stand_on_top_with_the_range_over_the_seeds() -> None:
    scores = {"rnn": np.array([[0.9, 0.2, 0.6], [0.7, 0.4, 0.6]]), "lstm": np.array([[1.0, 0.5, 0.7]])}
    figure = common.label_scores(scores, ("easy", "hard", "between"))
    (panel,) = figure.axes
    assert [text.get_text() for text in panel.get_yticklabels()] == ["hard", "between", "easy"]
    means, _, (reach,) = panel.containers[0]
    assert means.get_xdata().tolist() == pytest.approx([0.3, 0.6, 0.8])
    assert reach.get_segments()[0][:, 0].tolist() == pytest.approx([0.2, 0.4])
    assert panel.get_ylim() == (2.5, -0.5)
    low, high = panel.get_xlim()
    assert -0.05 < low < 0 and 1 < high < 1.05
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["rnn (2 seeds)", "lstm (1 seed)"]


def test_the_scores_of_six_models_keep_apart_by_colour_and_mark() -> None:
    figure = common.label_scores({f"model_{number}": np.array([[0.9, 0.2]]) for number in range(6)}, ("a", "b"))
    lines = [each.lines[0] for each in figure.axes[0].containers]
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 6


def test_roc_curves_have_a_line_a_run_and_areas_in_the_legend() -> None:
    figure = common.roc_curves(predictions(), {"rnn": (0.75, 0.0125), "lstm": (0.8, 0.0)})
    (panel,) = figure.axes
    assert len(panel.lines) == 2 * 2 + 1
    assert legend(figure) == ["rnn: area 0.750 ± 0.013", "lstm: area 0.800 ± 0.000", "chance: area 0.5"]
    assert (panel.get_xlabel(), panel.get_ylabel()) == ("false positive rate", "true positive rate")


def test_a_perfect_model_s_curve_goes_through_the_corner() -> None:
    rows = predictions(["rnn"], [1])
    rows["probability"] = rows["label"].astype(float)
    (panel,) = common.roc_curves(rows, {"rnn": (1.0, 0.0)}).axes
    assert [0.0, 1.0] in panel.lines[0].get_xydata().tolist()


def test_length_groups_are_of_single_runs() -> None:
    rows = predictions()
    rows["probability"] = np.where(rows["words"] > 30, rows["label"], 1 - rows["label"])
    groups = common.length_groups(rows)
    assert list(groups.columns) == ["model", "seed", "words", "accuracy", "rows"]
    assert groups.groupby(["model", "seed"], sort=False)["rows"].sum().to_dict() == {
        (model, seed): 60 for model in ("rnn", "lstm") for seed in (1, 2)
    }
    assert set(groups.loc[groups["words"] < 30, "accuracy"]) == {0.0}
    assert set(groups.loc[groups["words"] > 31, "accuracy"]) == {1.0}


def test_accuracy_over_length_shows_every_model_and_chance() -> None:
    figure = common.accuracy_over_length(common.length_groups(predictions()))
    assert sorted(legend(figure)) == ["chance", "lstm", "rnn"]
    assert figure.axes[0].get_ylabel() == "test accuracy ± 1 sd over seeds"


def test_six_models_have_marks_of_their_own_over_length() -> None:
    models = [f"model_{number}" for number in range(6)]
    bars = common.accuracy_over_length(common.length_groups(predictions(models))).axes[0].containers
    assert len({each.lines[0].get_marker() for each in bars}) == 6


def test_accuracies_are_labelled_in_whole_percent() -> None:
    over_length = common.accuracy_over_length(common.length_groups(predictions()))
    for panel in (over_length.axes[0], common.training_curve({"rnn": [history(0.6, 0.5)]}, "accuracy").axes[0]):
        assert panel.yaxis.get_major_formatter()(0.5) == "50%"


def test_accuracy_over_length_draws_the_mean_over_the_seeds() -> None:
    groups = pd.DataFrame(
        {"model": "rnn", "seed": [1, 2, 1, 2], "words": [10.0, 10.0, 20.0, 20.0], "accuracy": [0.6, 0.8, 0.5, 0.7]}
    )
    (panel,) = common.accuracy_over_length(groups).axes
    np.testing.assert_allclose(panel.containers[0].lines[0].get_xydata(), [[10, 0.7], [20, 0.6]])


def test_one_seed_has_no_spread_to_draw() -> None:
    figure = common.accuracy_over_length(common.length_groups(predictions(seeds=[1])))
    bars = figure.axes[0].containers[0].lines[2][0].get_segments()
    assert all(low[1] == high[1] for low, high in bars)


def test_a_figure_is_saved_and_closed(tmp_path: Path) -> None:
    figure = common.confusion_matrices({"rnn": [confusion(8, 2, 1, 9)]}, ("negative", "positive"))
    figure.savefig(tmp_path / "confusion.png")
    image = plt.imread(tmp_path / "confusion.png")
    assert image.shape[:2] == (460, 480)
    assert image.std() > 0
    common.close(figure)
    assert not plt.fignum_exists(figure.number)
