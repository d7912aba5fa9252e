"""Baselines of others: whatever has scikit-learn's ``fit`` and ``predict_proba``, or ``predict`` for a series."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import count_labels
from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from rnnlab.project.plugins import Plugin

Array = npt.NDArray[np.float32]


class Examples(NamedTuple):
    """Inputs as a baseline is given them, and numbers of labels, or the values to predict, of shape (rows, horizon)."""

    inputs: Any
    targets: npt.NDArray[Any]


def fit(plugin: Plugin, examples: Examples) -> Any:
    """Makes a baseline, fits it, and returns it.

    Raises:
        UserError: it cannot be made or fitted.
    """
    make = plugin.function()
    with plugins.blaming(plugin, f"{make.__name__}()"):
        model = make()
    with plugins.blaming(plugin, "fit"):
        model.fit(examples.inputs, examples.targets)
    return model


def probabilities(plugin: Plugin, model: Any, fitted: Examples, inputs: Any) -> Array:
    """Asks a classifier that was fitted; returns what `rnnlab.evaluation.baselines.predict` does.

    Raises:
        UserError: it raises, or what it says are no probabilities of each label.
    """
    count = count_labels(fitted.targets)
    said = _ask(plugin, model, "predict_proba", inputs, (count,))
    if (said < 0).any() or not np.allclose(said.sum(axis=1), 1, atol=1e-3):
        raise UserError(f"{plugin.place}: predict_proba returns rows that are no probabilities, which add up to 1")
    return said[:, 1] if count == 2 else said / said.sum(axis=1, keepdims=True)


def forecasts(plugin: Plugin, model: Any, fitted: Examples, inputs: Any) -> Array:
    """Asks a regression that was fitted; returns float32 of shape (rows, horizon).

    Raises:
        UserError: it raises, or what it says are no values of each step.
    """
    return _ask(plugin, model, "predict", inputs, fitted.targets.shape[1:])


def _ask(plugin: Plugin, model: Any, method: str, inputs: Any, row: tuple[int, ...]) -> Array:
    expected = (len(inputs), *row)
    with plugins.blaming(plugin, method):
        said = np.asarray(getattr(model, method)(inputs), np.float32)
    if said.shape == expected[:1] and row == (1,):  # as regressions of a single value say it
        said = said[:, None]
    if said.shape != expected:
        raise UserError(f"{plugin.place}: {method} returns the shape {said.shape}; expected {expected}")
    if not np.isfinite(said).all():
        raise UserError(f"{plugin.place}: {method} returns numbers that are not finite")
    return said
