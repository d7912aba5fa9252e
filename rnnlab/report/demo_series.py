"""The page on which networks forecast what follows the values that one pastes."""

import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from rnnlab.features import series_rows
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data
from rnnlab.project.tasks import TASKS
from rnnlab.report import svg
from rnnlab.report.demo_page import DemoPage
from rnnlab.report.figures import forecasts as figures
from rnnlab.report.pages import Drawing, Table
from rnnlab.serving import forecasts, predictors
from rnnlab.serving.forecasts import Forecast, Forecaster, Window
from rnnlab.serving.last_run import best_networks

LONGEST = 50_000  # characters: hundreds of rows of many columns
SEPARATORS = re.compile(r"[\s,;]+")  # between numbers
DRAWING = Lock()  # the style of figures is shared by all threads


class Answer(NamedTuple):
    """What the page shows of pasted values: why there is no forecast, or the first sentence, a chart and a table."""

    sentence: str
    drawings: Sequence[Drawing] = ()
    table: Table | None = None


def make(settings: Params) -> DemoPage:
    """Makes the page of the networks of the last run, or of the champion.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    return page(settings, networks(settings), last_rows(settings))


def page(settings: Params, forecasters: Mapping[str, Forecaster], example: str) -> DemoPage:
    """Makes the page of networks: values come back with each one's forecast."""
    known = {
        "columns": columns_of(settings),
        "window": settings.series.window,
        "coverage": f"{settings.evaluate.coverage:.0%}".replace("%", " %"),
    }
    return DemoPage(
        models=list(forecasters),
        verb="forecast",
        templates=("demo_series.html", "demo_series_answer.html"),
        answer=lambda raw: {"answer": answer(settings, forecasters, raw), **known},
        examples=(example,),
        longest=LONGEST,
    )


def networks(settings: Params, folder: Path = Path()) -> dict[str, Forecaster]:
    """Loads each model of the last run with its best seed by validation loss; without a run, the champion."""
    files = best_networks(settings, folder)
    if files:
        encoding = folder / layout.SCALER
        return {model: forecasts.load_file(network, settings, encoding) for model, network in files.items()}
    champion = forecasts.load_champion(predictors.open_store(), settings.promote.name)
    return {champion.version: champion}


def columns_of(settings: Params) -> list[str]:
    """Names the columns that networks read, that of the dates where they read the calendar, and that of the series."""
    data = settings.data
    dates = [data.time_column] if settings.series.calendar and data.time_column else []
    return [data.value_column, *data.covariates, *dates, *([data.series_column] if data.series_column else [])]


def last_rows(settings: Params, rows: Path = layout.ROWS) -> str:
    """Returns the last window of the data as one would paste it; "" without data, or without dates or what is ahead."""
    data = settings.data
    if settings.series.calendar or data.known_ahead or not rows.is_file():
        return ""
    name, split = next(iter(series_rows.read_split(pq.read_table(rows), layout.TEST.name).items()))
    names = {data.series_column: name} if data.series_column else {}
    table = pd.DataFrame({data.value_column: split.values, **split.covariates, **names})
    table, has_header = table[columns_of(settings)].tail(settings.series.window), len(table.columns) > 1
    return str(table.to_csv(index=False, header=has_header, lineterminator="\n", float_format="%.6g"))


def answer(settings: Params, forecasters: Mapping[str, Forecaster], raw: str) -> Answer:
    """Lets networks forecast what follows pasted values."""
    if not raw.strip():
        return Answer(f"Nothing to forecast yet: paste {settings.series.window} values or more.")
    try:
        window = read(raw, settings)
        found = {name: forecasts.ask(forecaster, window) for name, forecaster in forecasters.items()}
    except UserError as mistake:
        sentence = str(mistake)
        return Answer(f"{sentence[0].upper()}{sentence[1:]}.")
    number, past = TASKS["series"].measure.number, window.columns["values"]
    said = ", ".join(f"{name} {number(forecast.values[0])}" for name, forecast in found.items())
    sentence = f"Forecast for the next step: {said}; the last value is {number(past[-1])}."
    return Answer(sentence, [_chart(past, found, settings.data.value_column)], _table(past[-1], found))


def read(raw: str, settings: Params) -> Window:
    """Reads pasted numbers, or lines of a CSV with a header, as `rnnlab predict` reads a file.

    Raises:
        UserError: they cannot be read, or are fewer than a window.
    """
    lines, options = _as_csv(raw, settings.data, columns_of(settings))
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "pasted.csv"
        source.write_text(lines, encoding="utf-8", errors="replace")
        try:
            found = forecasts.last_windows(source, settings.model_copy(update={"data": options}))
        except UserError as mistake:
            told = str(mistake).removeprefix(f"{source}: ").replace(str(source), "what was pasted")
            raise UserError(told) from None
    if len(found) > 1:
        raise UserError(f"paste the rows of one series; these are of {', '.join(each.series for each in found[:5])}")
    return found[0]


def _as_csv(raw: str, options: Data, columns: Sequence[str]) -> tuple[str, Data]:
    """Returns lines of a CSV, and how they are to be read; times are checked where they are pasted or needed."""
    header = raw.lstrip().splitlines()[0]
    named, delimiter = {cell.strip(' "') for cell in re.split("[,;\t]", header)}, max(",;\t", key=header.count)
    times = options.time_column if {options.time_column} <= named | {*columns} else None
    options = options.model_copy(update={"encoding": "utf-8", "header": True, "time_column": times})
    if options.value_column in named:
        return raw.lstrip(), options.model_copy(update={"delimiter": delimiter})
    if len(columns) > 1:
        raise UserError(f"expected lines of a CSV with a header that names the columns {', '.join(columns)}")
    values = SEPARATORS.split(raw.strip(" \t\r\n,;"))
    return "\n".join([options.value_column, *values]), options.model_copy(update={"delimiter": "\t"})


def _chart(past: Sequence[float], found: Mapping[str, Forecast], unit: str) -> Drawing:
    futures = {
        name: pd.DataFrame({"predicted": forecast.values, "half_width": _half_widths(forecast)})
        for name, forecast in found.items()
    }
    with DRAWING, svg.style():
        figure = figures.beyond(past, futures, unit)
        drawing = svg.inline(figure, "forecast", f"Line chart: the values and what {' and '.join(found)} forecast")
    return Drawing(svg.without_styles(drawing), "Bands are prediction intervals.")


def _half_widths(forecast: Forecast) -> list[float | None]:
    ends = zip(forecast.low, forecast.high, strict=True)
    return [None if low is None or high is None else (high - low) / 2 for low, high in ends]


def _table(last: float, found: Mapping[str, Forecast]) -> Table:
    number = TASKS["series"].measure.number
    headings, columns = ["step", "last value"], []
    for name, forecast in found.items():
        headings += [name, "interval"]
        ends = zip(forecast.low, forecast.high, strict=True)
        intervals = ["–" if low is None or high is None else f"{number(low)} to {number(high)}" for low, high in ends]
        columns += [list(map(number, forecast.values)), intervals]
    rows = [[str(step), number(last), *cells] for step, cells in enumerate(zip(*columns, strict=True), start=1)]
    return Table("Forecasts by step", headings, rows)
