"""The second task on the same pipeline: the next value of a series."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import pyfunc, set_tracking_uri
from PIL import Image

from rnnlab.tracking import logged_models
from tests.pipeline.conftest import SERIES, Project, change_params


def test_the_same_stages_score_networks_and_baselines(finished_series: Project) -> None:
    metrics = json.loads((finished_series.folder / "reports/metrics.json").read_text())
    assert set(metrics) == {"lstm", "last_value", "linear", "ets"}
    errors = {"mse", "mae", "rmse", "r2", "smape", "mase", "coverage", "interval_width"}
    assert set(metrics["lstm"]["mean"]) == errors
    assert set(metrics["lstm"]["per_seed"]) == {"1"}
    for baseline in ("linear", "ets"):
        assert metrics[baseline]["mean"]["mse"] < metrics["last_value"]["mean"]["mse"]
    page = (finished_series.folder / "reports/comparison.md").read_text()
    assert "mean squared error" in page
    assert "Of 2 stretches of the test rows" in page and "| rows 249 to 274" in page
    for name in ("training_curves", "predicted_and_true", "errors", "forecasts", "attributions"):
        with Image.open(finished_series.folder / f"reports/figures/{name}.png") as image:
            image.load()


def test_time_only_runs_forward_and_the_scaler_knows_training_rows_alone(finished_series: Project) -> None:
    rows = pd.read_parquet(finished_series.folder / "data/interim/rows.parquet")
    spans = rows.groupby("split")["row"].agg(["min", "max"])
    assert spans.loc["train", "max"] < spans.loc["validation", "min"]
    assert spans.loc["validation", "max"] < spans.loc["test", "min"]
    features = finished_series.folder / "data/features"
    [scaler] = json.loads((features / "train/scaler.json").read_text())["series"]
    training = rows[rows["split"] == "train"]["value"]
    assert (scaler["mean"], scaler["scale"]) == pytest.approx((training.mean(), training.std(ddof=0)))
    for split in ("train", "validation", "test"):
        targets, numbers = (np.load(features / split / f"{name}.npy") for name in ("targets", "rows"))
        own = rows[rows["split"] == split]
        assert numbers.tolist() == own["row"].tolist()[SERIES["series.window"] :]
        values = rows.set_index("row")["value"][numbers]
        np.testing.assert_allclose(targets[:, 0], (values - scaler["mean"]) / scaler["scale"], rtol=1e-4, atol=1e-5)


def test_what_forecasts_rest_on_is_told_by_lag_and_channel(finished_series: Project) -> None:
    table = pd.read_csv(finished_series.folder / "reports/explanations/attributions.csv")
    assert table["lag"].tolist() == list(range(SERIES["series.window"], 0, -1))
    assert set(table["channel"]) == {"value"} and set(table["model"]) == {"lstm"}
    assert (table["attribution"] > 0).all()
    assert "What the forecasts rest on" in (finished_series.folder / "reports/index.html").read_text()


def test_nothing_changed_runs_nothing(finished_series: Project) -> None:
    assert "up to date" in finished_series.run("dvc", "status").stdout


def test_the_logged_model_forecasts_in_the_unit_of_the_series(finished_series: Project) -> None:
    [run] = [run for run in finished_series.runs("tags.kind = 'model'") if run.info.run_name == "lstm-1"]
    set_tracking_uri(f"sqlite:///{finished_series.folder / 'mlflow/mlflow.db'}")
    rows = pd.read_parquet(finished_series.folder / "data/interim/rows.parquet").set_index("row")["value"]
    predictions = pd.read_parquet(finished_series.folder / "data/predictions.parquet")
    wanted = predictions[(predictions["model"] == "lstm") & (predictions["seed"] == 1)].head(5)
    window = SERIES["series.window"]
    values = [rows.loc[row - window : row - 1].tolist() for row in wanted["row"]]
    answer = pyfunc.load_model(logged_models.address(run)).predict(pd.DataFrame({"values": values}))
    assert list(answer) == ["next_value", "low", "high"]
    assert answer["next_value"].tolist() == pytest.approx(wanted["predicted"].tolist(), abs=1e-4)


def test_a_rerun_that_changed_nothing_has_not_drifted(finished_series: Project, tmp_path: Path) -> None:
    project = finished_series.copy(tmp_path / "project")
    told = project.inside("rnnlab.cli.main", "drift").stdout
    assert "# No model is worse than in HEAD" in told
    assert "| lstm " in told and "test MSE" in told and "the same" in told


MISTAKES = {
    "gaps": ("value\n1\n2\n\n4\n", "rows have no value in column 'value', first row 3"),
    "text": ("value\n1\ntwo\n3\n", "row 2 has 'two' in column 'value'"),
    "no such column": ("level\n1\n2\n", "no column 'value'"),
    "a constant": ("value\n" + "1\n" * 60, "a constant cannot be standardised"),
    "a window longer than the series": ("value\n" + "1\n2\n" * 14, "series.window"),
    "times that run backwards": ("day,value\n2024-01-02,1\n2024-01-01,2\n", "after '2024-01-02', which is later"),
    "a time twice": ("day,value\n2024-01-02,1\n2024-01-02,2\n", "after '2024-01-02', the same again"),
    "a step left out": ("day,value\n1,1\n2,2\n4,3\n", "after '2': a step of 2, where the first is 1"),
    "no time": ("day,value\n1,1\nsoon,2\n", "row 2 has 'soon' in column 'day'; expected a date or a number"),
    "no value at all": ("value,other\n,1\nNA,2\n", "2 of 2 rows have no value in column 'value', first row 1"),
    "words in a column of numbers": ("wind,value\n1,1\nN,2\n", "row 2 has 'N' in column 'wind'; expected a number"),
    "a covariate that never changes": ("wind,value\n" + "1,1\n1,2\n" * 60, "column 'wind' is 1.0 in all"),
    "a future that is not known": ("wind,value\n1,1\n2,2\n,\n", "1 of 3 rows have no value in column 'wind'"),
}
CHANGES = {"day": {"data.time_column": "day"}, "wind": {"data.covariates": ["wind"], "data.known_ahead": ["wind"]}}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_series_is_one_sentence_and_no_partial_result(mistake: str, fresh: Project) -> None:
    content, sentence = MISTAKES[mistake]
    (fresh.folder / "mine.csv").write_text(content)
    change_params(
        fresh.folder, SERIES | {"data.csv": "mine.csv", "series.window": 30} | CHANGES.get(content.split(",")[0], {})
    )
    done = fresh.stage("ingest", expect=None)
    if done.returncode == 0:
        done = fresh.stage("tokenize_pad", expect=1)
    else:
        assert not (fresh.folder / "data/interim/rows.parquet").exists()
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (fresh.folder / "data/features").exists()


PARAMS = {
    "a pooling that the task cannot have": (
        SERIES | {"models.lstm.pooling": "mean"},
        "models.lstm.pooling: the series task predicts from the last state, not mean",
    ),
    "an output of the other task": (
        SERIES | {"models.lstm.output": "sigmoid"},
        "models.lstm.output: the series task needs auto or linear, not sigmoid",
    ),
    "a baseline of the other task": (
        SERIES | {"baselines": ["tfidf"]},
        "baselines: must be last_value, seasonal_naive, drift, linear, ets, arima, a file extensions/baselines/NAME.py",
    ),
    "the last value of a text": (
        {"models.lstm.residual": True},
        "models.lstm.residual: the text task has no last value to add to; set false",
    ),
    "stretches of time where there is none": (
        {"evaluate.origins": 2},
        "evaluate.origins: rows of the text task have no order in time; set 1",
    ),
    "a split out of time": (
        SERIES | {"split.method": "random"},
        "split.method: the series task splits chronological, not random",
    ),
    "a margin of everything": ({"intervals.margin": 1.0}, "intervals.margin: must be less than 1"),
}


@pytest.mark.parametrize("mistake", PARAMS)
def test_parameters_that_do_not_fit_together_stop_before_anything_runs(mistake: str, fresh: Project) -> None:
    changes, sentence = PARAMS[mistake]
    change_params(fresh.folder, changes)
    assert sentence in fresh.stage("sample", expect=1).stderr
    assert not (fresh.folder / "data/sample/reviews.csv").exists()
