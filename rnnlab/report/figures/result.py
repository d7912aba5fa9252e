"""The figures of a result, from what the stages wrote: as whole pictures for slides, panel by panel for the page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from rnnlab.project import layout
from rnnlab.project.dataframes import read_parquet, read_table
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.report.figures import common
from rnnlab.report.figures import explanations as explanation_figures
from rnnlab.report.figures import series as series_figures


class Tables(NamedTuple):
    """What figures are drawn from.

    Attributes:
        histories: of all runs, from `read_histories`.
        metrics: as in reports/metrics.json.
        predictions: of the test rows, as the evaluate stage wrote them.
        lengths: from `length_table`.
        explanations: folder of the tables from `rnnlab.evaluation.explanation_tables`.
    """

    histories: pd.DataFrame
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    lengths: pd.DataFrame
    explanations: Path


class Panel(NamedTuple):
    """One figure of the page.

    Attributes:
        section: of the page: training, results or why.
        name: of the figure, unlike any other's.
        figure: the drawing.
        label: what it shows, for those who cannot see it.
        caption: how to read it.
    """

    section: str
    name: str
    figure: Figure
    label: str
    caption: str


def read_tables(settings: Params) -> Tables:
    """Reads what the stages before wrote."""
    predictions = read_parquet(layout.PREDICTIONS)
    return Tables(
        histories=read_histories(settings, layout.HISTORY),
        metrics=read_json(layout.METRICS),
        predictions=predictions,
        lengths=length_table(settings, predictions),
        explanations=layout.EXPLANATIONS,
    )


def read_histories(settings: Params, folder: Path) -> pd.DataFrame:
    """Joins the histories of all runs."""
    return pd.concat(
        read_table(folder / f"{run.name}.csv").assign(run=run.name, model=run.model, seed=run.seed)
        for run in settings.runs
    )


def length_table(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups the networks' test rows by length; a series has no lengths, and an empty table."""
    if settings.task == "series":
        return pd.DataFrame(columns=["run", "model", "seed", "words", "accuracy", "rows"])
    groups = common.length_groups(predictions[predictions["model"].isin(settings.compare)])
    groups.insert(0, "run", groups["model"] + "-" + groups["seed"].astype(str))
    return groups


def read_traces(settings: Params, folder: Path) -> pd.DataFrame:
    """Reads what the networks thought word by word, the labels as the data have them."""
    # A word may be "null", an id look like a number.
    traces = read_table(folder / "traces.csv", dtype={"text_id": str, "word": str}, keep_default_na=False)
    return traces.assign(label=traces["label"].map(dict(enumerate(settings.data.labels))))


def _read_explained(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_table(folder / "gradient_norms.csv"), read_table(folder / "calibration.csv")


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws whole pictures; returns them by file name."""
    drawn = {"training_curves.png": common.training_curves(by_model(settings, tables.histories))}
    if settings.task == "series":
        truth, predicted, rows = forecasts(settings.compare, tables.predictions)
        drawn["predicted_and_true.png"] = series_figures.predicted_and_true(truth, predicted, rows)
        drawn["errors.png"] = _errors(settings, tables)
        return drawn
    gradients, calibration = _read_explained(tables.explanations)
    return {
        **drawn,
        "confusion_matrices.png": common.confusion_matrices(confusions(settings, tables), settings.data.labels),
        "roc_curves.png": common.roc_curves(tables.predictions, areas(settings, tables)),
        "accuracy_by_length.png": common.accuracy_over_length(tables.lengths),
        "gradient_norms.png": explanation_figures.gradient_norms_over_distance(gradients),
        "traces.png": explanation_figures.traces(read_traces(settings, tables.explanations)),
        "calibration.png": explanation_figures.calibration_curves(calibration),
    }


def panels(settings: Params, tables: Tables) -> list[Panel]:
    """Draws the figures of the page, small enough for a telephone; the page shows traces as words instead."""
    models = " and ".join(settings.compare)
    drawn = _training_panels(settings, tables, models)
    return drawn + (_series_panels if settings.task == "series" else _text_panels)(settings, tables, models)


def _training_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    histories = by_model(settings, tables.histories)
    metric = common.main_metric(histories)
    words = {"accuracy": "accuracy", "mae": "mean absolute error", "loss": "loss"}
    drawn = []
    for column in (f"val_{metric}", "val_loss", metric, "loss"):
        rows = "validation" if column.startswith("val_") else "training"
        name = words[column.removeprefix("val_")]
        label = f"Line chart: {name} on {rows} rows by epoch, {models}"
        drawn.append(
            Panel(
                "training",
                column,
                common.training_curve(histories, column),
                label,
                f"{name.capitalize()} on {rows} rows.",
            )
        )
    return drawn


def _text_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    matrices = [
        Panel(
            "results",
            f"confusion-{name}",
            common.confusion_matrices({name: seeds}, settings.data.labels),
            f"Confusion matrix of {name}: {_shares(seeds, settings.data.labels)}",
            f"How {name} labels test rows: true labels are rows, what it said columns; each row adds up to 100 %.",
        )
        for name, seeds in confusions(settings, tables).items()
    ]
    lengths = Panel(
        "results",
        "accuracy-by-length",
        common.accuracy_over_length(tables.lengths),
        f"Line chart: test accuracy by words in the text, {models}",
        "Test accuracy in groups of texts of like length: whoever forgets falls on the right.",
    )
    roc = Panel(
        "results",
        "roc",
        common.roc_curves(tables.predictions, areas(settings, tables)),
        f"ROC curves of {models}, one a seed",
        "ROC curves, one a seed: the closer to the upper left corner, the better the model ranks the texts.",
    )
    return [*matrices, lengths, roc, *_explained_panels(tables, models)]


def _explained_panels(tables: Tables, models: str) -> list[Panel]:
    gradients, calibration = _read_explained(tables.explanations)
    return [
        Panel(
            "results",
            "calibration",
            explanation_figures.calibration_curves(calibration),
            f"Calibration curves of {models}, and how many rows are behind each point",
            "Calibration: on the diagonal, of the texts called 80 % positive 80 % are. Below, where the rows are.",
        ),
        Panel(
            "why",
            "gradient-norms",
            explanation_figures.gradient_norms_over_distance(gradients),
            f"Line chart: gradient norm by distance from the last word, {models}",
            "How much a word moves the answer, by its distance from the end (logarithmic). Where the gradient is gone,"
            " a network can learn nothing from the word; but a word it has learned to ignore has a small one as well.",
        ),
    ]


def _series_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    truth, predicted, rows = forecasts(settings.compare, tables.predictions)
    return [
        Panel(
            "results",
            "over-time",
            series_figures.over_time(truth, predicted, rows),
            f"Line chart: the last test steps of the series and what {models} predicted",
            "The last test steps and what the models predicted from the window before each, mean over the seeds.",
        ),
        Panel(
            "results",
            "against",
            series_figures.against(truth, predicted),
            f"Scatter plot: predicted over true values, {models}",
            "Predicted over true values of all test steps: a perfect model's lie on the diagonal.",
        ),
        Panel(
            "results",
            "errors",
            _errors(settings, tables),
            "Dot plot: mean squared error on test rows by model",
            "Mean squared error on test rows; baselines are forecasts without a network.",
        ),
    ]


def by_model(settings: Params, histories: pd.DataFrame) -> dict[str, list[pd.DataFrame]]:
    """Groups histories: by model, a table a seed."""
    return {
        name: [rows for _, rows in histories[histories["model"] == name].groupby("seed")] for name in settings.compare
    }


def confusions(settings: Params, tables: Tables) -> dict[str, list[dict[str, int]]]:
    """Takes the confusion matrix of each seed, by model."""
    return {
        name: [seed["confusion"] for seed in tables.metrics[name]["per_seed"].values()] for name in settings.compare
    }


def areas(settings: Params, tables: Tables) -> dict[str, tuple[float, float]]:
    """Takes mean and standard deviation of the area under the ROC curve, by model."""
    metrics = tables.metrics
    return {name: (metrics[name]["mean"]["roc_auc"], metrics[name]["sd"]["roc_auc"]) for name in settings.compare}


def forecasts(models: Sequence[str], predictions: pd.DataFrame) -> tuple[Any, dict[str, Any], Any]:
    """Averages forecasts over the seeds: true values, forecasts by model, rows in the CSV, each of shape (rows,)."""
    means = predictions.groupby(["model", "row"], sort=False)[["target", "predicted"]].mean()
    truth = means.loc[models[0], "target"]
    predicted = {name: means.loc[name, "predicted"].to_numpy() for name in models}
    return truth.to_numpy(), predicted, truth.index.to_numpy()


def _errors(settings: Params, tables: Tables) -> Figure:
    models = {name: tables.metrics[name] for name in settings.compare}
    return series_figures.error_bars(models, {name: tables.metrics[name]["mean"] for name in settings.baselines})


def _shares(seeds: list[dict[str, int]], labels: Sequence[str]) -> str:
    """Says in words what a confusion matrix shows."""
    parts = []
    for label, right, wrong in zip(
        labels, ("true_negative", "true_positive"), ("false_positive", "false_negative"), strict=True
    ):
        found, missed = (sum(seed[key] for seed in seeds) for key in (right, wrong))
        parts.append(
            f"{found / (found + missed):.1%} of the {label} rows right" if found + missed else f"no {label} row"
        )
    return ", ".join(parts)
