"""Trained models and test rows → predictions and figures of every run; the test rows are scored here alone."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from rnnlab import features, params
from rnnlab.errors import exit_status
from rnnlab.files import replacing, write_json
from rnnlab.params import Params
from rnnlab.quiet import importing_keras
from rnnlab.runs import NO_SEED, drop_leftovers

# Predictions of the test rows by model and seed, float32 of shape (rows,), and the weights of each model.
Predictions = dict[tuple[str, int], npt.NDArray[np.float32]]
Parameters = dict[str, int]


def predict_networks(settings: Params, folder: Path, inputs: npt.NDArray[Any]) -> tuple[Predictions, Parameters]:
    """Runs every network, in one process so that TensorFlow starts once."""
    with importing_keras():
        from rnnlab import models
    predictions, parameters = {}, {}
    for run in tqdm(settings.runs, desc="evaluate", unit="model", disable=None):
        model = models.load(folder / f"{run.name}.keras")
        parameters[run.model] = model.count_params()
        predictions[run.model, run.seed] = models.predict(model, inputs, settings.evaluate.batch_size)
    return predictions, parameters


def predict_text_baselines(settings: Params, folder: Path, rows: Path) -> tuple[Predictions, Parameters]:
    """Runs the linear models on the texts of the test rows."""
    from rnnlab import baselines  # scikit-learn takes seconds to import

    texts = pq.read_table(rows, columns=["text"], filters=pc.field("split") == "test")["text"].combine_chunks()
    predictions, parameters = {}, {}
    for name in settings.baselines:
        model = baselines.load(folder / f"{name}.npz")
        parameters[name] = baselines.count_parameters(model)
        predictions[name, NO_SEED] = baselines.predict(model, texts)
    return predictions, parameters


def predict_series_baselines(
    settings: Params, folder: Path, inputs: npt.NDArray[np.float32]
) -> tuple[Predictions, Parameters]:
    """Predicts the windows of the test rows without a network."""
    from rnnlab import series_metrics

    predictions: Predictions = {}
    parameters: Parameters = {}
    for name in settings.baselines:
        if name == "linear":
            *weights, intercept = np.load(folder / "linear.npy")
            predictions[name, NO_SEED] = series_metrics.predict_linear(inputs, np.array(weights), intercept)
            parameters[name] = len(weights) + 1
        else:
            predictions[name, NO_SEED] = series_metrics.last_value(inputs)
            parameters[name] = 0
    return predictions, parameters


def add_ensemble(settings: Params, predictions: Predictions, parameters: Parameters) -> None:
    """Adds the mean log-odds of the members, one ensemble a seed; a baseline takes part in each."""
    from rnnlab.metrics import average_log_odds

    for seed in settings.train.seeds if settings.ensemble else ():
        members = [predictions[name, seed if name in settings.compare else NO_SEED] for name in settings.ensemble]
        predictions["ensemble", seed] = average_log_odds(members)
        parameters["ensemble"] = sum(parameters[name] for name in settings.ensemble)


def evaluate(settings: Params, folder: Path, test: Path, rows: Path) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Scores everything.

    Returns:
        One row a run and test row: id, label, words, model, seed, probability for texts; row, target, model, seed,
        predicted for a series. And the figures by model, from `rnnlab.metrics.summarise`.
    """
    from rnnlab import metrics, series_metrics  # scikit-learn takes seconds to import

    score: Callable[..., dict[str, Any]]
    if settings.task == "series":
        windows = features.load_windows(test)
        columns, truth, prediction = {"row": windows.rows, "target": windows.targets}, "target", "predicted"
        predictions, parameters = predict_networks(settings, folder, windows.inputs)
        others, weights = predict_series_baselines(settings, folder / "baselines", windows.inputs)
        score = series_metrics.score
    else:
        texts = features.load(test)
        columns = {"id": texts.ids.astype(str), "label": texts.labels, "words": texts.lengths}
        truth, prediction = "label", "probability"
        predictions, parameters = predict_networks(settings, folder, texts.tokens)
        others, weights = predict_text_baselines(settings, folder / "baselines", rows)
        score = metrics.score
    predictions |= others
    parameters |= weights
    add_ensemble(settings, predictions, parameters)
    scores: dict[str, dict[int, Any]] = {name: {} for name in settings.scored}
    tables = []
    for (name, seed), values in predictions.items():
        scores[name][seed] = score(np.asarray(columns[truth]), values)
        tables.append(pd.DataFrame({**columns, "model": name, "seed": seed, prediction: values}))
    summary = {name: metrics.summarise(scores[name], parameters[name]) for name in settings.scored}
    return pd.concat(tables, ignore_index=True), summary


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of <model>-<seed>.keras and baselines")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--rows", type=Path, required=True, help="the texts that the baselines read")
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.models, [f"{run.name}.keras" for run in settings.runs])
    predictions, metrics = evaluate(settings, flags.models, flags.test, flags.rows)
    with replacing(flags.predictions) as target:
        predictions.to_parquet(target, index=False)
    write_json(flags.metrics, metrics)


if __name__ == "__main__":
    sys.exit(exit_status(main))
