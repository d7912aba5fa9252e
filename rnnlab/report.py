"""Tables that a person reads: Markdown for files, plain text for the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate


def validation_markdown(findings: Sequence[Mapping[str, Any]]) -> str:
    """Shows every check of the data gate, the failed ones first.

    Args:
        findings: as in reports/validation.json.
    """
    failed = [finding for finding in findings if not finding["success"]]
    critical = sum(finding["severity"] == "critical" for finding in failed)
    verdict = f"{len(findings)} checks, {critical} critical failures, {len(failed) - critical} warnings."
    ordered = sorted(findings, key=lambda finding: finding["success"])
    return f"# Validation of the data\n\n{verdict}\n\n{findings_table(ordered, 'github')}\n"


def findings_table(findings: Sequence[Mapping[str, Any]], style: str) -> str:
    """Lists checks with what broke them, one row each."""
    rows = [
        {
            "check": finding["check"],
            "expectation": finding["expectation"].removeprefix("expect_").replace("_", " "),
            "column": finding["column"],
            "limits": ", ".join(f"{key} {value}" for key, value in finding["limits"].items()),
            "outcome": "passed" if finding["success"] else finding["severity"],
            "rows": finding["unexpected"],
            "first of them": ", ".join(finding["examples"]),
        }
        for finding in findings
    ]
    return tabulate(rows, headers="keys", tablefmt=style)


def results_table(metrics: Mapping[str, Any], seconds: Mapping[str, float], style: str = "simple") -> str:
    """Compares the models: test figures as mean ± standard deviation over the seeds.

    Args:
        metrics: as in reports/metrics.json, in the order of the rows.
        seconds: median duration of an epoch, by model; a model without one shows a dash.
        style: of the table, in tabulate's names.
    """
    rows = []
    for name, model in metrics.items():
        mean, deviation = model["mean"], model["sd"]
        spread = {key: f"{mean[key]:.3f} ± {deviation[key]:.3f}" for key in ("accuracy", "f1", "roc_auc")}
        rows.append(
            {
                "model": name,
                "seeds": len(model["per_seed"]),
                "test accuracy": spread["accuracy"],
                "F1": spread["f1"],
                "ROC AUC": spread["roc_auc"],
                "parameters": f"{model['parameters']:,}",
                "s an epoch": f"{seconds[name]:.1f}" if name in seconds else "–",
            }
        )
    return tabulate(rows, headers="keys", tablefmt=style, colalign=("left", *["right"] * 6), disable_numparse=True)
