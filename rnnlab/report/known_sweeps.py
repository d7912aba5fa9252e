"""The kinds of sweeps that reports show as curves."""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from rnnlab.experiments.catalogue import Named
from rnnlab.project.results import Result
from rnnlab.report import classics_sweep, distance_sweep, learning_curve
from rnnlab.report.parameter_sweeps import Sweep

SWEEPS = (distance_sweep.SWEEP, learning_curve.SWEEP, classics_sweep.SWEEP)


class Swept(NamedTuple):
    """A sweep with its points."""

    sweep: Sweep
    points: pd.DataFrame

    @property
    def sentence(self) -> str:
        """What it shows."""
        return self.sweep.sentence(self.points)


def of_experiment(experiment: Named, results: Mapping[str, Result]) -> Swept | None:
    """Returns the sweep that an experiment is; None if it is none, or nothing of it was run."""
    found = ((sweep, sweep.points(experiment, results)) for sweep in SWEEPS)
    return next((Swept(sweep, points) for sweep, points in found if points is not None), None)


def of_points(points: pd.DataFrame) -> Swept | None:
    """Returns the sweep that points written by the report on experiments are of; None for any other table."""
    return next((Swept(sweep, points) for sweep in SWEEPS if sweep.column in points), None)
