"""Histories and predictions → figures that people look at and the tables behind `dvc plots`."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from rnnlab import figures, params
from rnnlab.errors import exit_status
from rnnlab.files import read_json, replacing, write_text
from rnnlab.params import Params
from rnnlab.runs import drop_leftovers


def draw(
    settings: Params,
    histories: pd.DataFrame,
    metrics: dict[str, Any],
    predictions: pd.DataFrame,
    lengths: pd.DataFrame,
) -> dict[str, Any]:
    """Draws every figure; returns them by file name."""
    by_model = {
        name: [rows for _, rows in histories[histories["model"] == name].groupby("seed")] for name in settings.compare
    }
    confusions = {name: [seed["confusion"] for seed in metrics[name]["per_seed"].values()] for name in settings.compare}
    areas = {name: (metrics[name]["mean"]["roc_auc"], metrics[name]["sd"]["roc_auc"]) for name in settings.compare}
    return {
        "training_curves.png": figures.training_curves(by_model),
        "confusion_matrices.png": figures.confusion_matrices(confusions, settings.data.labels),
        "roc_curves.png": figures.roc_curves(predictions, areas),
        "accuracy_by_length.png": figures.accuracy_over_length(lengths),
    }


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="folder of <model>-<seed>.csv")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.history, [f"{run.name}.csv" for run in settings.runs])
    histories = pd.concat(
        pd.read_csv(flags.history / f"{run.name}.csv").assign(run=run.name, model=run.model, seed=run.seed)
        for run in settings.runs
    )
    predictions = pd.read_parquet(flags.predictions)
    lengths = figures.length_groups(predictions)
    drawn = draw(settings, histories, read_json(flags.metrics), predictions, lengths)
    with replacing(flags.figures) as folder:
        folder.mkdir()
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=120, metadata={"Software": None})
            figures.close(figure)
    write_text(flags.tables / "history.csv", histories.to_csv(index=False, lineterminator="\n"))
    lengths = lengths.round(6)
    lengths.insert(0, "run", lengths["model"] + "-" + lengths["seed"].astype(str))
    write_text(flags.tables / "accuracy_by_length.csv", lengths.to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    sys.exit(exit_status(main))
