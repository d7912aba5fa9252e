"""Tables of results for people: Markdown for files, plain text for the terminal."""

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from rnnlab.evaluation.comparisons import group_sentences, pair_sentence
from rnnlab.evaluation.costs import Cost
from rnnlab.project import tasks
from rnnlab.project.tasks import MEASURES, Task


def results_table(metrics: Mapping[str, Any], costs: Mapping[str, Cost], style: str = "simple") -> str:
    """Shows the rows of `results_rows` in one of tabulate's styles; a model without costs shows a dash."""
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
                **{heading: _spread(task, model, key) for heading, key in task.columns.items()},
                "parameters": f"{model['parameters']:,}",
                "seconds per epoch": f"{cost.epoch:.1f}" if cost and cost.epoch else "–",
                "training seconds": f"{cost.training:.1f}" if cost else "–",
            }
        )
    return rows


def _spread(task: Task, model: Mapping[str, Any], figure: str) -> str:
    mean, sd = (f"{model[kind][figure]:.{task.measure.table_decimals}f}" for kind in ("mean", "sd"))
    return f"{mean} ± {sd}" if model["per_seed"] else mean


def sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Returns sentences on models and every pair of them, from reports/comparison.json."""
    measure = MEASURES[comparison["measure"]]
    pairs = [pair_sentence(measure, pair) for pair in comparison["pairs"]]
    return [*group_sentences(comparison), *pairs]
