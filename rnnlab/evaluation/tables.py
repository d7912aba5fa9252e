"""Tables of results for people: Markdown for files, plain text for the terminal."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tabulate import tabulate

from rnnlab.evaluation.comparisons import slice_means
from rnnlab.evaluation.convergence import Convergence
from rnnlab.evaluation.costs import Cost
from rnnlab.project import tasks
from rnnlab.project.results import NOTHING, weights
from rnnlab.project.tasks import Task

MOST_SLICES = 4  # that the table has room for
Figure = Callable[[float], str]  # writes one
UNEVEN = 1.5  # rows of the most frequent label for one of the rarest, from which on accuracy alone misleads


def results_table(
    metrics: Mapping[str, Any],
    costs: Mapping[str, Cost],
    comparison: Mapping[str, Any] = NOTHING,
    style: str = "simple",
) -> str:
    """Shows the rows of `results_rows` in one of tabulate's styles."""
    rows = results_rows(metrics, costs, comparison)
    right = len(rows[0]) - 1
    return tabulate(rows, headers="keys", tablefmt=style, colalign=("left", *["right"] * right), disable_numparse=True)


def results_rows(
    metrics: Mapping[str, Any], costs: Mapping[str, Cost], comparison: Mapping[str, Any] = NOTHING
) -> list[dict[str, str]]:
    """Returns a row per model, by heading: test figures as mean ± standard deviation over the seeds, and cost.

    Where the seeds of reports/comparison.json fall into two groups, the score of each group stands in place of their
    mean, which no seed has. Where some had not converged, a column tells how many had. Where labels differ much in
    their rows, the accuracy with each label weighing the same stands beside, and so do the mean scores of a few slices.
    Costs that are not known are dashes.
    """
    task, groups, found = tasks.of_metrics(metrics), comparison.get("groups", {}), comparison.get("convergence", {})
    columns = figures_shown(task, metrics.values(), comparison)
    slices = slice_means(comparison, MOST_SLICES)
    is_told = any(one["reasons"] for one in found.values())
    rows = []
    for name, model in metrics.items():
        cost, figure = costs.get(name), task.measure.table_figure
        figures = {heading: _spread(model, key, figure) for heading, key in columns.items()}
        if name in groups:
            score = next(heading for heading, key in columns.items() if key == task.measure.key)
            figures[score] = _split(groups[name], figure)
        rows.append(
            {
                "model": name,
                "seeds": str(len(model["per_seed"]) or "–"),
                **({"converged": _converged(found, name)} if is_told else {}),
                **figures,
                **{heading: figure(means[name]) for heading, means in slices.items()},
                "parameters": weights(model),
                "seconds per epoch": f"{cost.epoch:.1f}" if cost and cost.epoch else "–",
                "training seconds": f"{cost.training:.1f}" if cost else "–",
            }
        )
    return rows


def figures_shown(
    task: Task, models: Iterable[Mapping[str, Any]], comparison: Mapping[str, Any] = NOTHING
) -> dict[str, str]:
    """Returns the figures that all models of a result have and a table shows, by heading; last `evaluate.metrics`."""
    known = set[str].intersection(*(set(model["mean"]) for model in models))
    columns = {heading: figure for heading, figure in task.columns.items() if figure in known}
    if comparison.get("imbalance", 1.0) <= UNEVEN:
        columns.pop("balanced accuracy", None)
    named = [name for name in comparison.get("metrics", ()) if name in known and name not in columns.values()]
    return columns | {f"test {name.replace('_', ' ')}": name for name in named}


def _converged(found: Convergence, name: str) -> str:
    return f"{found[name]['seeds'] - len(found[name]['reasons'])} of {found[name]['seeds']}" if name in found else "–"


def _spread(model: Mapping[str, Any], key: str, figure: Figure) -> str:
    mean = figure(model["mean"][key])
    return f"{mean} ± {figure(model['sd'][key])}" if len(model["per_seed"]) > 1 else mean


def _split(found: Mapping[str, Any], figure: Figure) -> str:
    higher, seeds = found["higher"], found["seeds"]
    return f"{higher} at {figure(found['high'])}, {seeds - higher} at {figure(found['low'])}"


def cut(text: str, length: int) -> str:
    """Shortens a text to ``length`` characters, and marks the cut with dots."""
    return text if len(text) <= length else f"{text[:length].rstrip()} …"
