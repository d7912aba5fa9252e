"""The figures of a result on rows with labels: as pictures for slides, and panel by panel; texts have more of them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from rnnlab.evaluation import metrics
from rnnlab.evaluation.tables import cut
from rnnlab.features.clean_rows import read_labels
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS, answers
from rnnlab.report.figures import common, explanations
from rnnlab.report.figures.tables import Panel, Tables

SAID_LABELS = 12
Confusions = Mapping[str, Sequence[common.Counts]]  # by model, of each seed


def lengths(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Computes the networks' test accuracy by length: columns run, model, seed, words, accuracy, rows."""
    groups = common.length_groups(predictions[predictions["model"].isin(settings.compare)])
    groups.insert(0, "run", groups["model"] + "-" + groups["seed"].astype(str))
    return groups


def forecast(labels: Sequence[str]) -> str:
    """Says what probabilities are of: the second of two labels, or the label that is given."""
    return cut(labels[1], common.LONGEST_LABEL) if len(labels) == 2 else "label given"


def read_traces() -> pd.DataFrame:
    """Reads the networks' probabilities word by word; labels are those of the data."""
    # A word may be "null", an id look like a number.
    traces = read_table(layout.EXPLANATIONS / "traces.csv", dtype={"text_id": str, "word": str}, keep_default_na=False)
    return traces.assign(label=traces["label"].map(dict(enumerate(read_labels()))))


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures of texts for slides; returns them by file name."""
    return {
        **labelled_pictures(settings, tables),
        "gradient_norms.png": _gradients(),
        "traces.png": explanations.traces(read_traces(), forecast(read_labels())),
    }


def labelled_pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures that rows with labels have; returns them by file name."""
    labels, task = read_labels(), TASKS[settings.task]
    confusions = confusion_matrices(settings, tables.predictions, len(labels))
    found = {
        "confusion_matrices.png": common.confusion_matrices(confusions, labels),
        "accuracy_by_length.png": common.accuracy_over_length(tables.lengths, len(labels), task),
        "calibration.png": _calibration(labels),
    }
    if len(labels) == 2:
        return found | {"roc_curves.png": common.roc_curves(tables.predictions, _areas(settings, tables))}
    return found | {"label_scores.png": common.label_scores(_label_scores(confusions), labels)}


def panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page of texts; traces are not among them."""
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
    return [*labelled_panels(settings, tables, models), gradients]


def labelled_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    """Draws the figures of the page that rows with labels have."""
    labels, task = read_labels(), TASKS[settings.task]
    confusions = confusion_matrices(settings, tables.predictions, len(labels))
    matrices = [_matrix(name, seeds, labels) for name, seeds in confusions.items()]
    by_length = Panel(
        "results",
        "accuracy-by-length",
        common.accuracy_over_length(tables.lengths, len(labels), task),
        f"Line chart: test accuracy by {task.unit}s in the {task.item}, {models}",
        f"Test accuracy in groups of {task.item}s of similar length.",
    )
    ranking = _roc(settings, tables, models) if len(labels) == 2 else _by_label(confusions, labels, models)
    is_so = (
        f"of the {task.item}s given a probability of 80 % are {labels[1]}"
        if len(labels) == 2
        else "of such labels are right"
    )
    calibration = Panel(
        "results",
        "calibration",
        _calibration(labels),
        f"Calibration curves of {models}, and the share of rows behind each point",
        f"Calibration: on the diagonal, 80 % {is_so}. Thin curves are of"
        " one seed, thick ones of the forecasts of all seeds, none averaged. Below: the share of rows behind each"
        " point.",
    )
    lengths_differ = tables.lengths["words"].nunique() > 1
    return [*matrices, *([by_length] if lengths_differ else []), ranking, calibration]


def _roc(settings: Params, tables: Tables, models: str) -> Panel:
    item = TASKS[settings.task].item
    return Panel(
        "results",
        "roc",
        common.roc_curves(tables.predictions, _areas(settings, tables)),
        f"ROC curves of {models}, one per seed",
        f"ROC curves, one per seed: the closer to the upper left corner, the better the model ranks the {item}s.",
    )


def _by_label(confusions: Confusions, labels: Sequence[str], models: str) -> Panel:
    return Panel(
        "results",
        "label-scores",
        common.label_scores(_label_scores(confusions), labels),
        f"F1 of each label, {models}",
        "F1 of each label, the hardest first: the harmonic mean of how many rows with the label are found, and how many"
        " of those that are given it have it.",
    )


def _matrix(name: str, seeds: Sequence[common.Counts], labels: Sequence[str]) -> Panel:
    return Panel(
        "results",
        f"confusion-{name}",
        common.confusion_matrices({name: seeds}, labels),
        f"Confusion matrix of {name}: {_shares(seeds, labels)}",
        f"How {name} labels test rows: true labels are rows, predicted ones columns; each row adds up to 100 %.",
    )


def _calibration(labels: Sequence[str]) -> Figure:
    table = read_table(layout.EXPLANATIONS / "calibration.csv")
    return explanations.calibration_curves(table, forecast(labels))


def _gradients() -> Figure:
    return explanations.gradient_norms_over_distance(read_table(layout.EXPLANATIONS / "gradient_norms.csv"))


def confusion_matrices(settings: Params, predictions: pd.DataFrame, labels: int) -> Confusions:
    """Counts the test rows of each network by true and given label, a matrix a seed."""
    found: dict[str, list[common.Counts]] = {name: [] for name in settings.compare}
    for run in settings.runs:
        rows = predictions[(predictions["model"] == run.model) & (predictions["seed"] == run.seed)]
        found[run.model].append(metrics.confusion(rows["label"].to_numpy(), answers(rows).to_numpy(), labels))
    return found


def _label_scores(confusions: Confusions) -> dict[str, npt.NDArray[np.float64]]:
    return {name: np.stack([metrics.f1_by_label(table) for table in seeds]) for name, seeds in confusions.items()}


def _areas(settings: Params, tables: Tables) -> dict[str, tuple[float, float]]:
    metrics = tables.metrics
    return {name: (metrics[name]["mean"]["roc_auc"], metrics[name]["sd"]["roc_auc"]) for name in settings.compare}


def _shares(seeds: Sequence[common.Counts], labels: Sequence[str]) -> str:
    """Puts a confusion matrix into words."""
    total = np.sum(seeds, axis=0)
    parts = []
    for label, found, rows in zip(labels, total.diagonal(), total.sum(axis=1), strict=True):
        parts.append(f"{found / rows:.1%} of the {label} rows right" if rows else f"no {label} row")
    return ", ".join(parts[:SAID_LABELS]) + (f", and {len(parts) - SAID_LABELS} more" if parts[SAID_LABELS:] else "")
