"""The table of a sweep."""

import shlex
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from tabulate import tabulate

from rnnlab.project import overrides
from rnnlab.sweeps.grids import Combination
from rnnlab.sweeps.trials import Outcome, Trial


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
            **{key: overrides.override(row.combination.changes[key]) for key in swept},
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
    options = [f"{key}={overrides.override(value)}" for key, value in combination.changes.items()]
    return shlex.join(["dvc", "exp", "run", *(word for option in options for word in ("-S", option))])
