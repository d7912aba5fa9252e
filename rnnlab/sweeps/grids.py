"""Sweeps: a file names a grid of parameters, each combination of which stands for independent trainings."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from rnnlab.experiments.catalogue import Changes, Value
from rnnlab.project import overrides, yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Positive, Section
from rnnlab.project.validation_messages import refusal

# What a sweep may change: the rest of params.yaml makes the features, which all trainings of a sweep share.
REACH = ("models", "train", "compare")


def _distinct(values: list[Any]) -> list[Any]:
    if any(values.count(value) > 1 for value in values):
        raise PydanticCustomError("twice", "names the same value twice")
    return values


class Asha(Section):
    """When poor trials are stopped; see `rnnlab.sweeps.ray_search`.

    Attributes:
        grace_epochs: before the first decision.
        reduction_factor: of so many trials at a rung one goes on, and the next rung is so many times as far.
    """

    grace_epochs: Positive = 1
    reduction_factor: Annotated[int, Field(ge=2, le=100)] = 3


class Grid(Section):
    """The whole of a sweep's file."""

    params: Changes = Field(default_factory=dict)
    grid: Annotated[
        dict[str, Annotated[list[Value], Field(min_length=1), AfterValidator(_distinct)]], Field(min_length=1)
    ]
    asha: Asha | None = None


class Combination(NamedTuple):
    """One point of the grid.

    Attributes:
        changes: to params.yaml, by dotted key.
        settings: all parameters after the changes.
    """

    changes: Mapping[str, Any]
    settings: Params


def read(source: Path, settings: Params) -> tuple[Grid, list[Combination]]:
    """Reads a sweep and every combination that it stands for.

    Args:
        source: the YAML file.
        settings: of the project, which the sweep changes.

    Raises:
        UserError: the file is missing or not what it should be, or a combination cannot be trained; names the key.
    """
    try:
        grid = Grid.model_validate(yaml_files.read(source))
    except FileNotFoundError:
        raise UserError(f"{source}: no such file; name the YAML file of a sweep") from None
    except ValidationError as wrong:
        raise refusal(wrong, source, Grid) from None
    except ValueError as damage:
        raise UserError(f"{source}: not readable as YAML: {damage}") from None
    for key in (*grid.params, *grid.grid):
        if key.split(".")[0] not in REACH:
            raise UserError(
                f"{source}: {key}: a sweep changes {', '.join(REACH)} and leaves the features as they are;"
                " use `dvc exp run --queue` for it"
            )
    points = itertools.product(*grid.grid.values())
    changes = [{**grid.params, **dict(zip(grid.grid, point, strict=True))} for point in points]
    return grid, [Combination(change, overrides.changed(settings, change, source)) for change in changes]
