"""The page of several results side by side: everything that `templates/compare.html` shows, computed."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from rnnlab.experiments import comparison, comparison_tables
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY
from rnnlab.report import svg
from rnnlab.report.answer_section import capitalised
from rnnlab.report.figures import common
from rnnlab.report.figures import result as result_figures
from rnnlab.report.figures import series as series_figures
from rnnlab.report.figures.result import Panel
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
    changed = comparison_tables.differing_params(results)
    names = [result.name for result in results]
    headings, scores = comparison_tables.scores_rows(results)
    origins = comparison_tables.origins_rows(results, changed)
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
    for column in (f"val_{result.task.curve}", "val_loss") if by_model else ():
        name = column.removeprefix("val_").replace("mae", "mean absolute error")
        caption = f"{name.capitalize()} on validation rows: mean, range and each seed; marks are the best epochs."
        label = f"Line chart: {name} on validation rows by epoch, {result.name}"
        yield Panel("", column, common.training_curve(by_model, column, beside), label, caption)


def _predictions(result: Result) -> Iterator[Panel]:
    models = result.networks
    if result.predictions is None or not models:
        return
    mine = result.predictions[result.predictions["model"].isin(models)]
    if result.measure is not ACCURACY:
        truth, predicted, rows = result_figures.forecasts(models, mine)
        figure = series_figures.over_time(truth, predicted, rows)
        label = f"Line chart: the last test steps and what {' and '.join(models)} of {result.name} predicted"
        yield Panel(
            "", "over-time", figure, label, "The last test steps, and the predictions from the window before each."
        )
        return
    lengths = common.accuracy_over_length(common.length_groups(mine))
    label = f"Line chart: test accuracy by words in the text, {result.name}"
    yield Panel("", "accuracy-by-length", lengths, label, "Test accuracy in groups of texts of like length.")
    scored = {name: result.metrics[name] for name in models}
    areas = {
        name: (model["mean"]["roc_auc"], model.get("sd", {}).get("roc_auc", 0.0)) for name, model in scored.items()
    }
    yield Panel("", "roc", common.roc_curves(mine, areas), f"ROC curves of {result.name}", "ROC curves, one a seed.")
