"""The page of several results side by side: computes everything that `templates/compare.html` shows."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from rnnlab.experiments import comparison, comparison_tables
from rnnlab.project.results import Result
from rnnlab.project.tasks import TaskName, has_steps
from rnnlab.report import svg
from rnnlab.report.answer_section import capitalised
from rnnlab.report.figures import common, forecasts
from rnnlab.report.figures.tables import Panel
from rnnlab.report.pages import Drawing, Table, render


class Column(NamedTuple):
    """What is drawn of one result."""

    name: str
    drawings: Sequence[Drawing]


def write(results: Sequence[Result]) -> str:
    """Makes the page.

    Args:
        results: two or more; the others are compared with the first.

    Raises:
        UserError: they are of different tasks.
    """
    sentences = comparison.findings(results)
    names = [result.name for result in results]
    headings, scores = comparison_tables.scores_rows(results)
    origins = comparison_tables.origins_rows(results)
    return render(
        "compare.html",
        title=" against ".join(names),
        findings=[f"{capitalised(sentence)}." for sentence in sentences],
        origins=Table(
            "Where they come from, and the parameters that differ", ["fact", *names], origins, range(len(names) + 1)
        ),
        scores=Table(f"Figures of test rows; differences are to {names[0]}", headings, scores),
        columns=draw(results),
    )


def draw(results: Sequence[Result]) -> list[Column]:
    """Draws each result on the scales of all."""
    histories = [table for result in results for table in result.histories.values()]
    columns = []
    with svg.style():
        for number, result in enumerate(results):
            drawings = []
            for panel in [*_curves(result, histories), *_predictions(result)]:
                drawings.append(Drawing(svg.inline(panel.figure, f"{panel.name}-{number}", panel.label), panel.caption))
                common.close(panel.figure)
            columns.append(Column(result.name, drawings))
    return columns


def _curves(result: Result, beside: Sequence[pd.DataFrame]) -> Iterator[Panel]:
    by_model: dict[str, list[pd.DataFrame]] = {}
    for run, history in result.histories.items():
        by_model.setdefault(run.model, []).append(history)
    names = {f"val_{result.task.curve}": common.CURVES[result.task.name].metric, "val_loss": "loss"}
    for column, name in names.items() if by_model else ():
        caption = f"{name.capitalize()} on validation rows: mean, range and each seed; marks are best epochs."
        label = f"Line chart: {name} on validation rows by epoch, {result.name}"
        yield Panel("", column, common.training_curve(by_model, column, beside), label, caption)


def _predictions(result: Result) -> Iterator[Panel]:
    models = result.networks
    if result.predictions is None or not models:
        return
    mine = result.predictions[result.predictions["model"].isin(models)]
    yield from PREDICTIONS[result.task.name](result, models, mine)


def _forecasts(result: Result, models: Sequence[str], predictions: pd.DataFrame) -> Iterator[Panel]:
    unit = str(result.values.get("data", {}).get("value_column", "the series"))
    figure = forecasts.over_time(
        *forecasts.shown(models, predictions), unit if has_steps(predictions) else forecasts.STANDARDISED
    )
    label = f"Line chart: the last test steps and what {' and '.join(models)} of {result.name} predicted"
    yield Panel("", "over-time", figure, label, "The last test steps, and the predictions from the window before each.")


def _labelled(result: Result, models: Sequence[str], predictions: pd.DataFrame) -> Iterator[Panel]:
    lengths = common.accuracy_over_length(common.length_groups(predictions), task=result.task)
    label = f"Line chart: test accuracy by {result.task.unit}s in the {result.task.item}, {result.name}"
    yield Panel(
        "", "accuracy-by-length", lengths, label, f"Test accuracy in groups of {result.task.item}s of similar length."
    )
    scored = {name: result.metrics[name] for name in models}
    areas = {
        name: (model["mean"]["roc_auc"], model.get("sd", {}).get("roc_auc", 0.0)) for name, model in scored.items()
    }
    curves = common.roc_curves(predictions, areas)
    yield Panel("", "roc", curves, f"ROC curves of {result.name}", "ROC curves, one per seed.")


PREDICTIONS: dict[TaskName, Callable[[Result, Sequence[str], pd.DataFrame], Iterator[Panel]]] = {
    "text": _labelled,
    "series": _forecasts,
    "sequences": _labelled,
}
