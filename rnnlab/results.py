"""What a finished pipeline left behind, gathered for MLflow and for tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.files import read_json
from rnnlab.params import Params, Run

PREDICTIONS = "predictions.parquet"  # in MLflow: the answers of one model, with one seed, to the test rows


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
        comparison: reports/comparison.json.
        note: Markdown shown on top of the parent.
        artifacts: files and folders of the parent.
        encoding: what turns inputs into numbers: the vocabulary.json of texts, the scaler.json of a series.
        predictions: of the test rows, as the evaluate stage wrote them.
        datasets: DVC's hash and the rows of each split.
    """

    key: str
    name: str
    settings: Params
    trainings: Mapping[Run, Training]
    summary: Mapping[str, Any]
    tags: Mapping[str, str]
    comparison: Mapping[str, Any]
    note: str
    artifacts: Sequence[Path]
    encoding: Path
    predictions: pd.DataFrame
    datasets: Mapping[str, tuple[str, int]]

    def predictions_of(self, model: str, seed: int) -> pd.DataFrame:
        """Takes one model's predictions, without the columns that would then say the same in each row."""
        mine = (self.predictions["model"] == model) & (self.predictions["seed"] == seed)
        return self.predictions[mine].drop(columns=["model", "seed"])


def read_timings(settings: Params, folder: Path) -> dict[Run, dict[str, Any] | None]:
    """Reads how long each training took; no stage depends on these files, so one may be gone."""
    files = {run: folder / f"{run.name}.json" for run in settings.runs}
    return {run: read_json(source) if source.is_file() else None for run, source in files.items()}


def in_order(settings: Params, metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Puts the models of reports/metrics.json, which are sorted by name, in the order of the parameters."""
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
    """Says what each model took to train; models without timings are left out.

    Args:
        settings: names the runs.
        timings: from `read_timings`.
        baselines: seconds of each baseline's fit.
    """
    found = {name: Cost(None, baselines[name]) for name in settings.baselines if name in baselines}
    for name in settings.compare:
        epochs = [timing["epoch_seconds"] for run, timing in timings.items() if run.model == name and timing]
        if epochs:
            every = [seconds for training in epochs for seconds in training]
            found[name] = Cost(median(every), sum(every) / len(epochs))
    return found


def read_costs(
    settings: Params, folder: Path, timings: Mapping[Run, Mapping[str, Any] | None] | None = None
) -> dict[str, Cost]:
    """Reads what trainings and baselines took from ``folder``; see `costs`."""
    source = folder / "baselines.json"
    return costs(settings, timings or read_timings(settings, folder), read_json(source) if source.is_file() else {})
