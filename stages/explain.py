"""Trained networks and test rows → why they differ: gradients over distance, opinions word by word, mistakes."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from rnnlab import features, params
from rnnlab.errors import exit_status
from rnnlab.files import read_json, replacing, write_text
from rnnlab.params import Params
from rnnlab.quiet import importing_keras


def read_texts(rows: Path, ids: list[str]) -> dict[str, str]:
    """Reads the texts of some test rows."""
    table = pq.read_table(rows, columns=["id", "text"], filters=pc.field("id").isin(ids))
    return dict(zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True))


def average(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Averages one model's probabilities over its seeds: the columns id, label, words, probability."""
    rows = predictions[predictions["model"] == name]
    return rows.groupby(["id", "label", "words"], sort=True)["probability"].mean().reset_index()


def look_inside(
    settings: Params, folder: Path, test: features.Features, vocabulary: list[str], texts: dict[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures gradients of every network, and follows each through some texts.

    Returns:
        The columns model, seed, distance, norm; and text_id, model, seed, position, word, probability.
    """
    from rnnlab import explanations, models

    gradients: list[pd.DataFrame] = []
    traces: list[dict[str, Any]] = []
    tokens = np.asarray(test.tokens[: settings.explain.gradient_rows])
    for run in tqdm(settings.runs, desc="explain", unit="model", disable=None):
        model = models.load(folder / f"{run.name}.keras")
        norms = explanations.gradient_norms(model, tokens, batch_size=100)
        by_distance = explanations.norms_by_distance(norms, tokens)
        table = {"model": run.model, "seed": run.seed, "distance": np.arange(len(by_distance)), "norm": by_distance}
        gradients.append(pd.DataFrame(table).dropna())
        for key, text in texts.items():
            steps = explanations.trace(model, text, vocabulary, settings.tokenize_pad, settings.evaluate.batch_size)
            row = {"text_id": key, "model": run.model, "seed": run.seed}
            traces += [
                {**row, "position": place, "word": word, "probability": probability}
                for place, (word, probability) in enumerate(steps, start=1)
            ]
    return pd.concat(gradients, ignore_index=True), pd.DataFrame(traces)


def explain_reviews(
    settings: Params, folder: Path, test: Path, rows: Path, vocabulary: Path, predictions: pd.DataFrame
) -> dict[str, pd.DataFrame]:
    """Makes the tables of the text task, by name."""
    with importing_keras():
        from rnnlab import explanations
    compared = predictions[predictions["model"].isin(settings.compare)]
    means = {name: average(compared, name) for name in settings.compare}
    traced = explanations.choose_traced(
        compared, settings.compare[0], settings.compare[-1], settings.explain.traced_rows
    )
    wrong = {name: explanations.mistakes(table, settings.explain.mistakes) for name, table in means.items()}
    mistakes = pd.concat([table.assign(model=name) for name, table in wrong.items()], ignore_index=True)
    texts = read_texts(rows, [*traced, *mistakes["id"]])
    gradients, traces = look_inside(
        settings, folder, features.load(test), read_json(vocabulary), {key: texts[key] for key in traced}
    )
    labels = dict(zip(compared["id"], compared["label"], strict=True))
    bins = [
        pd.DataFrame(
            explanations.calibration(table["label"].to_numpy(), table["probability"].to_numpy(np.float32)),
            columns=["forecast", "observed", "rows"],
        ).assign(model=name)
        for name, table in means.items()
    ]
    return {
        "gradient_norms": gradients,
        "traces": traces.assign(label=traces["text_id"].map(labels)),
        "calibration": pd.concat(bins, ignore_index=True),
        "mistakes": mistakes.assign(text=mistakes["id"].map(texts)),
    }


def explain_series(settings: Params, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Makes the table of the series task: the largest errors of each model, predictions averaged over seeds."""
    means = predictions.groupby(["model", "row"], sort=False)[["target", "predicted"]].mean().reset_index()
    means["error"] = (means["predicted"] - means["target"]).abs()
    ranked = means[means["model"].isin(settings.compare)].sort_values(["error", "row"], ascending=[False, True])
    return {"mistakes": ranked.groupby("model", sort=False).head(settings.explain.mistakes).reset_index(drop=True)}


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="folder that gets a CSV a table")
    flags = parser.parse_args()
    settings = params.read()
    predictions = pd.read_parquet(flags.predictions)
    if settings.task == "series":
        tables = explain_series(settings, predictions)
    else:
        tables = explain_reviews(settings, flags.models, flags.test, flags.rows, flags.vocabulary, predictions)
    with replacing(flags.out) as folder:
        folder.mkdir()
        for name, table in tables.items():
            csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
            write_text(folder / f"{name}.csv", csv)


if __name__ == "__main__":
    sys.exit(exit_status(main))
