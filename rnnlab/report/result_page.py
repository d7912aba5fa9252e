"""The page of one result: everything that `templates/index.html` shows, computed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.evaluation.costs import in_order, read_costs, read_timings
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.files import read_json
from rnnlab.project.params import Params, Run
from rnnlab.report import answer_section, data_section, distance_sweep, origins, readings, svg
from rnnlab.report.figures import common
from rnnlab.report.figures import result as result_figures
from rnnlab.report.figures.result import Panel, Tables
from rnnlab.report.pages import Drawing, Table, render

SECTIONS = ("Answer", "Rerun", "Data", "Models", "Training", "Results", "Why", "Mistakes")
ENDS = ("mean", "low", "high")
DIFFERENCES = 10  # rows that one network alone has right, and as many of the other


class Network(NamedTuple):
    """A network: its name, the layers, and the recurrent cell whose formula is shown."""

    model: str
    layers: Sequence[Mapping[str, Any]]
    cell: str
    parameters: int


def write(settings: Params) -> str:
    """Renders the page of the result in the workspace.

    Raises:
        UserError: something that an earlier stage writes is missing or damaged.
    """
    metrics, tables = in_order(settings, read_json(layout.METRICS)), result_figures.read_tables(settings)
    timings = read_timings(settings, layout.TIMINGS)
    comparison, text = read_json(layout.COMPARISON), settings.task == "text"
    wrong = read_table(layout.EXPLANATIONS / "mistakes.csv", dtype={"id": str})
    costs = read_costs(settings, layout.TIMINGS, timings)
    answer = answer_section.answer(settings, metrics, comparison, costs, tables.lengths)
    drawn = draw(settings, tables)
    return render(
        "index.html",
        sections=[(name.lower(), name) for name in SECTIONS if name != "Why" or text or drawn["why"]],
        title=f"{' against '.join(settings.compare)} on {Path(settings.data.csv).name}",
        answer=answer,
        origin=origins.trace(settings),
        data=data_section.describe(
            read_json(layout.SUMMARY),
            read_json(layout.FEATURE_FIGURES),
            read_json(layout.VALIDATION),
            layout.REJECTED,
            read_json(layout.VOCABULARY),
            settings.tokenize_pad.max_length,
        ),
        networks=[network(name, settings.train.seeds[0]) for name in settings.compare],
        drawn=drawn,
        trainings=trainings_table(settings, tables.histories, timings),
        intervals=intervals_table(comparison, settings.scored),
        seeds=len(settings.train.seeds),
        labels=settings.data.labels,
        models=settings.compare,
        traced=readings.traced(settings, result_figures.read_traces(settings, layout.EXPLANATIONS)) if text else [],
        mistakes=readings.mistakes(settings, tables.predictions, wrong, layout.ROWS, DIFFERENCES) if text else [],
        errors=None if text else errors_table(wrong),
    )


def network(model: str, seed: int) -> Network:
    """Describes the network of a model; those of all its seeds have the same layers."""
    layers = read_json(layout.layers(Run(model, seed)))
    cell = next((layer["cell"] for layer in layers if layer["cell"]), "")
    return Network(model, layers, cell, sum(layer["parameters"] for layer in layers))


def draw(settings: Params, tables: Tables) -> dict[str, list[Drawing]]:
    """Draws the figures of the page by section."""
    drawings: dict[str, list[Drawing]] = {"training": [], "results": [], "why": []}
    with svg.style():
        for panel in [*result_figures.panels(settings, tables), *sweep_panels(layout.EXPERIMENTS_CURVES)]:
            drawings[panel.section].append(Drawing(svg.inline(panel.figure, panel.name, panel.label), panel.caption))
            common.close(panel.figure)
    return drawings


def sweep_panels(folder: Path) -> Iterator[Panel]:
    """Draws how far networks remember, from the sweeps over the distance that were run as experiments."""
    for source in sorted(folder.glob("*.csv")):
        points = read_table(source)
        caption = (
            f"The long-range curve, of the experiment {source.stem} and not of this run: accuracy by the distance that"
            f" a verdict must be remembered over. {answer_section.capitalised(distance_sweep.sentence(points))}."
        )
        yield Panel("why", source.stem, distance_sweep.draw(points), "Line chart: accuracy over distance", caption)


def trainings_table(
    settings: Params, histories: pd.DataFrame, timings: Mapping[Run, Mapping[str, Any] | None]
) -> Table:
    """Shows each training: its epochs, the best of them, and how long it took."""
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
            ]
        )
    headings = ["training", "epochs", "best epoch", "its validation loss", "s an epoch (median)", "s in all"]
    return Table("Each training, a row a model and seed", headings, rows)


def intervals_table(comparison: Mapping[str, Any], models: Sequence[str]) -> Table:
    """Shows each model's score with its interval, in the order of ``models``."""
    accuracy, over = comparison["measure"] == "accuracy", comparison["over"].replace("_", " ")
    rows = []
    for name in models:
        ends = comparison["intervals"][name]
        mean, low, high = (f"{100 * ends[end]:.2f} %" if accuracy else f"{ends[end]:.4f}" for end in ENDS)
        rows.append([name, mean, f"{low} to {high}"])
    score = "accuracy" if accuracy else "mean squared error"
    return Table(f"Test {score} with 95 % bootstrap intervals over {over}", ["model", score, "interval"], rows)


def errors_table(wrong: pd.DataFrame) -> Table:
    """Shows the largest errors of each forecaster, predictions averaged over the seeds."""
    rows = [
        [row.model, f"{row.row:,}", f"{row.target:.3f}", f"{row.predicted:.3f}", f"{row.error:.3f}"]
        for row in wrong.itertuples()
    ]
    caption = "The largest errors of each network, in training standard deviations"
    return Table(caption, ["model", "row of the series", "true", "predicted", "error"], rows)
