"""The page of one result: computes everything that `templates/index.html` shows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnlab.evaluation import comparisons, convergence, metrics
from rnnlab.evaluation.convergence import Convergence
from rnnlab.evaluation.costs import in_order, race, read_costs, read_timings
from rnnlab.evaluation.figure_intervals import ALL, LENGTH
from rnnlab.features.clean_rows import read_labels, read_sequence_names, read_texts
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.files import read_json
from rnnlab.project.params import Params, Run
from rnnlab.project.tasks import MEAN_SQUARED_ERROR, MEASURES, SERIES, SLICE, TASKS, TaskName
from rnnlab.report import answer_section, data_section, heat_maps, known_sweeps, origins, readings, svg, tuning_section
from rnnlab.report.figures import common, texts
from rnnlab.report.figures import result as result_figures
from rnnlab.report.figures.tables import Panel, Tables
from rnnlab.report.pages import Drawing, Table, render
from rnnlab.report.tuning_section import TuningSection

SECTIONS = ("Answer", "Rerun", "Data", "Models", "Training", "Tuning", "Results", "Why", "Mistakes")
DIFFERENCES = 10  # rows that only the first network labels right, and as many of the last


class Network(NamedTuple):
    """A network: its name, its layers from `rnnlab.networks.layers.describe`, and the cell whose formula is shown."""

    model: str
    layers: Sequence[Mapping[str, Any]]
    cell: str
    parameters: int


def write(settings: Params) -> str:
    """Renders the page of the result in the workspace.

    Raises:
        UserError: something that an earlier stage writes is missing or damaged.
    """
    figures, tables = in_order(settings, read_json(layout.METRICS)), result_figures.read_tables(settings)
    timings = read_timings(settings, layout.TIMINGS)
    comparison, costs = read_json(layout.COMPARISON), read_costs(settings, layout.TIMINGS, timings)
    reached = race(settings, tables.histories, timings)
    answer = answer_section.answer(settings, figures, comparison, costs, reached, tables.lengths)
    tuning = tuning_section.describe(settings)
    drawn, rows = draw(settings, tables, tuning), ROWS[settings.task](settings, tables)
    absent = {"Why": not rows["traced"] and not drawn["why"], "Tuning": not tuning}
    return render(
        "index.html",
        sections=[(name.lower(), name) for name in SECTIONS if not absent.get(name)],
        title=f"{' against '.join(settings.compare)} on {Path(settings.data.csv).name}",
        answer=answer,
        origin=origins.trace(settings),
        data=data_section.describe(
            read_json(layout.SUMMARY),
            read_json(layout.FEATURE_FIGURES),
            read_json(layout.VALIDATION),
            layout.REJECTED,
            read_json(layout.VOCABULARY),
            settings,
        ),
        matched=comparisons.match_sentence(comparison),
        networks=[network(name, settings.train.seeds[0]) for name in settings.compare],
        drawn=drawn,
        trainings=trainings_table(settings, tables.histories, timings, comparison.get("convergence", {})),
        intervals=intervals_table(comparison, settings.scored),
        slices=slices_tables(comparison, settings.scored),
        tuning=tuning,
        seeds=len(settings.train.seeds),
        first_seed=settings.train.seeds[0],
        task=TASKS[settings.task],
        labels=read_labels(),
        models=settings.compare,
        **rows,
    )


def _texts(settings: Params, tables: Tables) -> dict[str, Any]:
    traced = readings.traced(settings, texts.read_traces(), read_labels())
    return {**_labelled(settings, tables, read_texts), "traced": traced, "heat_maps": heat_maps.read()}


def _labelled(settings: Params, tables: Tables, shown: readings.Shown) -> dict[str, Any]:
    wrong, labels = read_table(layout.EXPLANATIONS / "mistakes.csv", dtype={"id": str}), read_labels()
    return {
        "mistakes": readings.mistakes(settings, tables.predictions, wrong, labels, layout.ROWS, DIFFERENCES, shown),
        "by_label": labels_table(texts.confusion_matrices(settings, tables.predictions, len(labels)), labels),
        "every_figure": figures_tables(
            settings, read_table(layout.EXPLANATIONS / "intervals.csv", keep_default_na=False, dtype={"value": str})
        ),
        "errors": None,
        "in_unit": None,
    }


def _sequences(settings: Params, tables: Tables) -> dict[str, Any]:
    return {**_labelled(settings, tables, read_sequence_names), "traced": [], "heat_maps": {}}


def _forecasts(settings: Params, tables: Tables) -> dict[str, Any]:
    in_unit = unit_table(tables.metrics, settings)
    errors = errors_table(read_table(layout.EXPLANATIONS / "mistakes.csv"), settings.data.value_column)
    none: dict[str, Any] = {"traced": [], "heat_maps": {}, "mistakes": [], "by_label": None, "every_figure": []}
    return {**none, "errors": errors, "in_unit": in_unit}


# The single test rows that the page shows: texts word by word, wrong labels, or large errors.
ROWS: dict[TaskName, Callable[[Params, Tables], dict[str, Any]]] = {
    "text": _texts,
    "series": _forecasts,
    "sequences": _sequences,
}


def network(model: str, seed: int) -> Network:
    """Describes a model's network; it has the same layers with every seed."""
    layers = read_json(layout.layers(Run(model, seed)))
    cell = next((layer["cell"] for layer in layers if layer["cell"]), "")
    return Network(model, layers, cell, sum(layer["parameters"] for layer in layers))


def draw(settings: Params, tables: Tables, tuning: TuningSection | None) -> dict[str, list[Drawing]]:
    """Draws the figures of the page by section."""
    drawings: dict[str, list[Drawing]] = {"training": [], "tuning": [], "results": [], "why": []}
    with svg.style():
        of_experiments = [*tuning_section.panels(tuning), *sweep_panels(layout.EXPERIMENTS_CURVES, settings.task)]
        for panel in [*result_figures.panels(settings, tables), *of_experiments]:
            drawings[panel.section].append(Drawing(svg.inline(panel.figure, panel.name, panel.label), panel.caption))
            common.close(panel.figure)
    return drawings


def sweep_panels(folder: Path, task: TaskName) -> Iterator[Panel]:
    """Draws the curves of a task's named experiments that vary one parameter."""
    for source in sorted(folder.glob("*.csv")):
        swept = known_sweeps.of_points(read_table(source))
        if swept and swept.sweep.section and swept.sweep.task == task:
            sweep, points = swept
            told = answer_section.capitalised(swept.sentence)
            caption = f"From the experiment {source.stem}, not from this run: {sweep.caption}. {told}."
            yield Panel(sweep.section, source.stem, sweep.draw(points), sweep.label, caption)


def trainings_table(
    settings: Params, histories: pd.DataFrame, timings: Mapping[Run, Mapping[str, Any] | None], found: Convergence
) -> Table:
    """Shows each training: its epochs, the best of them, its time, and whether it had converged."""
    rows = []
    for run in settings.runs:
        history, timing = histories[histories["run"] == run.name], timings.get(run)
        best = history.loc[history["val_loss"].idxmin()]
        seconds = timing["epoch_seconds"] if timing else []
        rows.append(
            [
                run.name,
                str(len(history)),
                f"{best['epoch']:.0f}",
                f"{best['val_loss']:.4f}",
                f"{median(seconds):.1f}" if seconds else "–",
                f"{sum(seconds):.1f}" if seconds else "–",
                convergence.word(found, run),
            ]
        )
    headings = ["training", "epochs", "best epoch", "validation loss", "seconds per epoch", "training seconds"]
    caption = "Every training: best epoch, the loss there, time (median per epoch), and whether it had converged"
    return Table(caption, [*headings, "converged"], rows, text=(0, 6))


def intervals_table(comparison: Mapping[str, Any], models: Sequence[str]) -> Table:
    """Shows each model's score and its interval, in the order of ``models``."""
    measure = MEASURES[comparison["measure"]]
    rows = [[name, *comparisons.interval_cells(measure, comparison["intervals"][name])] for name in models]
    caption = f"Test {measure.name} with 95 % intervals"
    return Table(caption, ["model", measure.name, "interval"], rows)


def slices_tables(comparison: Mapping[str, Any], models: Sequence[str]) -> list[Table]:
    """Shows each model's score in each slice of the test rows, the slices in which the networks are worst first."""
    name = MEASURES[comparison["measure"]].name
    return [
        Table(f"Test {name} by {column}, with 95 % intervals", list(rows[0]), [list(row.values()) for row in rows])
        for column, rows in comparisons.slice_tables(comparison, models).items()
    ]


def figures_tables(settings: Params, found: pd.DataFrame) -> list[Table]:
    """Shows every figure of each model with its interval: on all rows, by slice, the worst first, and by length."""
    task = TASKS[settings.task]
    tables, headings = [], {key: heading for heading, key in task.columns.items()}
    for column, group in found.groupby("column", sort=False):
        networks = group[group["model"].isin(settings.compare) & (group["figure"] == "accuracy")]
        means = networks.groupby("value", sort=False)["mean"].mean()
        values = means.index if column == LENGTH else means.sort_values(kind="stable").index
        counts, figures = dict(zip(group["value"], group["rows"], strict=True)), group["figure"].unique()
        cells = {
            (row.value, row.model, row.figure): f"{row.mean:.3f} ({row.low:.3f} to {row.high:.3f})"
            for row in group[["value", "model", "figure", "mean", "low", "high"]].itertuples()
        }
        rows = [
            [value, f"{counts[value]:,}", model, *(cells.get((value, model, figure), "–") for figure in figures)]
            for value in values
            for model in settings.scored
        ]
        name = f"{task.unit}s" if column == LENGTH else str(column).removeprefix(SLICE)
        named = [name, "test rows", "model", *(headings.get(figure, figure.replace("_", " ")) for figure in figures)]
        if column == ALL:
            named, rows = named[2:], [row[2:] for row in rows]
        caption = f"Every figure {'on all test rows' if column == ALL else f'by {name}'}, with 95 % intervals"
        tables.append(Table(caption, named, rows, text=(0, named.index("model"))))
    return tables


def labels_table(confusions: texts.Confusions, labels: Sequence[str]) -> Table:
    """Shows precision, recall and F1 of each label, means over the seeds of each network."""
    means = {name: np.mean([metrics.by_label(table) for table in seeds], axis=0) for name, seeds in confusions.items()}
    rows = [int(count) for count in next(iter(confusions.values()))[0].sum(axis=1)]
    cells = [
        [label, f"{count:,}", *(f"{figure:.3f}" for table in means.values() for figure in table[number])]
        for number, (label, count) in enumerate(zip(labels, rows, strict=True))
    ]
    headings = [f"{name} {figure}" for name in means for figure in ("precision", "recall", "F1")]
    return Table("Each label, means over the seeds", ["label", "test rows", *headings], cells)


def unit_table(metrics: Mapping[str, Any], settings: Params) -> Table:
    """Shows the errors of each model in the unit of the data, and how many values its prediction intervals hold."""
    columns = {"RMSE": "rmse", "MAE": "mae", "sMAPE": "smape", "MASE": "mase", "width of interval": "interval_width"}
    figure = MEAN_SQUARED_ERROR.table_figure
    means = {name: metrics[name]["mean"] for name in settings.scored}
    rows = [
        [name, *(figure(mean[key]) for key in columns.values()), f"{100 * mean['coverage']:.1f} %"]
        for name, mean in means.items()
    ]
    caption = (
        f"Test errors in the unit of {settings.unit_of_errors} (sMAPE: a share; MASE: a multiple of the naive error"
        f" on training rows), and prediction intervals for {100 * settings.evaluate.coverage:g} % of the values"
    )
    return Table(caption, ["model", *columns, "values inside"], rows)


def errors_table(wrong: pd.DataFrame, unit: str) -> Table:
    """Shows the largest errors of each forecaster, in the unit of a column."""
    figure = MEAN_SQUARED_ERROR.table_figure
    rows = [
        [row.model, f"{row.seed}", f"{row.row + row.step - 1:,}", f"{row.step}"]
        + [figure(value) for value in (row.target, row.predicted, row.error)]
        for row in wrong.itertuples()
    ]
    caption = f"The largest errors of each network, in the unit of {unit}"
    headings = ["model", "seed", "row of the series", "steps ahead", "true", "predicted", "error"]
    if SERIES in wrong:
        caption += ", of all as multiples of their series' naive error"
        headings, rows = ["series", *headings], [[name, *row] for name, row in zip(wrong[SERIES], rows, strict=True)]
    return Table(caption, headings, rows)
