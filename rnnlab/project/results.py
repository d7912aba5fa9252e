"""A finished result, wherever it is kept."""

from collections.abc import Mapping, Sequence
from statistics import median
from types import MappingProxyType
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.project import tasks
from rnnlab.project.params import Run
from rnnlab.project.tasks import Measure, Task

NOTHING: Mapping[Any, Any] = MappingProxyType({})
ENSEMBLE = "ensemble"  # the name of its row in tables


def weights(model: Mapping[str, Any]) -> str:
    """Writes how many weights a model of reports/metrics.json has; a dash where that is not known."""
    return "–" if model["parameters"] is None else f"{model['parameters']:,}"


class Result(NamedTuple):
    """What one run of the pipeline left behind.

    Attributes:
        name: what tables and sentences call it.
        kind: of place that it was read from.
        values: its params.yaml, unchecked: an older result may lack what is a parameter today.
        metrics: its reports/metrics.json.
        baseline: commit of its code, "" outside of Git.
        edited: files of code that were not as that commit has them.
        comparison: its reports/comparison.json, empty where there is none.
        histories: epochs of each training; those that are lost are absent, as everywhere below.
        timings: of each training, as the train stage writes them.
        baseline_seconds: that each model without recurrence took to fit.
        stages: of its dvc.lock.
        predictions: of the test rows, as the evaluate stage writes them; None where they are lost.
        lost: why there are no predictions.
        lengths: test accuracy by length of text, None where there is none.
        notes: what else a reader must know, a sentence each.
    """

    name: str
    kind: str
    values: Mapping[str, Any]
    metrics: Mapping[str, Any]
    baseline: str = ""
    edited: Sequence[str] = ()
    comparison: Mapping[str, Any] = NOTHING
    histories: Mapping[Run, pd.DataFrame] = NOTHING
    timings: Mapping[Run, Mapping[str, Any]] = NOTHING
    baseline_seconds: Mapping[str, float] = NOTHING
    stages: Mapping[str, Any] = NOTHING
    predictions: pd.DataFrame | None = None
    lost: str = ""
    lengths: pd.DataFrame | None = None
    notes: Sequence[str] = ()

    @property
    def task(self) -> Task:
        """What its models do."""
        return tasks.of_values(self.values)

    @property
    def measure(self) -> Measure:
        """What its models are compared by."""
        return self.task.measure

    @property
    def runs(self) -> list[Run]:
        """Every training, in the order of its parameters."""
        return trained(self.values)

    @property
    def models(self) -> list[str]:
        """Everything that it has figures of, in the order of its parameters."""
        order = [*self.values["compare"], ENSEMBLE, *self.values.get("baselines", [])]
        return sorted(self.metrics, key=lambda name: order.index(name) if name in order else len(order))

    @property
    def networks(self) -> list[str]:
        """Models with recurrence."""
        return [name for name in self.values["compare"] if name in self.metrics]

    @property
    def baselines(self) -> list[str]:
        """Models without recurrence."""
        return [name for name in self.values.get("baselines", []) if name in self.metrics]

    @property
    def units(self) -> dict[str, int]:
        """The units of networks, by name, that are not those of its parameters, but were solved for."""
        return {each["model"]: each["units"] for each in self.comparison.get("matched", {}).get("networks", [])}

    @property
    def contenders(self) -> list[str]:
        """Networks, and the ensemble if there is one: all that a baseline is compared with."""
        return [*self.networks, *([ENSEMBLE] if ENSEMBLE in self.metrics else [])]

    @property
    def code(self) -> str:
        """The commit of its code in short, and how much of it was edited since."""
        commit, count = self.baseline[:10], len(self.edited)
        return f"{commit}, {count} {'file' if count == 1 else 'files'} edited" if count else commit

    @property
    def epoch_seconds(self) -> dict[str, float]:
        """Seconds per epoch of each network, see `epoch_seconds`."""
        return epoch_seconds(self.timings)

    def training_of(self, model: str) -> dict[str, Any]:
        """Returns how a model was trained, unchecked: as all were, but for options of its own."""
        return {**self.values["train"], **self.values.get("models", {}).get(model, {}).get("train", {})}

    def mean_score(self, model: str) -> float:
        """Returns a model's test figure by its measure, the mean over seeds."""
        return float(self.metrics[model]["mean"][self.measure.key])

    def seed_scores(self, model: str) -> list[float]:
        """Lists a model's test figures by its measure; none without seeds."""
        return [seed[self.measure.key] for seed in self.metrics[model]["per_seed"].values()]

    def predictions_of(self, model: str, seed: int) -> pd.DataFrame:
        """Selects one model's predictions, without the columns that would then say the same in each row."""
        assert self.predictions is not None
        selected = (self.predictions["model"] == model) & (self.predictions["seed"] == seed)
        return self.predictions[selected].drop(columns=["model", "seed"])


def trained(values: Mapping[str, Any]) -> list[Run]:
    """Lists the trainings that unchecked parameters stand for."""
    return [Run(model, seed) for model in values["compare"] for seed in values["train"]["seeds"]]


def epoch_seconds(timings: Mapping[Run, Mapping[str, Any]]) -> dict[str, float]:
    """Returns the median of an epoch, validation included, over all seeds of each network that has timings."""
    epochs: dict[str, list[float]] = {}
    for run, timing in timings.items():
        epochs.setdefault(run.model, []).extend(timing["epoch_seconds"])
    return {model: median(seconds) for model, seconds in epochs.items() if seconds}
