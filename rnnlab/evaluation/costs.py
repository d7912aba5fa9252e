"""What training costs, in seconds."""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median_low
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.project.files import read_json
from rnnlab.project.params import Params, Run
from rnnlab.project.results import epoch_seconds
from rnnlab.project.tasks import TASKS

Timings = Mapping[Run, Mapping[str, Any] | None]


def read_timings(settings: Params, folder: Path) -> dict[Run, dict[str, Any] | None]:
    """Reads how long each training took; no stage depends on these files, so one may be missing."""
    files = {run: folder / f"{run.name}.json" for run in settings.runs}
    return {run: read_json(source) if source.is_file() else None for run, source in files.items()}


def in_order(settings: Params, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Sorts the models of reports/metrics.json, which stand there by name, in the order of the parameters."""
    return {name: metrics[name] for name in settings.scored}


class Cost(NamedTuple):
    """Seconds: of an epoch, validation included, the median (None without epochs); of a training, the mean."""

    epoch: float | None
    training: float


def costs(settings: Params, timings: Timings, baselines: Mapping[str, float]) -> dict[str, Cost]:
    """Computes what each model took from `read_timings` and the baselines' seconds; those without are left out."""
    trained = {run: timing for run, timing in timings.items() if timing}
    known = {name: Cost(None, baselines[name]) for name in settings.baselines if name in baselines}
    for name, epoch in epoch_seconds(trained).items():
        trainings = [timing["epoch_seconds"] for run, timing in trained.items() if run.model == name]
        known[name] = Cost(epoch, sum(seconds for training in trainings for seconds in training) / len(trainings))
    return known


def read_costs(settings: Params, folder: Path, timings: Timings | None = None) -> dict[str, Cost]:
    """Computes `costs` from the timings in ``folder``."""
    source = folder / "baselines.json"
    return costs(settings, timings or read_timings(settings, folder), read_json(source) if source.is_file() else {})


class Race(NamedTuple):
    """How long trainings took to one validation score: seconds of each by network, infinite if it never got there."""

    target: float
    seconds: Mapping[str, list[float]]


def race(settings: Params, histories: pd.DataFrame, timings: Timings) -> Race:
    """Times the networks to the score of the weakest one's median training, so that half of each one's get there.

    Args:
        settings: names the networks and the task; a series is judged by its loss.
        histories: of all trainings, with the columns model, seed, and those of `rnnlab.networks.training.History`.
        timings: from `read_timings`; a network that lacks any is left out of the times.
    """
    measure = TASKS[settings.task].measure
    scores = histories[measure.validation] * (-1 if measure.lower_is_better else 1)
    by_run = scores.groupby([histories["model"], histories["seed"]])
    best = by_run.max()
    runs = {name: [run for run in settings.runs if run.model == name] for name in settings.compare}
    target = min(median_low(best[run] for run in trainings) for trainings in runs.values())
    seconds: dict[str, list[float]] = {}
    for name, trainings in runs.items():
        times = [timing["epoch_seconds"] for run in trainings if (timing := timings.get(run))]
        if len(times) == len(trainings):
            curves = [by_run.get_group(run) for run in trainings]
            seconds[name] = [_seconds_until(target, *both) for both in zip(curves, times, strict=True)]
    return Race(abs(target), seconds)


def _seconds_until(target: float, scores: Iterable[float], seconds: Sequence[float]) -> float:
    needed = next((epoch for epoch, score in enumerate(scores, start=1) if score >= target), None)
    return sum(seconds[:needed]) if needed else math.inf
