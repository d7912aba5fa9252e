"""Models in use: what MLflow serves, predictions, and the choice of a champion.

Models that were logged earlier import `TextClassifier` and `SeriesForecaster` from here.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """Imports MLflow only when one of its two models is asked for."""
    if name in ("TextClassifier", "SeriesForecaster"):
        from rnnlab.serving import pyfunc

        return getattr(pyfunc, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
