"""Sections on networks: their layers, how they are trained, and what a search of options tries."""

from copy import copy
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from rnnlab.project import plugins
from rnnlab.project.sections.kinds import Positive, Section, Seed, Share, Width, list_to_tuple, refuse
from rnnlab.project.validation_messages import closest

ModelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=100)]
MOST_BIGRAMS = 10_000_000
OWN_CELLS = ("simple_rnn", "lstm", "gru")
# The cells that can begin in another way than Keras has them begin.
BEGINNINGS = {"no_forget_bias": ("lstm",), "chrono": ("lstm", "gru"), "identity": ("simple_rnn",)}


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
    workers: Positive = 1
    class_weights: Literal["none", "balanced"]

    @property
    def processors(self) -> int:
        """How many a training keeps busy."""
        return self.threads * self.workers


class Train(Training):
    """How networks are trained that have no options of their own, and the seeds of all."""

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(list_to_tuple), Field(min_length=1)]


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
    bigrams: Annotated[int, Field(ge=0, le=MOST_BIGRAMS)] = 0
    nb_channels: Annotated[int, Field(ge=0)] = 0
    mask: bool
    word_dropout: Share
    embedding_dropout: Share
    layers: Annotated[int, Field(ge=1, le=100)]
    units: Width
    bidirectional: bool
    input_dropout: Share
    recurrent_dropout: Share
    pooling: Literal["last", "mean", "max", "mean_max", "sqrtn_max"]
    dense: Annotated[int, Field(ge=0, le=100_000)]
    dropout: Share
    output: Literal["auto", "sigmoid", "logits", "linear"]
    residual: bool = False
    init: Literal["default", "no_forget_bias", "chrono", "identity"] = "default"
    train: Annotated[dict[str, Any], BeforeValidator(_some_training)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _can_begin_so(self) -> "Model":
        cells = BEGINNINGS.get(self.init, (self.cell,))
        if self.cell not in cells:
            refuse(f"init: {self.init} is a way for {' or '.join(cells)} to begin, not for {self.cell}; set default")
        return self

    @model_validator(mode="after")
    def _has_the_channels(self) -> "Model":
        if self.nb_channels > self.embedding_dim:
            refuse(f"nb_channels: {self.nb_channels} are more than the embedding has ({self.embedding_dim})")
        return self


class Range(Section):
    """Numbers that a search draws from, both ends included."""

    low: Annotated[float, Field(allow_inf_nan=False)]
    high: Annotated[float, Field(allow_inf_nan=False)]
    log: bool = False

    @model_validator(mode="after")
    def _is_not_empty(self) -> "Range":
        if self.low >= self.high:
            refuse(f"is empty: low must be less than high, not {self.low:g} and {self.high:g}")
        if self.log and self.low <= 0:
            refuse(f"low must be above 0 on a logarithmic scale, not {self.low:g}")
        return self


def _draw(values: Any) -> "Range | tuple[Any, ...]":
    if isinstance(values, Range | dict):
        return Range.model_validate(values)
    if not isinstance(values, list) or not all(isinstance(value, int | float | str | None) for value in values):
        refuse("must be a list of values, or a range {low: …, high: …}")
    if not values or any(values.count(value) > 1 for value in values):
        refuse("must name at least one value, and each once")
    return tuple(values)


# A range of numbers, or a tuple of values.
Draw = Annotated[Any, BeforeValidator(_draw)]


class Tune(Section):
    """What `rnnlab tune` tries for every model."""

    seeds: Annotated[tuple[Seed, ...], BeforeValidator(list_to_tuple), Field(min_length=1)]
    space: Annotated[dict[str, Draw], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_options(self) -> "Tune":
        known = [name for name in (*Model.model_fields, *Training.model_fields) if name not in ("cell", "train")]
        for name in self.space:
            if name not in known:
                refuse(f"space.{name}: no option of a model or its training{closest(name, known)}")
        return self
