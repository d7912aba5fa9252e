"""Tables of results for people: Markdown for files, plain text for the terminal."""

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from rnnlab.evaluation.costs import Cost
from rnnlab.project import tasks


def results_table(metrics: Mapping[str, Any], costs: Mapping[str, Cost], style: str = "simple") -> str:
    """Shows the rows of `results_rows`.

    Args:
        metrics: as in reports/metrics.json, in the order of the rows.
        costs: seconds by model; a model without them shows a dash.
        style: of the table, in tabulate's names.
    """
    rows = results_rows(metrics, costs)
    right = len(rows[0]) - 1
    return tabulate(rows, headers="keys", tablefmt=style, colalign=("left", *["right"] * right), disable_numparse=True)


def results_rows(metrics: Mapping[str, Any], costs: Mapping[str, Cost]) -> list[dict[str, str]]:
    """Returns a row per model, by heading: test figures as mean ± standard deviation over the seeds, and cost."""
    task = tasks.of_metrics(metrics)
    rows = []
    for name, model in metrics.items():
        cost = costs.get(name)
        rows.append(
            {
                "model": name,
                "seeds": str(len(model["per_seed"]) or "–"),
                **{heading: _spread(model, key, task.measure.table_decimals) for heading, key in task.columns.items()},
                "parameters": f"{model['parameters']:,}",
                "seconds per epoch": f"{cost.epoch:.1f}" if cost and cost.epoch else "–",
                "training seconds": f"{cost.training:.1f}" if cost else "–",
            }
        )
    return rows


def _spread(model: Mapping[str, Any], figure: str, decimals: int) -> str:
    mean = f"{model['mean'][figure]:.{decimals}f}"
    return f"{mean} ± {model['sd'][figure]:.{decimals}f}" if model["per_seed"] else mean


def sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Returns a sentence on every pair of models, from reports/comparison.json."""
    return [f"{pair['sentence']}." for pair in comparison["pairs"]]
