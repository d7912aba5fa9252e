"""The data that figures are drawn from, and a figure as the page shows it."""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure


class Tables(NamedTuple):
    """The data that figures are drawn from.

    Attributes:
        histories: of all runs, from `rnnlab.report.figures.result.read_histories`.
        metrics: as in reports/metrics.json.
        predictions: of the test rows, as the evaluate stage wrote them.
        lengths: test accuracy by length of text, empty for a series.
    """

    histories: pd.DataFrame
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    lengths: pd.DataFrame


class Panel(NamedTuple):
    """One figure of the page.

    Attributes:
        section: of the page: training, results or why.
        name: of the figure, unique on the page.
        figure: the drawing.
        label: what it shows, for people who cannot see it.
        caption: how to read it.
    """

    section: str
    name: str
    figure: Figure
    label: str
    caption: str
