"""Histories and predictions → figures that people look at and the tables behind `dvc plots`."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rnnlab import explanation_figures, figures, params, series_figures
from rnnlab.errors import exit_status
from rnnlab.files import read_json, replacing, write_text
from rnnlab.params import Params
from rnnlab.runs import drop_leftovers


def draw_reviews(
    settings: Params, metrics: dict[str, Any], predictions: pd.DataFrame, lengths: pd.DataFrame, explanations: Path
) -> dict[str, Figure]:
    """Draws what the test rows and the look inside the networks say; returns figures by file name."""
    confusions = {name: [seed["confusion"] for seed in metrics[name]["per_seed"].values()] for name in settings.compare}
    areas = {name: (metrics[name]["mean"]["roc_auc"], metrics[name]["sd"]["roc_auc"]) for name in settings.compare}
    gradients, calibration = (pd.read_csv(explanations / f"{name}.csv") for name in ("gradient_norms", "calibration"))
    # A word may be "null", an id look like a number.
    traces = pd.read_csv(explanations / "traces.csv", dtype={"text_id": str, "word": str}, keep_default_na=False)
    traces["label"] = traces["label"].map(dict(enumerate(settings.data.labels)))
    return {
        "confusion_matrices.png": figures.confusion_matrices(confusions, settings.data.labels),
        "roc_curves.png": figures.roc_curves(predictions, areas),
        "accuracy_by_length.png": figures.accuracy_over_length(lengths),
        "gradient_norms.png": explanation_figures.gradient_norms_over_distance(gradients),
        "traces.png": explanation_figures.traces(traces),
        "calibration.png": explanation_figures.calibration_curves(calibration),
    }


def draw_series(settings: Params, metrics: dict[str, Any], predictions: pd.DataFrame) -> dict[str, Figure]:
    """Draws the test rows of a series, predictions averaged over seeds; returns figures by file name."""
    means = predictions.groupby(["model", "row"], sort=False)[["target", "predicted"]].mean()
    truth = means.loc[settings.compare[0], "target"]
    rows = truth.index.to_numpy()
    predicted = {name: means.loc[name, "predicted"].to_numpy() for name in settings.compare}
    models = {name: metrics[name] for name in settings.compare}
    baselines = {name: metrics[name]["mean"] for name in settings.baselines}
    return {
        "predicted_and_true.png": series_figures.predicted_and_true(truth.to_numpy(), predicted, rows),
        "errors.png": series_figures.error_bars(models, baselines),
    }


def read_histories(settings: Params, folder: Path) -> pd.DataFrame:
    """Joins the histories of all runs."""
    return pd.concat(
        pd.read_csv(folder / f"{run.name}.csv").assign(run=run.name, model=run.model, seed=run.seed)
        for run in settings.runs
    )


def length_table(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups the networks' test rows by length; a series has no lengths, and an empty table."""
    if settings.task == "series":
        return pd.DataFrame(columns=["run", "model", "seed", "words", "accuracy", "rows"])
    groups = figures.length_groups(predictions[predictions["model"].isin(settings.compare)])
    groups.insert(0, "run", groups["model"] + "-" + groups["seed"].astype(str))
    return groups


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--history", type=Path, required=True, help="folder of <model>-<seed>.csv")
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--explanations", type=Path, required=True)
    parser.add_argument("--figures", type=Path, required=True)
    parser.add_argument("--tables", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.history, [f"{run.name}.csv" for run in settings.runs])
    histories, metrics = read_histories(settings, flags.history), read_json(flags.metrics)
    predictions = pd.read_parquet(flags.predictions)
    lengths = length_table(settings, predictions)
    by_model = {
        name: [rows for _, rows in histories[histories["model"] == name].groupby("seed")] for name in settings.compare
    }
    drawn = {"training_curves.png": figures.training_curves(by_model)}
    if settings.task == "series":
        drawn |= draw_series(settings, metrics, predictions)
    else:
        drawn |= draw_reviews(settings, metrics, predictions, lengths, flags.explanations)
    with replacing(flags.figures) as folder:
        folder.mkdir()
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=120, metadata={"Software": None})
            figures.close(figure)
    write_text(flags.tables / "history.csv", histories.to_csv(index=False, lineterminator="\n"))
    write_text(flags.tables / "accuracy_by_length.csv", lengths.round(6).to_csv(index=False, lineterminator="\n"))


if __name__ == "__main__":
    sys.exit(exit_status(main))
