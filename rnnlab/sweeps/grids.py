"""The file of a sweep: a grid of parameters, each combination of which stands for independent trainings."""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from rnnlab.experiments.catalogue import Changes, Value
from rnnlab.networks import sizes
from rnnlab.project import overrides
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.kinds import Positive, Section
from rnnlab.project.validation_messages import read_yaml, validated

# The sections that a sweep may change: the others determine the features, which all trainings of a sweep share.
REACH = ("models", "train", "compare", "match")


def _distinct(values: list[Any]) -> list[Any]:
    if any(values.count(value) > 1 for value in values):
        raise PydanticCustomError("repeated", "names the same value twice")
    return values


class Asha(Section):
    """When poor trials are stopped; see `rnnlab.sweeps.ray_search`.

    Attributes:
        grace_epochs: epochs before the first decision.
        reduction_factor: one in so many trials passes a rung, and each rung comes after so many times the epochs of
            the one before.
    """

    grace_epochs: Positive = 1
    reduction_factor: Annotated[int, Field(ge=2, le=100)] = 3


class Grid(Section):
    """The content of a sweep's file."""

    params: Changes = Field(default_factory=dict)
    grid: Annotated[
        dict[str, Annotated[list[Value], Field(min_length=1), AfterValidator(_distinct)]], Field(min_length=1)
    ]
    asha: Asha | None = None


class Combination(NamedTuple):
    """One point of the grid: changes to params.yaml, by dotted key, and all parameters after them, sizes matched."""

    changes: Mapping[str, Any]
    settings: Params


def read(source: Path, settings: Params) -> tuple[Grid, list[Combination]]:
    """Reads a sweep and every combination in its grid, as changes of the project's ``settings``.

    Raises:
        UserError: the file is missing or invalid, or a combination cannot be trained; names the key.
    """
    grid = validated(read_yaml(source, "; name the YAML file of a sweep"), source, Grid)
    for key in (*grid.params, *grid.grid):
        if key.split(".")[0] not in REACH:
            raise UserError(
                f"{source}: {key}: a sweep can only change {', '.join(REACH)}, since its trainings share the features;"
                " use `dvc exp run --queue` instead"
            )
    points = (dict(zip(grid.grid, values, strict=True)) for values in itertools.product(*grid.grid.values()))
    changes = [{**grid.params, **point} for point in points]
    return grid, [_combination(settings, change, source) for change in changes]


def _combination(settings: Params, changes: Mapping[str, Any], source: Path) -> Combination:
    """Makes the changes, and gives networks the units that `match` asks for then."""
    changed = overrides.changed(settings, changes, source)
    if changed.match == "time":
        raise UserError(f"{source}: match: time is measured by `dvc repro` alone; a sweep matches parameters, or none")
    has_channels = changed.data.covariates or changed.series.calendar or changed.task == "sequences"
    if changed.match == "parameters" and has_channels:
        raise UserError(f"{source}: match: with several channels, `dvc repro` alone knows what to match; set none")
    return Combination(changes, changed.with_units(sizes.solve(changed)))
