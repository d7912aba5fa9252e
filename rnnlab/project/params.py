"""params.yaml, parsed once into frozen objects that reject unknown keys."""

import codecs
import re
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, NoReturn

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from rnnlab.project import pins, plugins
from rnnlab.project.errors import UNSEEN, UserError
from rnnlab.project.tasks import CALENDAR, TASKS, TaskName
from rnnlab.project.validation_messages import closest, read_yaml, validated

NO_SEED = -1  # of models without randomness, in tables of predictions
LARGEST_COUNT = 2**31 - 1  # arrays, databases and C libraries count this far without overflow
Positive = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Width = Annotated[int, Field(ge=1, le=100_000)]  # of a layer or a sequence; far more than any machine can train
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Period = Annotated[float, Field(gt=1, allow_inf_nan=False)]
Severity = Literal["critical", "warning"]
ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
# Transformations of text rather than encodings of files; some take ages, or decode to what is not text.
NOT_OF_FILES = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
# Labels are compared with trimmed cells, and appear in tables, lines of files, and figures.
LABEL = re.compile(r"(?!\s).{1,100}(?<!\s)")
AUTO = "auto"  # what the data are to decide
# Kinds of code of others, see `rnnlab.project.plugins`. Cells train networks, and so are apart from what does not.
CELLS = "cells"
BASELINES = "extensions/baselines"
METRICS = "extensions/metrics"
CHECKS = "extensions/checks"
FIGURES = "extensions/figures"
OWN_CELLS = ("simple_rnn", "lstm", "gru")
OWN_FIGURES = (
    *("training_curves", "confusion_matrices", "accuracy_by_length", "calibration", "roc_curves", "label_scores"),
    *("gradient_norms", "traces", "predicted_and_true", "errors", "errors_by_step", "attributions", "forecasts"),
)
MOST_LABELS = 1_000
MOST_ORIGINS = 50  # rows of a table


def _visible(text: str) -> str:
    if UNSEEN.search(text):
        _refuse("must be visible characters")
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_visible)]


def _list_to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _labels_to_text(value: Any) -> Any:
    """Labels are compared as text: YAML reads 0 and 1 as numbers, a CSV holds characters."""
    if not isinstance(value, list | tuple):
        return value if value == AUTO else _refuse("must be a list of labels, or the word auto")
    return tuple(str(label).lower() if isinstance(label, int | float) else label for label in value)


def _season(value: Any) -> Any:
    is_number = type(value) is int and 2 <= value <= LARGEST_COUNT
    return (
        value if is_number or value in (AUTO, "none") else _refuse("must be a number of steps from 2 on, auto or none")
    )


def _refuse(message: str) -> NoReturn:
    raise PydanticCustomError("refused", "{message}", {"message": message})


def _is_pattern(text: str) -> bool:
    """Whether text is a pattern of files inside a folder."""
    try:
        return ".." not in Path(text).parts and not any(Path("/nowhere").glob(text))
    except (IndexError, NotImplementedError, ValueError):  # as Python's versions say that it is none
        return False


def is_label(text: str) -> bool:
    """Returns whether a text can be a label."""
    return bool(LABEL.fullmatch(text)) and not UNSEEN.search(text)


def is_encoding(name: str) -> bool:
    """Returns whether Python knows an encoding of text files by this name."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in NOT_OF_FILES
    except (LookupError, ValueError):
        return False


class Section(BaseModel):
    """A frozen part of params.yaml that allows neither unknown keys nor conversions of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sample(Section):
    """The embedded corpus; its seed draws the embedded series too."""

    seed: Seed
    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    distance: Annotated[int, Field(ge=0, le=10_000)]
    far_share: Annotated[float, Field(ge=0, le=1)]
    distractor_share: Annotated[float, Field(ge=0, le=1)]
    negation_share: Share
    negation_gap: Annotated[int, Field(ge=0, le=100)]
    contrast_share: Share
    label_noise: Annotated[float, Field(ge=0, lt=0.5)]
    mixed_share: Share


class Wave(Section):
    """The embedded series."""

    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    periods: Annotated[tuple[Period, Period], BeforeValidator(_list_to_tuple)]
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Data(Section):
    """Where the data are, and in which format."""

    csv: Text
    value_column: Text
    text_column: Text
    label_column: Text
    labels: Annotated[tuple[str, ...] | Literal["auto"], BeforeValidator(_labels_to_text)]
    max_labels: Annotated[int, Field(ge=2, le=MOST_LABELS)]
    delimiter: Annotated[str, Field(min_length=1)]
    encoding: Annotated[str, Field(min_length=1)]
    header: bool
    max_megabytes: Positive
    files: Text
    engine: Literal["local", "ray"]
    covariates: Annotated[tuple[Text, ...], BeforeValidator(_list_to_tuple)]
    known_ahead: Annotated[tuple[Text, ...], BeforeValidator(_list_to_tuple)]
    time_column: Text | None
    missing: Literal["refuse", "carry_forward"]
    max_gap: Positive
    sequence_column: Text
    step_column: Text | None
    channels: Annotated[tuple[Text, ...], BeforeValidator(_list_to_tuple)]

    @model_validator(mode="after")
    def _is_readable(self) -> "Data":
        if "://" in self.csv:  # DVC would ask whoever it names
            _refuse("csv must be a path, not an address; `dvc import-url` brings such data")
        if not _is_pattern(self.files):
            _refuse("files must be a pattern inside the folder, such as *.csv")
        if self.delimiter != "tab" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            _refuse("delimiter must be one character or the word tab")
        if self.labels != AUTO:
            if not 2 <= len(self.labels) <= self.max_labels:
                _refuse(f"labels: names {len(self.labels)}; expected 2 to {self.max_labels} (data.max_labels)")
            if len(set(self.labels)) < len(self.labels):
                _refuse("labels must be different names")
            if not all(map(is_label, self.labels)):
                _refuse("labels must be 1 to 100 visible characters on one line, without spaces around them")
        if len({self.value_column, *self.covariates}) <= len(self.covariates):
            _refuse("covariates must be different columns, and others than value_column, whose past is used anyway")
        for name in self.known_ahead:
            if name not in (*self.covariates, "calendar"):
                _refuse(f"known_ahead: {name} is neither in covariates nor the word calendar")
        if not is_encoding(self.encoding):
            _refuse("encoding must be one that Python knows for text files, such as utf-8")
        return self


class Split(Section):
    """How rows become train, validation and test."""

    seed: Seed
    method: Literal["random", "column", "chronological"]
    column: Text
    test_fraction: Fraction
    validation_fraction: Fraction
    train_share: Annotated[float, Field(gt=0, le=1)]
    group_column: Text | None
    until: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _has_an_end(self) -> "Split":
        if self.until < 1 and self.method != "chronological":
            _refuse(f"until: only rows in the order of time can end earlier, not by method {self.method}; set 1.0")
        return self


class Severities(Section):
    """What happens when a check fails."""

    schema_: Severity = Field(alias="schema")
    nulls: Severity
    labels: Severity
    duplicates: Severity
    leakage: Severity
    rows: Severity
    balance: Severity
    lengths: Severity
    rejected: Severity
    covariates: Severity
    checks: Severity


OWN_CHECKS = tuple(info.alias or name for name, info in Severities.model_fields.items())


class Validate(Section):
    """Limits that the data are checked against."""

    min_rows_per_class: Positive
    min_minority_share: Annotated[float, Field(ge=0, le=0.5)]
    min_words: Positive
    max_words: Positive
    max_rejected_share: Annotated[float, Field(ge=0, le=1)]
    checks: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    severity: Severities

    def severity_of(self, check: str) -> Severity:
        """Returns what happens when a check fails, one of ours or one of ``checks``."""
        key = "checks" if check in self.checks else "schema_" if check == "schema" else check
        found: Severity = getattr(self.severity, key)
        return found


class TokenizePad(Section):
    """How texts become arrays of word ids."""

    vocabulary_size: Annotated[int, Field(ge=3, le=LARGEST_COUNT)]
    max_length: Width
    padding: Literal["pre", "post"]
    truncation: Literal["pre", "middle", "post"]
    oov_token: Text


class Series(Section):
    """How a series becomes windows."""

    window: Width
    horizon: Width
    season: Annotated[int | Literal["auto", "none"], BeforeValidator(_season)]
    calendar: bool

    @model_validator(mode="after")
    def _season_is_seen(self) -> "Series":
        if isinstance(self.season, int) and self.season > self.window:
            _refuse(f"season: {self.season} steps are more than a window has ({self.window}); raise window")
        return self


class Sequences(Section):
    """How sequences become arrays."""

    max_length: Width


class Training(Section):
    """How a network is trained."""

    epochs: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    schedule: Literal["constant", "cosine"]
    clip_norm: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None
    ema_momentum: Annotated[float, Field(gt=0, lt=1)] | None
    patience: Positive
    keep: Literal["best", "last"]
    engine: Literal["fast", "stock"]
    threads: Positive
    class_weights: Literal["none", "balanced"]


class Train(Training):
    """How networks are trained that have no options of their own, and the seeds of all."""

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_list_to_tuple), Field(min_length=1)]


def _optional(info: FieldInfo) -> tuple[Any, FieldInfo]:
    field = copy(info)
    field.default = None
    return info.annotation, field


_SOME: dict[str, Any] = {name: _optional(info) for name, info in Training.model_fields.items()}
_SomeTraining: type[Section] = create_model("_SomeTraining", __base__=Section, **_SOME)


def _some_training(values: Any) -> dict[str, Any]:
    """Checks those options of `Training` that are given."""
    return _SomeTraining.model_validate(values).model_dump(exclude_unset=True)


class Model(Section):
    """One network; models that are compared should differ only in the cell."""

    cell: Annotated[str, Field(pattern=plugins.NAME)]
    embedding_dim: Width
    mask: bool
    word_dropout: Share
    embedding_dropout: Share
    layers: Annotated[int, Field(ge=1, le=100)]
    units: Width
    bidirectional: bool
    input_dropout: Share
    recurrent_dropout: Share
    pooling: Literal["last", "mean", "max", "mean_max"]
    dense: Annotated[int, Field(ge=0, le=100_000)]
    dropout: Share
    output: Literal["auto", "sigmoid", "logits", "linear"]
    residual: bool = False
    train: Annotated[dict[str, Any], BeforeValidator(_some_training)] = Field(default_factory=dict)


class Range(Section):
    """Numbers that a search draws from, both ends included."""

    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    log: bool = False

    @model_validator(mode="after")
    def _is_not_empty(self) -> "Range":
        if self.low >= self.high:
            _refuse(f"is empty: low must be less than high, not {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            _refuse(f"low must be above 0 on a logarithmic scale, not {self.low:g}")
        return self


def _draw(values: Any) -> "Range | tuple[Any, ...]":
    if isinstance(values, Range | dict):
        return Range.model_validate(values)
    if not isinstance(values, list) or not all(isinstance(value, int | float | str | None) for value in values):
        _refuse("must be a list of values, or a range {low: …, high: …}")
    if not values or any(values.count(value) > 1 for value in values):
        _refuse("must name at least one value, and each once")
    return tuple(values)


# A range of numbers, or a tuple of values.
Draw = Annotated[Any, BeforeValidator(_draw)]


class Tune(Section):
    """What `rnnlab tune` tries for every model."""

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_list_to_tuple), Field(min_length=1)]
    space: Annotated[dict[str, Draw], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_options(self) -> "Tune":
        known = [name for name in (*Model.model_fields, *Training.model_fields) if name not in ("cell", "train")]
        for name in self.space:
            if name not in known:
                _refuse(f"space.{name}: no option of a model or its training{closest(name, known)}")
        return self


class Evaluate(Section):
    """How results are scored."""

    batch_size: Positive
    slices: Annotated[tuple[Text, ...], BeforeValidator(_list_to_tuple)]
    metrics: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    threshold: Literal["likeliest", "f1"]
    coverage: Fraction
    origins: Annotated[int, Field(ge=1, le=MOST_ORIGINS)]


class Intervals(Section):
    """What differences between models matter."""

    margin: Fraction


class Explain(Section):
    """How much is shown of what goes on inside the networks."""

    gradient_rows: Positive
    traced_rows: Annotated[int, Field(ge=1, le=20)]
    mistakes: Annotated[int, Field(ge=1, le=100)]


class Promote(Section):
    """What a model must achieve to become the champion."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    min_accuracy: Share
    min_slice_accuracy: Share
    max_mase: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    margin: Fraction
    significance: Fraction
    max_calibration_error: Share
    max_latency_ms: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Drift(Section):
    """When a rerun counts as worse than the committed result."""

    tolerance: Share
    significance: Fraction


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
    data: Data
    split: Split
    validate_: Validate = Field(alias="validate")
    tokenize_pad: TokenizePad
    series: Series
    sequences: Sequences
    train: Train
    compare: Annotated[tuple[ModelName, ...], BeforeValidator(_list_to_tuple), Field(min_length=1)]
    match: Literal["none", "parameters", "time"]
    models: dict[ModelName, Model]
    baselines: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    ensemble: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    figures: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
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
                _refuse(f"{key}: has the same entry twice")
        for name in self.compare:
            if name not in self.models:
                _refuse(f"compare: no model {name} under models (there are: {', '.join(self.models)})")
        baselines = (*self.baselines, *(name for task in TASKS.values() for name in task.baselines))
        for key, names, taken in (("compare", self.compare, baselines), ("baselines", self.baselines, ())):
            for name in names:
                if name in ("ensemble", *taken):
                    _refuse(f"{key}: {name} is already the name of another row of the results")
        for name in self.ensemble:
            if name not in (*self.compare, *self.baselines):
                _refuse(f"ensemble: {name} is neither in compare nor in baselines")
        if self.match != "none" and len(self.compare) == 1:
            _refuse(f"match: there is nothing to match {self.compare[0]} with; name two models in compare, or set none")
        if len(self.ensemble) == 1:
            _refuse("ensemble: name at least two members, or none")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> "Params":
        task = TASKS[self.task]
        if self.split.method not in task.split_methods:
            ways = " or ".join(task.split_methods)
            _refuse(f"split.method: the {task.name} task splits {ways}, not {self.split.method}")
        if self.split.group_column and not task.has_groups:
            _refuse(f"split.group_column: the {task.name} task has no groups; set null")
        if self.series.calendar and not self.data.time_column:
            _refuse("series.calendar: needs a column of dates; name it in data.time_column")
        if self.series.calendar and any(name.startswith(CALENDAR) for name in self.data.covariates):
            _refuse(f"series.calendar: makes columns whose names begin with {CALENDAR}, as one in data.covariates does")
        if "calendar" in {*self.data.known_ahead} - {*self.data.covariates} and not self.series.calendar:
            _refuse("data.known_ahead: names the calendar; set series.calendar to true")
        if self.data.known_ahead and self.series.window < self.series.horizon:
            room = f"a window of {self.series.window} rows has no room for {self.series.horizon} values that are known"
            _refuse(f"data.known_ahead: {room}; raise series.window to series.horizon at least")
        if self.ensemble and not task.has_ensembles:
            _refuse(f"ensemble: the {task.name} task has none; set it to []")
        if self.evaluate.threshold != "likeliest" and not task.has_labels:
            _refuse(f"evaluate.threshold: the {task.name} task has no labels; set likeliest")
        if self.evaluate.origins > 1 and not task.rows_are_dependent:
            _refuse(f"evaluate.origins: rows of the {task.name} task have no order in time; set 1")
        for name in self.compare:
            model = self.models[name]
            if self.training_of(name).class_weights != "none" and not task.has_labels:
                _refuse(f"train.class_weights: the {task.name} task has no labels to weigh; set none")
            if model.pooling not in task.poolings:
                key = f"models.{name}.pooling"
                _refuse(f"{key}: the {task.name} task predicts from the last state, not {model.pooling}")
            if model.residual and task.has_labels:
                _refuse(f"models.{name}.residual: the {task.name} task has no last value to add to; set false")
            if model.output not in task.outputs:
                outputs = " or ".join(task.outputs)
                _refuse(f"models.{name}.output: the {task.name} task needs {outputs}, not {model.output}")
            if model.output == "sigmoid" and self.data.labels != AUTO and len(self.data.labels) > 2:
                _refuse(f"models.{name}.output: sigmoid is for two labels, not {len(self.data.labels)}; set auto")
        return self

    @property
    def runs(self) -> list[Run]:
        """All trainings of the pipeline, in the order of ``compare`` and ``train.seeds``."""
        return [Run(model, seed) for model in self.compare for seed in self.train.seeds]

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
