"""The figures of a result on texts: as pictures for slides, and panel by panel for the page."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.params import Params
from rnnlab.report.figures import common, explanations
from rnnlab.report.figures.tables import Panel, Tables


def lengths(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Computes the networks' test accuracy by length of text: columns run, model, seed, words, accuracy, rows."""
    groups = common.length_groups(predictions[predictions["model"].isin(settings.compare)])
    groups.insert(0, "run", groups["model"] + "-" + groups["seed"].astype(str))
    return groups


def read_traces(settings: Params) -> pd.DataFrame:
    """Reads the networks' probabilities word by word; labels are those of the data."""
    # A word may be "null", an id look like a number.
    traces = read_table(layout.EXPLANATIONS / "traces.csv", dtype={"text_id": str, "word": str}, keep_default_na=False)
    return traces.assign(label=traces["label"].map(dict(enumerate(settings.data.labels))))


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures for slides; returns them by file name."""
    return {
        "confusion_matrices.png": common.confusion_matrices(_confusions(settings, tables), settings.data.labels),
        "roc_curves.png": common.roc_curves(tables.predictions, _areas(settings, tables)),
        "accuracy_by_length.png": common.accuracy_over_length(tables.lengths),
        "gradient_norms.png": _gradients(),
        "traces.png": explanations.traces(read_traces(settings)),
        "calibration.png": _calibration(),
    }


def panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page; traces are not among them."""
    matrices = [_matrix(name, seeds, settings.data.labels) for name, seeds in _confusions(settings, tables).items()]
    by_length = Panel(
        "results",
        "accuracy-by-length",
        common.accuracy_over_length(tables.lengths),
        f"Line chart: test accuracy by words in the text, {models}",
        "Test accuracy in groups of texts of similar length.",
    )
    roc = Panel(
        "results",
        "roc",
        common.roc_curves(tables.predictions, _areas(settings, tables)),
        f"ROC curves of {models}, one per seed",
        "ROC curves, one per seed: the closer to the upper left corner, the better the model ranks the texts.",
    )
    calibration = Panel(
        "results",
        "calibration",
        _calibration(),
        f"Calibration curves of {models}, and the share of rows behind each point",
        "Calibration: on the diagonal, 80 % of the texts given a probability of 80 % are positive. Thin curves are of"
        " one seed, thick ones of the forecasts of all seeds, none averaged. Below: the share of rows behind each"
        " point.",
    )
    gradients = Panel(
        "why",
        "gradient-norms",
        _gradients(),
        f"Line charts: gradient norm by distance from the last word before, early in and after training, {models}",
        "How much a small change of a word would move the answer (logarithmic scale), by the word's distance from the"
        " end: of networks with fresh weights, from which the first steps learn; after the first epoch, which shows"
        " whether training begins to reach farther back; and of the finished ones, which shows what moves their answer."
        " With pooling other than last, this does not show memory.",
    )
    return [*matrices, by_length, roc, calibration, gradients]


def _matrix(name: str, seeds: list[dict[str, int]], labels: Sequence[str]) -> Panel:
    return Panel(
        "results",
        f"confusion-{name}",
        common.confusion_matrices({name: seeds}, labels),
        f"Confusion matrix of {name}: {_shares(seeds, labels)}",
        f"How {name} labels test rows: true labels are rows, predicted ones columns; each row adds up to 100 %.",
    )


def _calibration() -> Figure:
    return explanations.calibration_curves(read_table(layout.EXPLANATIONS / "calibration.csv"))


def _gradients() -> Figure:
    return explanations.gradient_norms_over_distance(read_table(layout.EXPLANATIONS / "gradient_norms.csv"))


def _confusions(settings: Params, tables: Tables) -> dict[str, list[dict[str, int]]]:
    scored = {name: tables.metrics[name]["per_seed"] for name in settings.compare}
    return {name: [figures["confusion"] for figures in seeds.values()] for name, seeds in scored.items()}


def _areas(settings: Params, tables: Tables) -> dict[str, tuple[float, float]]:
    metrics = tables.metrics
    return {name: (metrics[name]["mean"]["roc_auc"], metrics[name]["sd"]["roc_auc"]) for name in settings.compare}


def _shares(seeds: list[dict[str, int]], labels: Sequence[str]) -> str:
    """Puts a confusion matrix into words."""
    parts = []
    outcomes = (("true_negative", "false_positive"), ("true_positive", "false_negative"))
    for label, keys in zip(labels, outcomes, strict=True):
        found, missed = (sum(seed[key] for seed in seeds) for key in keys)
        rows = found + missed
        parts.append(f"{found / rows:.1%} of the {label} rows right" if rows else f"no {label} row")
    return ", ".join(parts)
