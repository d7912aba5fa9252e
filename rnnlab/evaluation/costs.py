"""What training costs, in seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.project.files import read_json
from rnnlab.project.params import Params, Run
from rnnlab.project.results import epoch_seconds


def read_timings(settings: Params, folder: Path) -> dict[Run, dict[str, Any] | None]:
    """Reads how long each training took; no stage depends on these files, so one may be missing."""
    files = {run: folder / f"{run.name}.json" for run in settings.runs}
    return {run: read_json(source) if source.is_file() else None for run, source in files.items()}


def in_order(settings: Params, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Sorts the models of reports/metrics.json, which stand there by name, in the order of the parameters."""
    return {name: metrics[name] for name in settings.scored}


class Cost(NamedTuple):
    """Seconds.

    Attributes:
        epoch: median of an epoch over all seeds, validation included; None for a model without epochs.
        training: mean of a training over the seeds.
    """

    epoch: float | None
    training: float


def costs(
    settings: Params, timings: Mapping[Run, Mapping[str, Any] | None], baselines: Mapping[str, float]
) -> dict[str, Cost]:
    """Computes what each model took to train; models without timings are left out.

    Args:
        settings: names the runs.
        timings: from `read_timings`.
        baselines: seconds of each baseline's fit.
    """
    trained = {run: timing for run, timing in timings.items() if timing}
    known = {name: Cost(None, baselines[name]) for name in settings.baselines if name in baselines}
    for name, epoch in epoch_seconds(trained).items():
        trainings = [timing["epoch_seconds"] for run, timing in trained.items() if run.model == name]
        known[name] = Cost(epoch, sum(seconds for training in trainings for seconds in training) / len(trainings))
    return known


def read_costs(
    settings: Params, folder: Path, timings: Mapping[Run, Mapping[str, Any] | None] | None = None
) -> dict[str, Cost]:
    """Computes `costs` from the timings in ``folder``."""
    source = folder / "baselines.json"
    return costs(settings, timings or read_timings(settings, folder), read_json(source) if source.is_file() else {})
