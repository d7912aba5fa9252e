"""Sweeps: a file names a grid of parameters, each combination of which stands for trainings that are independent."""

import itertools
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Annotated, Any, NamedTuple

from pydantic import AfterValidator, Field, ValidationError
from pydantic_core import PydanticCustomError
from tabulate import tabulate

from rnnlab import checkpoints, dvc_experiments, experiments, trainings, yaml_files
from rnnlab.errors import UserError
from rnnlab.experiments import Changes, Value
from rnnlab.params import Params, Positive, Run, Section
from rnnlab.trainings import Examples

# What a sweep may change: the rest of params.yaml makes the features, which all trainings of a sweep share.
REACH = ("models", "train", "compare")


def _distinct(values: list[Any]) -> list[Any]:
    if any(values.count(value) > 1 for value in values):
        raise PydanticCustomError("twice", "names the same value twice")
    return values


class Asha(Section):
    """When poor trials are stopped; see `rnnlab.ray_searches`.

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


class Trial(NamedTuple):
    """One training.

    Attributes:
        key: names what the weights follow from: combinations that agree in that share a trial.
        run: the model and the seed.
        settings: all parameters.
    """

    key: str
    run: Run
    settings: Params


class Data(NamedTuple):
    """What every trial reads: inputs and targets of each split, and the number of word ids."""

    train: Examples
    validation: Examples
    test: Examples
    vocabulary_size: int


class Outcome(NamedTuple):
    """What a trial left behind, as JSON can hold it.

    Attributes:
        history: rows of `rnnlab.training.History.epochs`.
        best_epoch: the epoch whose weights were kept.
        test: figures of the test rows, from `rnnlab.metrics.score` or its like for a series.
        parameters: weights of the network.
        network: the SHA-256 of its ``.keras`` file.
        stopped: whether a search stopped it before its end: there are no figures and no network then.
    """

    history: list[dict[str, float]]
    best_epoch: int
    test: dict[str, Any]
    parameters: int
    network: str
    stopped: bool = False

    @property
    def validation_loss(self) -> float:
        """By which trials are compared: of the epoch that was kept."""
        return self.history[self.best_epoch - 1]["val_loss"]


# What came of a trial, with its ``.keras`` file; or why there is nothing.
Result = tuple[Outcome, bytes] | str


def stopped(history: list[dict[str, float]]) -> Outcome:
    """Gives what is known of a trial that a search stopped."""
    best = min(history, key=lambda row: row["val_loss"])
    return Outcome(history, int(best["epoch"]), {}, 0, "", stopped=True)


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
        raise UserError("; ".join(f"{source}: {_sentence(error)}" for error in wrong.errors())) from None
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
    return grid, [Combination(change, experiments.changed(settings, change, source)) for change in changes]


def _sentence(error: Any) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key (known: {', '.join(Grid.model_fields)})"
    if error["type"] == "too_short":
        return f"{key}: is empty; name a value at least"
    return f"{key}: {error['msg'].removeprefix('Input ').replace('should', 'must')}"


def trials(combinations: Sequence[Combination], data: Data) -> list[list[Trial]]:
    """Lists the trainings of each combination."""
    shared = checkpoints.training_key({}, [*data.train, *data.validation, *data.test])
    return [
        [
            Trial(_key(run, combination.settings, data, shared), run, combination.settings)
            for run in combination.settings.runs
        ]
        for combination in combinations
    ]


def _key(run: Run, settings: Params, data: Data, shared: str) -> str:
    return checkpoints.key_of({"shared": shared, **trainings.identity(run, settings, data.vocabulary_size)})


class Row(NamedTuple):
    """What came of a combination's trials of one model.

    Attributes:
        combination: the point of the grid.
        model: by name.
        losses: validation losses of the seeds that were trained.
        figures: the test figure of each of those that came to their end.
        stopped: seeds that the search stopped; their losses are of fewer epochs.
        failed: seeds that could not be trained.
    """

    combination: Combination
    model: str
    losses: Sequence[float]
    figures: Sequence[float]
    stopped: int
    failed: int


def rows(
    combinations: Sequence[Combination], trials: Sequence[Sequence[Trial]], outcomes: Mapping[str, Outcome]
) -> list[Row]:
    """Gathers outcomes by combination and model, the smallest mean validation loss first; behind, what did not end.

    Args:
        combinations: of the grid.
        trials: of each combination.
        outcomes: by key; a trial that failed has none.
    """
    found = []
    for combination, own in zip(combinations, trials, strict=True):
        figure = "mse" if combination.settings.task == "series" else "accuracy"
        for model in combination.settings.compare:
            mine = [trial for trial in own if trial.run.model == model]
            done = [outcomes[trial.key] for trial in mine if trial.key in outcomes]
            losses = [outcome.validation_loss for outcome in done]
            figures = [outcome.test[figure] for outcome in done if not outcome.stopped]
            found.append(Row(combination, model, losses, figures, len(done) - len(figures), len(mine) - len(done)))
    return sorted(found, key=_place)


def _place(row: Row) -> tuple[bool, bool, float]:
    return bool(row.failed), bool(row.stopped), fmean(row.losses) if row.losses else float("inf")


def page(name: str, swept: Sequence[str], found: Sequence[Row]) -> str:
    """Shows the rows as Markdown, and the plain DVC command of the best.

    Args:
        name: of the sweep.
        swept: the keys of the grid.
        found: from `rows`.
    """
    figure = "test MSE" if found[0].combination.settings.task == "series" else "test accuracy"
    shown = [
        {
            "model": row.model,
            **{key: dvc_experiments.override(row.combination.changes[key]) for key in swept},
            "seeds": len(row.losses),
            "validation loss": spread(row.losses),
            figure: spread(row.figures),
            **({"stopped": row.stopped} if any(row.stopped for row in found) else {}),
            "failed": row.failed,
        }
        for row in found
    ]
    table = tabulate(shown, headers="keys", tablefmt="github", disable_numparse=True)
    parts = [
        f"# Sweep {name}",
        f"Mean ± standard deviation over the seeds, the smallest validation loss first. The {figure} has chosen "
        "nothing; of the first row it is still a little too good, as the first of many is on validation rows.",
        table,
    ]
    best = found[0]
    if best.figures:
        parts.append(f"The first row as a DVC experiment:\n\n    {command(best.combination)}")
    return "\n\n".join(parts) + "\n"


def spread(values: Sequence[float]) -> str:
    """Gives mean and standard deviation, of one value itself, of none a dash."""
    if not values:
        return "–"
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def command(combination: Combination) -> str:
    """Gives the plain DVC command that trains a combination."""
    options = [f"{key}={dvc_experiments.override(value)}" for key, value in combination.changes.items()]
    return shlex.join(["dvc", "exp", "run", *(word for option in options for word in ("-S", option))])
