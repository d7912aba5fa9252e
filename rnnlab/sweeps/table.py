"""The table of a sweep."""

import shlex
from collections.abc import Mapping, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

from tabulate import tabulate

from rnnlab.project import overrides
from rnnlab.project.tasks import TASKS
from rnnlab.sweeps.grids import Combination
from rnnlab.sweeps.trials import Outcome, Trial


class Row(NamedTuple):
    """The trials of one model with one combination.

    Attributes:
        losses: validation losses of the seeds that were trained.
        scores: on the test rows, of the seeds that were trained to the end.
        stopped: number of seeds that the search stopped; their losses are of fewer epochs.
        failed: number of seeds that could not be trained.
    """

    combination: Combination
    model: str
    losses: Sequence[float]
    scores: Sequence[float]
    stopped: int
    failed: int


def rows(
    combinations: Sequence[Combination], trials: Sequence[Sequence[Trial]], outcomes: Mapping[str, Outcome]
) -> list[Row]:
    """Groups outcomes by combination and model, the smallest mean validation loss first, incomplete ones last.

    ``trials`` has those of each combination, ``outcomes`` are by key; a trial that failed has none.
    """
    table = []
    for combination, planned in zip(combinations, trials, strict=True):
        measure = TASKS[combination.settings.task].measure
        for model in combination.settings.compare:
            keys = [trial.key for trial in planned if trial.run.model == model]
            done = [outcomes[key] for key in keys if key in outcomes]
            losses = [outcome.validation_loss for outcome in done]
            scores = [outcome.test[measure.key] for outcome in done if not outcome.stopped]
            table.append(Row(combination, model, losses, scores, len(done) - len(scores), len(keys) - len(done)))
    return sorted(table, key=_rank)


def _rank(row: Row) -> tuple[bool, bool, float]:
    return bool(row.failed), bool(row.stopped), fmean(row.losses) if row.losses else float("inf")


def page(name: str, swept: Sequence[str], table: Sequence[Row]) -> str:
    """Shows rows as Markdown, with a column for each of the keys that were swept, and the DVC command of the best."""
    best = table[0]
    score = f"test {TASKS[best.combination.settings.task].measure.title}"
    shown = [
        {
            "model": row.model,
            **{key: overrides.override(row.combination.changes[key]) for key in swept},
            "seeds": len(row.losses),
            "validation loss": spread(row.losses),
            score: spread(row.scores),
            **({"stopped": row.stopped} if any(row.stopped for row in table) else {}),
            "failed": row.failed,
        }
        for row in table
    ]
    parts = [
        f"# Sweep {name}",
        f"Mean ± standard deviation over the seeds, the smallest validation loss first. The {score} was not used to "
        "choose; that of the first row is still slightly optimistic, as the best of many on the validation rows.",
        tabulate(shown, headers="keys", tablefmt="github", disable_numparse=True),
    ]
    if best.scores:
        parts.append(f"The first row as a DVC experiment:\n\n    {command(best.combination)}")
    return "\n\n".join(parts) + "\n"


def spread(values: Sequence[float]) -> str:
    """Returns mean and standard deviation; a single value alone, and a dash if there is none."""
    if not values:
        return "–"
    return f"{fmean(values):.4f}" + (f" ± {stdev(values):.4f}" if len(values) > 1 else "")


def command(combination: Combination) -> str:
    """Returns the DVC command that trains a combination."""
    options = [overrides.option(key, value) for key, value in combination.changes.items()]
    return shlex.join(["dvc", "exp", "run", *(word for option in options for word in ("-S", option))])
