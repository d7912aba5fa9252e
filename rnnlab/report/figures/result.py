"""The figures of a result: as pictures for slides, and panel by panel for the page."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from matplotlib.figure import Figure

from rnnlab.project import layout
from rnnlab.project.dataframes import read_parquet, read_table
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS, TaskName
from rnnlab.report.figures import common, others, series, texts
from rnnlab.report.figures.tables import Panel, Tables


class View(NamedTuple):
    """How a task computes `Tables.lengths`, and draws pictures for slides and panels, whose labels name the models."""

    lengths: Callable[[Params, pd.DataFrame], pd.DataFrame]
    pictures: Callable[[Params, Tables], dict[str, Figure]]
    panels: Callable[[Params, Tables, str], list[Panel]]


VIEWS: dict[TaskName, View] = {
    "text": View(texts.lengths, texts.pictures, texts.panels),
    "series": View(series.lengths, series.pictures, series.panels),
    "sequences": View(texts.lengths, texts.labelled_pictures, texts.labelled_panels),
}


def read_tables(settings: Params) -> Tables:
    """Reads what earlier stages wrote, the histories of all runs as one table."""
    predictions = read_parquet(layout.PREDICTIONS)
    histories = pd.concat(
        read_table(layout.history(run)).assign(run=run.name, model=run.model, seed=run.seed) for run in settings.runs
    )
    lengths = VIEWS[settings.task].lengths(settings, predictions)
    return Tables(histories, read_json(layout.METRICS), predictions, lengths)


def pictures(settings: Params, tables: Tables) -> dict[str, Figure]:
    """Draws the pictures for slides; returns them by file name."""
    training = common.training_curves(_by_model(settings, tables.histories))
    own = {f"{name}.png": others.draw(name, tables).figure for name in settings.figures}
    return {"training_curves.png": training, **VIEWS[settings.task].pictures(settings, tables), **own}


def panels(settings: Params, tables: Tables) -> list[Panel]:
    """Draws the figures of the page, small enough for a telephone; the page shows traces as words instead."""
    models = " and ".join(settings.compare)
    ours = [*_training_panels(settings, tables, models), *VIEWS[settings.task].panels(settings, tables, models)]
    return ours + [others.draw(name, tables) for name in settings.figures]


def _training_panels(settings: Params, tables: Tables, models: str) -> list[Panel]:
    histories = _by_model(settings, tables.histories)
    names = {TASKS[settings.task].curve: common.CURVES[settings.task].metric, "loss": "loss"}
    return [
        Panel(
            "training",
            f"{prefix}{column}",
            common.training_curve(histories, f"{prefix}{column}"),
            f"Line chart: {name} on {rows} rows by epoch, {models}",
            f"{name.capitalize()} on {rows} rows.",
        )
        for prefix, rows in (("val_", "validation"), ("", "training"))
        for column, name in names.items()
    ]


def _by_model(settings: Params, histories: pd.DataFrame) -> dict[str, list[pd.DataFrame]]:
    models = {name: histories[histories["model"] == name] for name in settings.compare}
    return {name: [rows for _, rows in table.groupby("seed")] for name, table in models.items()}
