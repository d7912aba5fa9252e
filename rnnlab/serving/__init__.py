"""Models in use: what MLflow serves, predictions, and which model is the champion.

Models that were logged before it had rooms import `TextClassifier` and `SeriesForecaster` from here.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    """Imports MLflow only for those who ask for what it serves."""
    if name in ("TextClassifier", "SeriesForecaster"):
        from rnnlab.serving import pyfunc

        return getattr(pyfunc, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
