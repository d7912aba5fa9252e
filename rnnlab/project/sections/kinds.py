"""What sections are made of: kinds of values that several have, and how a value is refused."""

from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from rnnlab.project.errors import UNSEEN

LARGEST_COUNT = 2**31 - 1  # arrays, databases and C libraries count this far without overflow
Positive = Annotated[int, Field(ge=1, le=LARGEST_COUNT)]
Width = Annotated[int, Field(ge=1, le=100_000)]  # of a layer or a sequence; far more than any machine can train
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Share = Annotated[float, Field(ge=0, lt=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
AUTO = "auto"  # what the data are to decide
# Kinds of code of others, see `rnnlab.project.plugins`. Cells train networks, and so are apart from what does not.
CELLS = "cells"
BASELINES = "extensions/baselines"
METRICS = "extensions/metrics"
CHECKS = "extensions/checks"
FIGURES = "extensions/figures"


def refuse(message: str) -> NoReturn:
    """Refuses the value that pydantic is checking, in words that go on after its key."""
    raise PydanticCustomError("refused", "{message}", {"message": message})


def _visible(text: str) -> str:
    if UNSEEN.search(text):
        refuse("must be visible characters")
    return text


Text = Annotated[str, Field(min_length=1), AfterValidator(_visible)]


def list_to_tuple(value: Any) -> Any:
    """Turns what YAML has as a list into a tuple, which is frozen."""
    return tuple(value) if isinstance(value, list) else value


class Section(BaseModel):
    """A frozen part of params.yaml that allows neither unknown keys nor conversions of types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
