"""Metrics of others: functions of what is true and what a model says, which return a number."""

import math
from collections.abc import Callable
from typing import Any

from rnnlab.evaluation.metrics import Figure
from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.plugins import Plugin
from rnnlab.project.sections.kinds import METRICS
from rnnlab.project.tasks import TASKS

Function = Callable[[Any, Any], float]


def find(settings: Params) -> dict[str, Function]:
    """Returns the functions of those of ``evaluate.metrics`` that are none of the task's own figures.

    Raises:
        UserError: one cannot be imported, and later, whenever one that is returned raises or returns no number.
    """
    own = TASKS[settings.task].scores
    found = [plugins.get(METRICS, name) for name in settings.evaluate.metrics if name not in own]
    return {plugin.name: _checked(plugin, plugin.function()) for plugin in found}


def find_labelled(settings: Params) -> dict[str, Figure]:
    """Returns the figures of `find` for rows with labels: functions of these and of the probability of every label."""
    return {name: _of_labels(function) for name, function in find(settings).items()}


def _of_labels(function: Function) -> Figure:
    return lambda said: function(said.labels, said.by_label)


def _checked(plugin: Plugin, function: Function) -> Function:
    def call(true: Any, said: Any) -> float:
        with plugins.blaming(plugin, function.__name__):
            number = float(function(true, said))
        if not math.isfinite(number):
            raise UserError(f"{plugin.place}: {function.__name__} returns {number}; expected a finite number")
        return number

    return call
