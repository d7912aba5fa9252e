"""The page of one result: everything that `templates/index.html` shows, computed."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from rnnlab import (
    answer_section,
    architectures,
    data_section,
    distance_sweep,
    figures,
    origins,
    readings,
    result_figures,
    svg,
)
from rnnlab.architectures import Layer
from rnnlab.files import read_json
from rnnlab.pages import Drawing, Table, render
from rnnlab.params import Params, Run
from rnnlab.result_figures import Panel, Tables
from rnnlab.results import in_order, read_costs, read_timings
from rnnlab.tables import read_parquet, read_table

SECTIONS = ("Answer", "Rerun", "Data", "Models", "Training", "Results", "Why", "Mistakes")
ENDS = ("mean", "low", "high")
DIFFERENCES = 10  # rows that one network alone has right, and as many of the other


class Files(NamedTuple):
    """Where the stages before left what the page shows.

    Attributes:
        history: folder of the histories.
        metrics: reports/metrics.json.
        comparison: reports/comparison.json.
        predictions: of the test rows.
        explanations: folder of the tables from `rnnlab.insights`.
        models: folder of the ``.keras`` files.
        rows: clean rows.
        rejected: refused rows.
        summary: reports/data.json.
        features: reports/features.json.
        validation: reports/validation.json.
        vocabulary: the word of each id.
        timings: folder; what is gone from it, the page does not show.
        sweeps: folder of the tables of `rnnlab experiments report`; it need not be there.
    """

    history: Path
    metrics: Path
    comparison: Path
    predictions: Path
    explanations: Path
    models: Path
    rows: Path
    rejected: Path
    summary: Path
    features: Path
    validation: Path
    vocabulary: Path
    timings: Path
    sweeps: Path


class Network(NamedTuple):
    """A network: its name, the layers, and the recurrent cell whose formula is shown."""

    model: str
    layers: Sequence[Layer]
    cell: str
    parameters: int


def write(settings: Params, files: Files) -> str:
    """Makes the page.

    Raises:
        UserError: something that an earlier stage writes is missing or damaged.
    """
    metrics, tables = in_order(settings, read_json(files.metrics)), read_tables(settings, files)
    timings = read_timings(settings, files.timings)
    comparison, text = read_json(files.comparison), settings.task == "text"
    wrong = read_table(files.explanations / "mistakes.csv", dtype={"id": str})
    costs = read_costs(settings, files.timings, timings)
    answer = answer_section.answer(settings, metrics, comparison, costs, tables.lengths)
    drawn = draw(settings, tables, files.sweeps)
    return render(
        "index.html",
        sections=[(name.lower(), name) for name in SECTIONS if name != "Why" or text or drawn["why"]],
        title=f"{' against '.join(settings.compare)} on {Path(settings.data.csv).name}",
        answer=answer,
        origin=origins.trace(settings),
        data=data_section.describe(
            read_json(files.summary),
            read_json(files.features),
            read_json(files.validation),
            files.rejected,
            read_json(files.vocabulary),
            settings.tokenize_pad.max_length,
        ),
        networks=[network(name, settings.train.seeds[0], files.models) for name in settings.compare],
        drawn=drawn,
        trainings=trainings_table(settings, tables.histories, timings),
        intervals=intervals_table(comparison, settings.scored),
        seeds=len(settings.train.seeds),
        labels=settings.data.labels,
        models=settings.compare,
        traced=readings.traced(settings, result_figures.read_traces(settings, files.explanations)) if text else [],
        mistakes=readings.mistakes(settings, tables.predictions, wrong, files.rows, DIFFERENCES) if text else [],
        errors=None if text else errors_table(wrong),
    )


def read_tables(settings: Params, files: Files) -> Tables:
    """Reads what figures are drawn from."""
    predictions = read_parquet(files.predictions)
    return Tables(
        histories=result_figures.read_histories(settings, files.history),
        metrics=read_json(files.metrics),
        predictions=predictions,
        lengths=result_figures.length_table(settings, predictions),
        explanations=files.explanations,
    )


def network(model: str, seed: int, folder: Path) -> Network:
    """Describes the network of a model; those of all its seeds have the same layers."""
    layers = architectures.read_layers(folder / f"{Run(model, seed).name}.keras")
    cell = next((layer.cell for layer in layers if layer.cell), "")
    return Network(model, layers, cell, sum(layer.parameters for layer in layers))


def draw(settings: Params, tables: Tables, sweeps: Path) -> dict[str, list[Drawing]]:
    """Draws the figures of the page by section."""
    drawings: dict[str, list[Drawing]] = {"training": [], "results": [], "why": []}
    with svg.style():
        for panel in [*result_figures.panels(settings, tables), *sweep_panels(sweeps)]:
            drawings[panel.section].append(Drawing(svg.inline(panel.figure, panel.name, panel.label), panel.caption))
            figures.close(panel.figure)
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
