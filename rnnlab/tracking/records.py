"""What a finished pipeline left behind, gathered for MLflow."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.project.params import Params, Run

PREDICTIONS = "predictions.parquet"  # in MLflow: the answers of one model, with one seed, to the test rows


class Training(NamedTuple):
    """What one training left behind.

    Attributes:
        history: rows of `rnnlab.networks.training.History.epochs`.
        metrics: test figures, from `rnnlab.evaluation.metrics.score`.
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
        key: names the result, from `rnnlab.project.dvc_lock.result_key`.
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
