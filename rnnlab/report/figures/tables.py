"""The data that figures are drawn from, and a figure as the page shows it."""

from typing import Any, NamedTuple

import pandas as pd
from matplotlib.figure import Figure


class Tables(NamedTuple):
    """The data that figures are drawn from; lengths, the test accuracy by length of text, is empty for a series."""

    histories: pd.DataFrame
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    lengths: pd.DataFrame


class Panel(NamedTuple):
    """One figure of the page, in its section training, tuning, results or why.

    Attributes:
        name: unique on the page.
        label: what it shows, for people who cannot see it.
        caption: how to read it.
    """

    section: str
    name: str
    figure: Figure
    label: str
    caption: str
