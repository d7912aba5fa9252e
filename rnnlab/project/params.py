"""params.yaml, parsed once into frozen objects that reject what they do not know."""

import codecs
import difflib
import re
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.tasks import TASKS, TaskName

LARGEST_COUNT = 2**31 - 1  # what arrays, databases and C libraries count with without overflow
Positive = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Width = Annotated[int, Field(ge=1, le=100_000)]  # of a layer or a sequence; far beyond what any machine trains
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Period = Annotated[float, Field(gt=1, allow_inf_nan=False)]
Severity = Literal["critical", "warning"]
Task = TaskName
ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
# Transformations of text rather than encodings of files: what they decode need not be text, or takes ages.
NOT_OF_FILES = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
# A label is compared with trimmed cells, and stands in tables, file lines and figures.
LABEL = re.compile(r"(?!\s)[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,100}(?<!\s)")


def _list_to_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _labels_to_text(value: Any) -> Any:
    """Labels are compared as text: YAML reads 0 and 1 as numbers, a CSV holds characters."""
    if isinstance(value, list):
        return tuple(_label_to_text(label) for label in value)
    return value


def _label_to_text(label: Any) -> Any:
    if isinstance(label, bool):
        return str(label).lower()
    return str(label) if isinstance(label, int | float) else label


def is_encoding(name: str) -> bool:
    """Whether Python knows an encoding of text files by this name."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in NOT_OF_FILES
    except (LookupError, ValueError):
        return False


class Section(BaseModel):
    """A frozen part of params.yaml: no unknown keys, no silent conversion of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Sample(Section):
    """The embedded corpus; its seed draws the embedded series too."""

    seed: Seed
    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    distance: Annotated[int, Field(ge=0, le=10_000)]
    far_share: Annotated[float, Field(ge=0, le=1)]
    distractor_share: Annotated[float, Field(ge=0, le=1)]
    negation_share: Share
    contrast_share: Share
    label_noise: Annotated[float, Field(ge=0, lt=0.5)]


class Wave(Section):
    """The embedded series."""

    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    periods: Annotated[tuple[Period, Period], BeforeValidator(_list_to_tuple)]
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Data(Section):
    """Where the data are and how they are written."""

    csv: Annotated[str, Field(min_length=1)]
    value_column: Annotated[str, Field(min_length=1)]
    text_column: Annotated[str, Field(min_length=1)]
    label_column: Annotated[str, Field(min_length=1)]
    labels: Annotated[tuple[str, str], BeforeValidator(_labels_to_text)]
    delimiter: Annotated[str, Field(min_length=1)]
    encoding: Annotated[str, Field(min_length=1)]
    max_megabytes: Positive
    files: Annotated[str, Field(min_length=1)]
    engine: Literal["local", "ray"]

    @model_validator(mode="after")
    def _is_readable(self) -> "Data":
        if "\0" in self.csv:
            raise PydanticCustomError("csv", "csv must be a path, which no NUL can be in")
        if "\0" in self.files or ".." in Path(self.files).parts or Path(self.files).is_absolute():
            raise PydanticCustomError("files", "files must be a pattern inside of the folder, such as *.csv")
        if self.delimiter != "tab" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            raise PydanticCustomError("delimiter", "delimiter must be one character or the word tab")
        if self.labels[0] == self.labels[1]:
            raise PydanticCustomError("labels", "labels must be two different names")
        if not all(LABEL.fullmatch(label) for label in self.labels):
            raise PydanticCustomError("labels", "labels must be 1 to 100 characters of one line, no blanks around them")
        if not is_encoding(self.encoding):
            raise PydanticCustomError("encoding", "encoding is not one of text files that Python knows, such as utf-8")
        return self


class Split(Section):
    """How rows become train, validation and test."""

    seed: Seed
    method: Literal["random", "column", "chronological"]
    column: Annotated[str, Field(min_length=1)]
    test_fraction: Fraction
    validation_fraction: Fraction


class Severities(Section):
    """What a failed check does."""

    schema_: Severity = Field(alias="schema")
    nulls: Severity
    labels: Severity
    duplicates: Severity
    leakage: Severity
    rows: Severity
    balance: Severity
    lengths: Severity
    rejected: Severity


class Validate(Section):
    """Limits of the data gate."""

    min_rows_per_class: Positive
    min_minority_share: Annotated[float, Field(ge=0, le=0.5)]
    min_words: Positive
    max_words: Positive
    max_rejected_share: Annotated[float, Field(ge=0, le=1)]
    severity: Severities


class TokenizePad(Section):
    """Texts to arrays of word ids."""

    vocabulary_size: Annotated[int, Field(ge=3, le=LARGEST_COUNT)]
    max_length: Width
    padding: Literal["pre", "post"]
    truncation: Literal["pre", "middle", "post"]
    oov_token: Annotated[str, Field(min_length=1)]


class Series(Section):
    """A series to windows."""

    window: Width


class Train(Section):
    """What all models share."""

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(_list_to_tuple), Field(min_length=1)]
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


class Model(Section):
    """One network; between rivals only the cell should differ."""

    cell: Literal["simple_rnn", "lstm", "gru"]
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
    output: Literal["sigmoid", "two_logits", "linear"]


class Evaluate(Section):
    """Knobs of scoring that change no figure."""

    batch_size: Positive


class Intervals(Section):
    """How sure a difference between two models is."""

    seed: Seed
    over: Literal["auto", "rows", "rows_and_seeds"]
    resamples: Annotated[int, Field(ge=100, le=LARGEST_COUNT)]


class Explain(Section):
    """What is looked at inside the networks."""

    gradient_rows: Positive
    traced_rows: Annotated[int, Field(ge=1, le=20)]
    mistakes: Annotated[int, Field(ge=1, le=100)]


class Promote(Section):
    """What a model must be to become the champion."""

    name: Annotated[str, Field(pattern=r"^[\w-]+$")]
    min_accuracy: Share
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
        """The stem of the run's files: ``lstm-1``."""
        return f"{self.model}-{self.seed}"


class Params(Section):
    """The whole of params.yaml."""

    task: Task
    sample: Sample
    wave: Wave
    data: Data
    split: Split
    validate_: Validate = Field(alias="validate")
    tokenize_pad: TokenizePad
    series: Series
    train: Train
    compare: Annotated[tuple[ModelName, ...], BeforeValidator(_list_to_tuple), Field(min_length=1)]
    models: dict[ModelName, Model]
    baselines: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    ensemble: Annotated[tuple[str, ...], BeforeValidator(_list_to_tuple)]
    evaluate: Evaluate
    intervals: Intervals
    explain: Explain
    promote: Promote
    drift: Drift

    @model_validator(mode="after")
    def _names_are_clear(self) -> "Params":
        named = {
            "compare": self.compare,
            "train.seeds": self.train.seeds,
            "baselines": self.baselines,
            "ensemble": self.ensemble,
        }
        for key, values in named.items():
            if len(set(values)) < len(values):
                raise PydanticCustomError("twice", "{key}: the same entry is named twice", {"key": key})
        unknown = [name for name in self.compare if name not in self.models]
        if unknown:
            context = {"name": unknown[0], "known": ", ".join(self.models)}
            raise PydanticCustomError("compare", "compare: no model {name} under models (there are: {known})", context)
        for name in self.compare:
            if name in ("ensemble", *(name for task in TASKS.values() for name in task.baselines)):
                raise PydanticCustomError("taken", "compare: {name} is the name of a baseline", {"name": name})
        for name in self.ensemble:
            if name not in (*self.compare, *self.baselines):
                message = "ensemble: {name} is neither in compare nor in baselines"
                raise PydanticCustomError("member", message, {"name": name})
        if len(self.ensemble) == 1:
            raise PydanticCustomError("members", "ensemble: name two members at least, or none")
        return self

    @model_validator(mode="after")
    def _fit_the_task(self) -> "Params":
        def refuse(message: str) -> None:
            raise PydanticCustomError("task", "{message}", {"message": message})

        task = TASKS[self.task]
        if self.split.method not in task.split_methods:
            ways = " or ".join(task.split_methods)
            refuse(f"split.method: the {task.name} task splits {ways}, not {self.split.method}")
        for baseline in self.baselines:
            if baseline not in task.baselines:
                refuse(f"baselines: the {task.name} task has {', '.join(task.baselines)}, not {baseline}")
        if self.ensemble and not task.has_ensembles:
            refuse(f"ensemble: the {task.name} task has none; set it to []")
        for name in self.compare:
            model = self.models[name]
            if model.pooling not in task.poolings:
                refuse(f"models.{name}.pooling: the {task.name} task predicts from the last state, not {model.pooling}")
            if model.output not in task.outputs:
                outputs = " or ".join(task.outputs)
                refuse(f"models.{name}.output: the {task.name} task wants {outputs}, not {model.output}")
        return self

    @model_validator(mode="after")
    def _seeds_allow_intervals(self) -> "Params":
        if self.intervals.over == "rows_and_seeds" and len(self.train.seeds) < 2:
            raise PydanticCustomError(
                "intervals",
                "intervals.over: an interval over seeds needs two seeds at least and train.seeds has one;"
                " add seeds, or set intervals.over to rows",
            )
        return self

    @property
    def runs(self) -> list[Run]:
        """Every training the pipeline stands for, in the order of ``compare`` and ``train.seeds``."""
        return [Run(model, seed) for model in self.compare for seed in self.train.seeds]

    @property
    def scored(self) -> tuple[str, ...]:
        """Everything that the result table has a row for."""
        return (*self.compare, *(["ensemble"] if self.ensemble else []), *self.baselines)


def read(source: Path = Path("params.yaml")) -> Params:
    """Reads and checks every parameter.

    Raises:
        UserError: the file is missing or not YAML, or a key is unknown, missing or ill-typed.
    """
    try:
        values = yaml_files.read(source)
    except FileNotFoundError:
        raise UserError(f"{source}: no such file; run from the project's root") from None
    except ValueError as damage:
        raise UserError(f"{source}: not readable as YAML: {damage}") from None
    return parse(values, str(source))


def parse(values: Any, source: str = "params.yaml") -> Params:
    """Checks a mapping of parameters; see `read`.

    Raises:
        UserError: names each wrong key by its full path.
    """
    if isinstance(values, dict) and "seed" in values:
        raise UserError(
            f"{source}: seed: became sample.seed, split.seed and intervals.seed, one per draw; move its value there"
        )
    try:
        return Params.model_validate(values)
    except ValidationError as wrong:
        raise UserError("; ".join(f"{source}: {_sentence(error, values)}" for error in wrong.errors())) from None


def _sentence(error: ErrorDetails, values: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{_suggestion(error['loc'])}"
    if error["type"] == "missing":
        return f"{key}: missing; the default is in the committed params.yaml"
    wanted = error["msg"].removeprefix("Input ").replace("should", "must")
    if not key or isinstance(error["input"], dict | BaseModel):
        return f"{key}: {wanted}" if key else wanted
    return f"{key}: {wanted}, not {error['input']!r}"


def _suggestion(location: tuple[int | str, ...]) -> str:
    section: Any = Params
    for part in location[:-1]:
        if section is Params and part == "models":
            return _closest(location, Model)
        field = {info.alias or name: info for name, info in section.model_fields.items()}.get(str(part))
        section = field.annotation if field else Params
    return _closest(location, section)


def _closest(location: tuple[int | str, ...], section: type[Section]) -> str:
    known = [info.alias or re.sub("_$", "", name) for name, info in section.model_fields.items()]
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"


NO_SEED = -1  # stands in tables of predictions where a model draws nothing
