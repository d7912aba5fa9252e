"""params.yaml, parsed once into frozen objects that reject unknown keys."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, model_validator

from rnnlab.project import pins, plugins
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import (
    CLASSIC_CSV,
    NUMERIC,
    OWN_CHECKS,
    Classic,
    Data,
    Sample,
    Sequences,
    Series,
    Split,
    TokenizePad,
    Validate,
    Wave,
)
from rnnlab.project.sections.kinds import (
    AUTO,
    BASELINES,
    CELLS,
    CHECKS,
    FIGURES,
    METRICS,
    Positive,
    Section,
    list_to_tuple,
    refuse,
)
from rnnlab.project.sections.networks import OWN_CELLS, Model, ModelName, Train, Training, Tune
from rnnlab.project.sections.results import OWN_FIGURES, Drift, Evaluate, Explain, Intervals, Promote
from rnnlab.project.tasks import CALENDAR, TASKS, TaskName
from rnnlab.project.validation_messages import read_yaml, validated

NO_SEED = -1  # of models without randomness, in tables of predictions


class Run(NamedTuple):
    """One training: a model's name and a seed."""

    model: str
    seed: int

    @property
    def name(self) -> str:
        """The stem of the names of the run's files, such as ``lstm-1``."""
        return f"{self.model}-{self.seed}"


class Params(Section):
    """The whole of params.yaml."""

    task: TaskName
    sample: Sample
    wave: Wave
    classic: Classic
    data: Data
    split: Split
    validate_: Validate = Field(alias="validate")
    tokenize_pad: TokenizePad
    series: Series
    sequences: Sequences
    train: Train
    compare: Annotated[tuple[ModelName, ...], BeforeValidator(list_to_tuple), Field(min_length=1)]
    match: Literal["none", "parameters", "time"]
    models: dict[ModelName, Model]
    baselines: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]
    ensemble: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]
    ensemble_seeds: Positive = 1
    figures: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]
    evaluate: Evaluate
    intervals: Intervals
    explain: Explain
    tune: Tune
    promote: Promote
    drift: Drift

    @model_validator(mode="after")
    def _names_are_clear(self) -> "Params":
        seeds = self.train.seeds
        lists = {"compare": self.compare, "train.seeds": seeds, "baselines": self.baselines, "ensemble": self.ensemble}
        lists |= {"evaluate.slices": self.evaluate.slices, "evaluate.metrics": self.evaluate.metrics}
        lists |= {
            "data.channels": self.data.channels,
            "validate.checks": self.validate_.checks,
            "figures": self.figures,
        }
        for key, values in lists.items():
            if len(set(values)) < len(values):
                refuse(f"{key}: has the same entry twice")
        for name in self.compare:
            if name not in self.models:
                refuse(f"compare: no model {name} under models (there are: {', '.join(self.models)})")
        baselines = (*self.baselines, *(name for task in TASKS.values() for name in task.baselines))
        for key, names, taken in (("compare", self.compare, baselines), ("baselines", self.baselines, ())):
            for name in names:
                if name in ("ensemble", *taken):
                    refuse(f"{key}: {name} is already the name of another row of the results")
        for name in self.ensemble:
            if name not in (*self.compare, *self.baselines):
                refuse(f"ensemble: {name} is neither in compare nor in baselines")
        if self.match != "none" and len(self.compare) == 1:
            refuse(f"match: there is nothing to match {self.compare[0]} with; name two models in compare, or set none")
        return self

    @model_validator(mode="after")
    def _ensembles_have_members(self) -> "Params":
        seeds, joined = len(self.train.seeds), self.ensemble_seeds
        if len(self.ensemble) == 1 and joined == 1:
            refuse("ensemble: name at least two members, or none; or join several seeds of one: ensemble_seeds")
        if joined > 1 and not {*self.ensemble} & {*self.compare}:
            refuse(f"ensemble_seeds: {joined} seeds of no network; name one in ensemble, or set 1")
        if seeds % joined:
            refuse(f"ensemble_seeds: train.seeds has {seeds}, which do not make ensembles of {joined}; set a divisor")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "Params":
        task = TASKS[self.task]
        if self.split.method not in task.split_methods:
            ways = " or ".join(task.split_methods)
            refuse(f"split.method: the {task.name} task splits {ways}, not {self.split.method}")
        if self.split.group_column and not task.has_groups:
            refuse(f"split.group_column: the {task.name} task has no groups; set null")
        if self.series.calendar and not self.data.time_column:
            refuse("series.calendar: needs a column of dates; name it in data.time_column")
        if self.series.calendar and any(name.startswith(CALENDAR) for name in self.data.covariates):
            refuse(f"series.calendar: makes columns whose names begin with {CALENDAR}, as one in data.covariates does")
        if "calendar" in {*self.data.known_ahead} - {*self.data.covariates} and not self.series.calendar:
            refuse("data.known_ahead: names the calendar; set series.calendar to true")
        if self.data.known_ahead and self.series.window < self.series.horizon:
            room = f"a window of {self.series.window} rows has no room for {self.series.horizon} values that are known"
            refuse(f"data.known_ahead: {room}; raise series.window to series.horizon at least")
        if self.data.csv == CLASSIC_CSV:
            self._check_classic()
        if self.ensemble and not task.has_ensembles:
            refuse(f"ensemble: the {task.name} task has none; set it to []")
        if self.evaluate.threshold != "likeliest" and not task.has_labels:
            refuse(f"evaluate.threshold: the {task.name} task has no labels; set likeliest")
        if self.evaluate.origins > 1 and not task.rows_are_dependent:
            refuse(f"evaluate.origins: rows of the {task.name} task have no order in time; set 1")
        for name in self.compare:
            model = self.models[name]
            training = self.training_of(name)
            if training.workers > training.batch_size:
                problem = f"{training.workers} are more than the rows of a batch, {training.batch_size}"
                refuse(f"train.workers: {problem}; lower it, or raise train.batch_size")
            if training.class_weights != "none" and not task.has_labels:
                refuse(f"train.class_weights: the {task.name} task has no labels to weigh; set none")
            if model.pooling not in task.poolings:
                key = f"models.{name}.pooling"
                refuse(f"{key}: the {task.name} task predicts from the last state, not {model.pooling}")
            if model.residual and task.has_labels:
                refuse(f"models.{name}.residual: the {task.name} task has no last value to add to; set false")
            if (model.bigrams or model.nb_channels) and self.task != "text":
                refuse(f"models.{name}: bigrams and nb_channels are of words, and the {task.name} task has none; set 0")
            if model.output not in task.outputs:
                outputs = " or ".join(task.outputs)
                refuse(f"models.{name}.output: the {task.name} task needs {outputs}, not {model.output}")
            if model.output == "sigmoid" and self.data.labels != AUTO and len(self.data.labels) > 2:
                refuse(f"models.{name}.output: sigmoid is for two labels, not {len(self.data.labels)}; set auto")
        return self

    def _check_classic(self) -> None:
        kind, steps = self.classic.kind, self.classic.steps
        task, section = ("sequences", "sequences") if kind in NUMERIC else ("text", "tokenize_pad")
        if self.task != task:
            refuse(f"task: classic.kind {kind} is drawn for the {task} task, not {self.task}; set {task}")
        length = getattr(self, section).max_length
        if length < steps:
            cut = f"{length} steps of {steps} would leave out what is to be remembered"
            refuse(f"{section}.max_length: {cut}; set {steps}")

    @property
    def runs(self) -> list[Run]:
        """All trainings of the pipeline, in the order of ``compare`` and ``train.seeds``."""
        return [Run(model, seed) for model in self.compare for seed in self.train.seeds]

    @property
    def unit_of_errors(self) -> str:
        """What errors on a series are told in; those of series with names, each in its own unit, do not add up."""
        return "the naive error" if self.data.series_column else self.data.value_column

    def training_of(self, model: str) -> Training:
        """Returns how a model is trained: as all are, but for options of its own."""
        return Training(**(self.train.model_dump(exclude={"seeds"}) | self.models[model].train))

    def cell_of(self, model: str, folder: Path = Path()) -> plugins.Plugin | None:
        """Returns the code of a model's cell in a project's folder; None of a cell that rnnlab has itself."""
        cell = self.models[model].cell
        return None if cell in OWN_CELLS else plugins.find(CELLS, cell, folder)

    def options_of(self, model: str) -> dict[str, dict[str, Any]]:
        """Returns all that determines a model's trainings beside data and seed: its network, and how it is trained."""
        network = self.models[model].model_dump(exclude={"train"})
        cell = self.cell_of(model)
        code = {"code": {"cell_code": cell.version}} if cell else {}
        return {"model": network, "train": self.training_of(model).model_dump(), **code}

    def with_units(self, units: Mapping[str, int]) -> "Params":
        """Returns parameters in which some models, by name, have other numbers of units."""
        sized = {name: self.models[name].model_copy(update={"units": number}) for name, number in units.items()}
        return self.model_copy(update={"models": {**self.models, **sized}})

    @property
    def scored(self) -> tuple[str, ...]:
        """The names of all rows in the table of results."""
        return (*self.compare, *(["ensemble"] if self.ensemble else []), *self.baselines)


def read(source: Path = Path("params.yaml")) -> Params:
    """Reads and checks every parameter.

    Raises:
        UserError: the file is missing or not YAML, or a key is unknown, missing or invalid.
    """
    values = read_yaml(source, "; run from the project's root")
    pins.check(source.parent)
    return parse(values, str(source), source.parent)


def parse(values: Any, source: str = "params.yaml", folder: Path = Path()) -> Params:
    """Checks a mapping of parameters; ``folder`` is that of the project, which may have code of its own.

    Raises:
        UserError: names each invalid key by its full path.
    """
    if isinstance(values, dict) and "seed" in values:
        raise UserError(f"{source}: seed: is now sample.seed and split.seed; move the value to these")
    settings = validated(values, source, Params, "; the default is in the committed params.yaml")
    for name, model in settings.models.items():
        plugins.check(CELLS, f"{source}: models.{name}.cell", model.cell, OWN_CELLS, folder)
    task = TASKS[settings.task]
    for name in settings.baselines:
        plugins.check(BASELINES, f"{source}: baselines", name, task.baselines, folder)
    for name in settings.evaluate.metrics:
        plugins.check(METRICS, f"{source}: evaluate.metrics", name, task.scores, folder)
    for name in settings.validate_.checks:
        plugins.check(CHECKS, f"{source}: validate.checks", name, (), folder, OWN_CHECKS)
    for name in settings.figures:
        plugins.check(FIGURES, f"{source}: figures", name, (), folder, OWN_FIGURES)
    return settings
