"""Tables of results that a person reads: Markdown for files, plain text for the terminal."""

from collections.abc import Mapping
from typing import Any

from tabulate import tabulate

from rnnlab.evaluation.costs import Cost

# What a result table shows of each task: heading and figure.
COLUMNS = {
    "accuracy": {"test accuracy": "accuracy", "F1": "f1", "ROC AUC": "roc_auc", "log loss": "log_loss"},
    "mse": {"test MSE": "mse", "MAE": "mae", "R²": "r2"},
}


def results_table(metrics: Mapping[str, Any], costs: Mapping[str, Cost], style: str = "simple") -> str:
    """Compares the models, see `results_rows`.

    Args:
        metrics: as in reports/metrics.json, in the order of the rows.
        costs: seconds by model; a model without them shows a dash.
        style: of the table, in tabulate's names.
    """
    rows = results_rows(metrics, costs)
    right = len(rows[0]) - 1
    return tabulate(rows, headers="keys", tablefmt=style, colalign=("left", *["right"] * right), disable_numparse=True)


def results_rows(metrics: Mapping[str, Any], costs: Mapping[str, Cost]) -> list[dict[str, str]]:
    """Gives each model's test figures as mean ± standard deviation over the seeds, and what it cost, by heading."""
    main = next(figure for figure in COLUMNS if all(figure in model["mean"] for model in metrics.values()))
    rows = []
    for name, model in metrics.items():
        cost = costs.get(name)
        row = {
            "model": name,
            "seeds": str(len(model["per_seed"]) or "–"),
            **{heading: _spread(model, figure) for heading, figure in COLUMNS[main].items()},
            "parameters": f"{model['parameters']:,}",
            "s an epoch": f"{cost.epoch:.1f}" if cost and cost.epoch else "–",
            "training s": f"{cost.training:.1f}" if cost else "–",
        }
        if main == "accuracy":
            seconds = cost.training if cost and cost.training > 0.1 else None  # below, the quotient says nothing
            row["accuracy a training s"] = f"{model['mean']['accuracy'] / seconds:.3f}" if seconds else "–"
        rows.append(row)
    return rows


def _spread(model: Mapping[str, Any], figure: str) -> str:
    digits = 4 if "mse" in model["mean"] else 3
    mean = f"{model['mean'][figure]:.{digits}f}"
    return f"{mean} ± {model['sd'][figure]:.{digits}f}" if model["per_seed"] else mean


def sentences(comparison: Mapping[str, Any]) -> list[str]:
    """Says of every pair of models which is better, from reports/comparison.json."""
    return [f"{pair['sentence']}." for pair in comparison["pairs"]]
