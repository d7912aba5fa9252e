"""The card of a champion: what it is, how good it is and where not, on which data, and why it was promoted.

The form is that of Mitchell et al. 2019, "Model cards for model reporting".
"""

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException
from tabulate import tabulate

from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.tasks import SLICE, Task
from rnnlab.serving.promotion_rule import Rule
from rnnlab.tracking.runs import PARENT

NAME = "model_card.md"  # among the files of the run
LONGEST = 5000  # characters of a description in MLflow's database
SHOWN = 8  # labels, and slices
INTERVALS = (layout.EXPLANATIONS / "intervals.csv").relative_to(layout.METRICS.parent)


def write(client: MlflowClient, run: MlflowRun, task: Task, rules: Sequence[Rule]) -> str:
    """Returns the card of a model, Markdown of at most `LONGEST` characters.

    Args:
        client: of the store that has its run.
        run: of the model.
        task: of the model.
        rules: that it was judged by.
    """
    sections = [
        _about(run, task),
        _figures(run, task),
        _slices(client, run),
        _data(client, run),
        _rules(rules),
        _limits(run, task),
    ]
    card = "\n\n".join(section for section in sections if section)
    return card if len(card) <= LONGEST else card[: LONGEST - 1].rsplit("\n", 1)[0] + "…"


def _about(run: MlflowRun, task: Task) -> str:
    tags, params, figures = run.data.tags, run.data.params, run.data.metrics
    cell, commit = params.get("cell", "recurrent"), tags.get("mlflow.source.git.commit", "unknown")
    size = f", {figures['parameters']:,.0f} weights" if "parameters" in figures else ""
    told = f"A {cell} network that {task.verb}{size}: seed {tags.get('seed')} of `{tags.get('model')}`."
    data = (
        f"Trained on `{tags.get('data')}`, version `{tags.get('data_version', 'unknown')}`, by commit `{commit[:10]}`"
    )
    return f"# {tags.get('model')}-{tags.get('seed')}\n\n{told} {data}{_cost(figures)}. {_energy(figures)}"


def _cost(figures: Mapping[str, float]) -> str:
    if not {"seconds_per_epoch", "best_epoch"} <= figures.keys():
        return ""
    return f", {figures['seconds_per_epoch']:.1f} seconds an epoch, {figures['best_epoch']:.0f} epochs to the best"


def _energy(figures: Mapping[str, float]) -> str:
    if not {"energy_kwh", "co2_grams"} <= figures.keys():
        return "Energy and CO₂ were not measured: install rnn-vs-lstm[co2]."
    energy, grams = (f"{float(f'{figures[name]:.2g}'):,g}" for name in ("energy_kwh", "co2_grams"))
    return f"By codecarbon's estimate, its training took {energy} kWh, or {grams} g of CO₂."


def _figures(run: MlflowRun, task: Task) -> str:
    figures = run.data.metrics
    rows = [[name, f"{figures[f'test_{name}']:.4g}"] for name in task.figures if f"test_{name}" in figures]
    return f"## Test rows\n\n{_table(['figure', 'this network'], rows)}" if rows else ""


def _slices(client: MlflowClient, run: MlflowRun) -> str:
    """Shows where models like this are worst: over all seeds, with 95 % intervals."""
    with tempfile.TemporaryDirectory() as folder:
        if not (source := _fetch(client, run, INTERVALS.as_posix(), folder)):
            return ""
        found = read_table(source, keep_default_na=False, dtype={"value": str})
    chosen = found[(found["figure"] == "accuracy") & (found["model"] == run.data.tags.get("model"))]
    worst = chosen[chosen["column"] != "all"].nsmallest(SHOWN, "mean")
    rows = [
        [f"{row.column.removeprefix(SLICE)}: {row.value}", f"{row.rows:,}", f"{row.mean:.3f}", ends]
        for row in worst.itertuples()
        for ends in [f"{row.low:.3f} to {row.high:.3f}"]
    ]
    headings = ["slice", "test rows", "accuracy", "95 % interval"]
    return f"## Where it is worst\n\nOver all seeds of its kind.\n\n{_table(headings, rows)}" if rows else ""


def _data(client: MlflowClient, run: MlflowRun) -> str:
    with tempfile.TemporaryDirectory() as folder:
        if not (source := _fetch(client, run, layout.SUMMARY.name, folder)):
            return ""
        counts: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    splits = counts.get("splits", {})
    rows = [[split, *_counted(found)] for split, found in splits.items()]
    return f"## Data\n\n{_table(['split', 'rows', 'of them'], rows)}" if rows else ""


def _counted(found: Mapping[str, int] | int) -> tuple[str, str]:
    if isinstance(found, int):
        return f"{found:,}", ""
    frequent = sorted(found.items(), key=lambda item: -item[1])
    more = f" and {len(frequent) - SHOWN:,} more" if len(frequent) > SHOWN else ""
    return f"{sum(found.values()):,}", ", ".join(f"{name} {count:,}" for name, count in frequent[:SHOWN]) + more


def _rules(rules: Sequence[Rule]) -> str:
    return "\n".join(["## The rule", "", *(f"- {rule.word} {rule.name}: {rule.sentence}" for rule in rules)])


def _limits(run: MlflowRun, task: Task) -> str:
    known = run.data.tags.get("converged", "")
    unfinished = [f"- Its training had not converged ({known.removeprefix('no: ')})."] if known.startswith("no") else []
    told = [
        f"- Figures are of {task.item}s like the test rows; other data may give others.",
        "- The rule used these test rows, so that they are not new to it.",
        "- Nothing was looked at but the slices above: who is treated worse elsewhere is not known.",
    ]
    return "\n".join(["## Limits", "", *unfinished, *told])


def _fetch(client: MlflowClient, run: MlflowRun, path: str, folder: str) -> Path | None:
    """Downloads a file of the result that a model belongs to; None where it has none, as older results do."""
    if not (parent := run.data.tags.get(PARENT)):
        return None
    try:
        return Path(client.download_artifacts(parent, path, folder))
    except (MlflowException, OSError):
        return None


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    safe = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return tabulate(safe, headers=headings, tablefmt="github", disable_numparse=True)
