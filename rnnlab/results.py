"""What a finished pipeline left behind, gathered for MLflow and for tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from rnnlab.files import read_json
from rnnlab.params import Params, Run


class Training(NamedTuple):
    """What one training left behind.

    Attributes:
        history: rows of `rnnlab.training.History.epochs`.
        metrics: test figures, from `rnnlab.metrics.score`.
        parameters: weights of the network.
        timings: what the train stage wrote, None where the file is gone.
        network: the ``.keras`` file.
        history_file: the CSV that ``history`` was read from.
    """

    history: list[dict[str, float]]
    metrics: Mapping[str, Any]
    parameters: int
    timings: Mapping[str, Any] | None
    network: Path
    history_file: Path


class Pipeline(NamedTuple):
    """What a run of the pipeline left behind.

    Attributes:
        key: names the result, from `rnnlab.provenance.result_key`.
        name: of the parent run.
        settings: all parameters.
        trainings: by run.
        summary: reports/metrics.json.
        tags: of parent and children.
        note: Markdown shown on top of the parent.
        artifacts: files and folders of the parent.
        vocabulary: the vocabulary.json of all networks.
    """

    key: str
    name: str
    settings: Params
    trainings: Mapping[Run, Training]
    summary: Mapping[str, Any]
    tags: Mapping[str, str]
    note: str
    artifacts: Sequence[Path]
    vocabulary: Path


def read_timings(settings: Params, folder: Path) -> dict[Run, dict[str, Any] | None]:
    """Reads how long each training took; no stage depends on these files, so one may be gone."""
    files = {run: folder / f"{run.name}.json" for run in settings.runs}
    return {run: read_json(source) if source.is_file() else None for run, source in files.items()}


def in_order(settings: Params, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the models of reports/metrics.json, which are sorted by name, in the order of ``compare``."""
    return {name: metrics[name] for name in settings.compare}


def seconds_per_epoch(settings: Params, timings: Mapping[Run, Mapping[str, Any] | None]) -> dict[str, float]:
    """Median duration of an epoch by model, validation included; models without timings are left out."""
    seconds: dict[str, list[float]] = {name: [] for name in settings.compare}
    for run, timing in timings.items():
        seconds[run.model] += (timing or {}).get("epoch_seconds", [])
    return {name: median(values) for name, values in seconds.items() if values}
