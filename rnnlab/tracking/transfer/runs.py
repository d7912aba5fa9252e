"""Runs and logged models copied from one MLflow store to another.

Runs and models name each other, so what links two is logged when the second of them is there.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Experiment, LoggedModel, LoggedModelInput, LoggedModelOutput, Metric, Param
from mlflow.entities import Run as MlflowRun

from rnnlab.tracking.runs import PARENT, every_page
from rnnlab.tracking.transfer.copies import COMPLETE, FROM, marks


class CopiedRuns(NamedTuple):
    """What `copy_runs` did.

    Attributes:
        runs: how many were copied now.
        models: how many were copied now.
        copies: from the id of each run and model in the source to that of its copy, old and new.
    """

    runs: int
    models: int
    copies: dict[str, str]


def copy_runs(
    source: MlflowClient,
    target: MlflowClient,
    experiment: Experiment,
    runs: Sequence[MlflowRun],
    models: Sequence[LoggedModel],
    say: Callable[[str], object],
) -> CopiedRuns:
    """Copies runs and models that the target lacks, and those that an earlier call left unfinished.

    Args:
        source: to read.
        target: to write.
        experiment: of the target.
        runs: of the source, parents before their children.
        models: of the source.
        say: called with each run and model as it begins.
    """
    return _Copying(source, target, experiment, runs, models, say)()


def _state(run: MlflowRun) -> str:
    """What changes when a run goes on: the value of `COMPLETE`."""
    return f"{run.info.status} {run.info.end_time or ''}".strip()


@dataclass
class _Copying:
    """One call; ``copies`` leads from ids of runs and models in the source to those of their copies."""

    source: MlflowClient
    target: MlflowClient
    experiment: Experiment
    runs: Sequence[MlflowRun]
    models: Sequence[LoggedModel]
    say: Callable[[str], object]
    copies: dict[str, str] = field(default_factory=dict)

    def __call__(self) -> CopiedRuns:
        self._take_stock()
        before = set(self.copies)
        for number, run in enumerate(self.runs, start=1):
            run_id = run.info.run_id
            is_new = run_id not in before
            if is_new:
                self.say(f"{number}/{len(self.runs)} {run.info.run_name}")
                self.copies[run_id] = self._copy_run(run)
            models = [model for model in self.models if model.source_run_id == run_id]
            self._copy_models(models, {run_id} if is_new else set())
            if is_new:
                self._finish(run)
        # Logged outside of a run, or by one that was deleted since.
        self._copy_models([model for model in self.models if model.source_run_id not in self.copies], set())
        new_runs = sum(run.info.run_id not in before for run in self.runs)
        new_models = len(self.copies) - len(before) - new_runs
        return CopiedRuns(new_runs, new_models, self.copies)

    def _take_stock(self) -> None:
        """Finds complete copies and deletes the others."""
        wanted = {run.info.run_id: _state(run) for run in self.runs}
        for copy in every_page(self.target.search_runs, [self.experiment.experiment_id], f"tags.{FROM} LIKE '%'"):
            origin = copy.data.tags[FROM]
            if copy.data.tags.get(COMPLETE) == wanted.get(origin, ""):
                self.copies[origin] = copy.info.run_id
            elif origin in wanted:
                self.target.delete_run(copy.info.run_id)
        makers = {model.model_id: model.source_run_id for model in self.models}
        for copy in every_page(self.target.search_logged_models, [self.experiment.experiment_id]):
            origin = copy.tags.get(FROM)
            if origin not in makers:
                continue
            if COMPLETE in copy.tags and (copy.source_run_id or None) == self.copies.get(makers[origin]):
                self.copies[origin] = copy.model_id
            else:
                self.target.delete_logged_model(copy.model_id)

    def _copy_run(self, run: MlflowRun) -> str:
        """Copies what a run holds by itself; it stays ``RUNNING``, and without the final mark."""
        info, data = run.info, run.data
        tags = marks({**data.tags, "mlflow.runName": info.run_name}, info.run_id, self.source.tracking_uri)
        if tags.get(PARENT) in self.copies:
            tags[PARENT] = self.copies[tags[PARENT]]
        copy = str(self.target.create_run(self.experiment.experiment_id, info.start_time, tags).info.run_id)
        points = [point for name in data.metrics for point in self.source.get_metric_history(info.run_id, name)]
        self.target.log_batch(copy, points, [Param(name, value) for name, value in data.params.items()])
        if run.inputs.dataset_inputs:
            self.target.log_inputs(copy, run.inputs.dataset_inputs)
        if self.source.list_artifacts(info.run_id):
            with TemporaryDirectory() as files:
                self.target.log_artifacts(copy, self.source.download_artifacts(info.run_id, "", files))
        return copy

    def _copy_models(self, models: Sequence[LoggedModel], fresh: set[str]) -> None:
        """Copies models that are not there yet, and ties them and a fresh run to all that was there before."""
        fresh = set(fresh)
        for model in models:
            if model.model_id not in self.copies:
                self.say(f"  model {model.name}")
                self.copies[model.model_id] = self._copy_model(model)
                fresh.add(model.model_id)
        for run in self.runs if fresh else ():
            if run.info.run_id in self.copies:
                self._tie(run, fresh)
        for model in models:
            if model.model_id in fresh:
                self.target.set_logged_model_tags(self.copies[model.model_id], {COMPLETE: "true"})

    def _copy_model(self, model: LoggedModel) -> str:
        maker = self.copies.get(model.source_run_id)
        tags = marks(model.tags, model.model_id, self.source.tracking_uri)
        copy = self.target.create_logged_model(
            self.experiment.experiment_id, model.name, maker, tags, model.params, model.model_type
        )
        names = {model.artifact_location: copy.artifact_location, model.model_id: copy.model_id}
        if maker:
            names[model.source_run_id] = maker
        if self.source.list_logged_model_artifacts(model.model_id):
            with TemporaryDirectory() as files:
                local = mlflow.artifacts.download_artifacts(
                    model.artifact_location, dst_path=files, tracking_uri=self.source.tracking_uri
                )
                _rename(Path(local) / "MLmodel", names)
                self.target.log_model_artifacts(copy.model_id, local)
        if str(model.status) in ("READY", "FAILED"):
            self.target.finalize_logged_model(copy.model_id, str(model.status))
        return str(copy.model_id)

    def _tie(self, run: MlflowRun, fresh: set[str]) -> None:
        """Logs what links a run to its parent and to models, where one end was copied just now."""
        run_id, parent = run.info.run_id, run.data.tags.get(PARENT)
        copy = self.copies[run_id]

        def due(links: Iterable[Any]) -> list[tuple[Any, str]]:
            return [
                (link, self.copies[link.model_id])
                for link in links
                if link.model_id in self.copies and not fresh.isdisjoint((run_id, link.model_id))
            ]

        if parent in fresh:
            self.target.set_tag(copy, PARENT, self.copies[parent])
        if inputs := due(run.inputs.model_inputs):
            self.target.log_inputs(copy, models=[LoggedModelInput(model_id) for _, model_id in inputs])
        if outputs := due(run.outputs.model_outputs):
            self.target.log_outputs(copy, [LoggedModelOutput(model_id, link.step) for link, model_id in outputs])
        points = [
            Metric(at.key, self._value(at), at.timestamp, at.step, model_id, at.dataset_name, at.dataset_digest)
            for at, model_id in due(self._model_metrics.get(run_id, ()))
        ]
        self.target.log_batch(copy, points)

    @cached_property
    def _model_metrics(self) -> dict[str, list[Metric]]:
        """What each run measured of models; the history of a run does not name them."""
        measured: dict[str, list[Metric]] = {}
        for model in self.models:
            for point in model.metrics or ():
                measured.setdefault(point.run_id, []).append(point)
        return measured

    def _value(self, point: Metric) -> float:
        """MLflow keeps a model's NaN as 0, which would become one more point of the run."""
        if point.value == 0:
            history = self.source.get_metric_history(point.run_id, point.key)
            here = (at.value for at in history if (at.step, at.timestamp) == (point.step, point.timestamp))
            return next((value for value in here if math.isnan(value)), 0.0)
        return float(point.value)

    def _finish(self, run: MlflowRun) -> None:
        copy, info = self.copies[run.info.run_id], run.info
        if info.end_time:
            self.target.set_terminated(copy, info.status, info.end_time)
        else:  # `set_terminated` would make one up
            self.target.update_run(copy, info.status)
        self.target.set_tag(copy, COMPLETE, _state(run))


def _rename(file: Path, names: dict[str, str]) -> None:
    """Writes new ids into a small text; ids are random, so nothing else is hit."""
    if file.is_file():
        text = file.read_text(encoding="utf-8")
        for old, new in names.items():
            text = text.replace(old, new)
        file.write_text(text, encoding="utf-8")
