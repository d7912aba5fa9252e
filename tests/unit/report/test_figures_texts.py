from collections.abc import Iterator
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rnnlab.project.params import Params
from rnnlab.report.figures import result as result_figures
from rnnlab.report.figures import texts
from tests.support.results import changed, lay_out


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture
def laid_out(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(tmp_path)
    ours = changed(settings, train__seeds=[1, 2], compare=["rnn", "lstm"])
    lay_out(ours)
    return ours


def test_accuracies_by_length_name_each_network_and_training(laid_out: Params) -> None:
    table = result_figures.read_tables(laid_out).lengths
    assert list(table.columns) == ["run", "model", "seed", "words", "accuracy", "rows"]
    assert set(table["run"]) == {"rnn-1", "rnn-2", "lstm-1", "lstm-2"}
    assert (table["run"] == table["model"] + "-" + table["seed"].astype(str)).all()
    assert set(table.groupby("run")["rows"].sum()) == {40}


def test_words_and_ids_of_traces_stay_text(laid_out: Params) -> None:
    rows = [("007", 1, "null", 0), ("007", 2, "NA", 0), ("1e5", 1, "9", 1)]
    table = pd.DataFrame(rows, columns=["text_id", "position", "word", "label"]).assign(model="rnn", seed=1)
    table.assign(probability=0.5).to_csv("reports/explanations/traces.csv", index=False)
    read = texts.read_traces()
    assert read["word"].tolist() == ["null", "NA", "9"]
    assert read["text_id"].tolist() == ["007", "007", "1e5"]
    assert read["label"].tolist() == ["negative", "negative", "positive"]


def test_panels_say_in_words_what_a_matrix_shows(laid_out: Params) -> None:
    tables = result_figures.read_tables(laid_out)
    panels = {panel.name: panel for panel in texts.panels(laid_out, tables, "rnn and lstm")}
    assert list(panels) == [
        "confusion-rnn",
        "confusion-lstm",
        "accuracy-by-length",
        "roc",
        "calibration",
        "gradient-norms",
    ]
    for name in ("rnn", "lstm"):
        rows = tables.predictions[tables.predictions["model"] == name]
        right = (rows["probability"] >= 0.5) == (rows["label"] == 1)
        of_label = {label: right[rows["label"] == code].mean() for code, label in enumerate(("negative", "positive"))}
        shares = [f"{share:.1%} of the {label} rows right" for label, share in of_label.items()]
        assert panels[f"confusion-{name}"].label == f"Confusion matrix of {name}: {', '.join(shares)}"
    assert panels["roc"].label == "ROC curves of rnn and lstm, one per seed"


def test_a_label_without_a_row_is_said(laid_out: Params) -> None:
    counts = np.array([[3, 1], [0, 0]])
    assert texts._shares([counts, counts], ("bad", "good")) == "75.0% of the bad rows right, no good row"


def test_slides_have_six_pictures(laid_out: Params) -> None:
    drawn = texts.pictures(laid_out, result_figures.read_tables(laid_out))
    assert [name.removesuffix(".png") for name in drawn] == [
        *("confusion_matrices", "accuracy_by_length", "calibration", "roc_curves", "gradient_norms", "traces"),
    ]
    assert min(len(figure.axes) for figure in drawn.values()) >= 1
