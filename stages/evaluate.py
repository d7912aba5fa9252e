"""Trained models and test rows → predictions and figures of every run, and a look inside the networks.

The only stage that reads test rows, and the only one after training that starts TensorFlow.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tqdm import tqdm

from rnnlab import features, params
from rnnlab.errors import exit_status
from rnnlab.files import read_json, reading, replacing, write_json, write_text
from rnnlab.params import Params
from rnnlab.quiet import importing_keras
from rnnlab.runs import NO_SEED, drop_leftovers
from rnnlab.sharded_arrays import ShardedArray

# Predictions of the test rows by model and seed, float32 of shape (rows,), and the weights of each model.
Predictions = dict[tuple[str, int], npt.NDArray[np.float32]]
Parameters = dict[str, int]


class Results(NamedTuple):
    """What becomes of the test rows.

    Attributes:
        predictions: one row a run and test row.
        metrics: figures by model, from `rnnlab.metrics.summarise`.
        explanations: tables by name, from `rnnlab.insights`.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]
    explanations: dict[str, pd.DataFrame]


def predict_networks(
    settings: Params, folder: Path, inputs: npt.NDArray[Any] | ShardedArray
) -> tuple[Predictions, Parameters]:
    """Runs every network, in one process so that TensorFlow starts once."""
    with importing_keras():
        from rnnlab import models
    predictions, parameters = {}, {}
    networks = models.load_each(folder / f"{run.name}.keras" for run in settings.runs)
    runs = tqdm(settings.runs, desc="evaluate", unit="model", disable=None)
    for run, model in zip(runs, networks, strict=True):
        parameters[run.model] = model.count_params()
        predictions[run.model, run.seed] = models.predict(model, inputs, settings.evaluate.batch_size)
    return predictions, parameters


def predict_text_baselines(settings: Params, folder: Path, rows: Path, split: str) -> tuple[Predictions, Parameters]:
    """Runs the linear models on the texts of a split."""
    from rnnlab import baselines  # scikit-learn takes seconds to import

    with reading(rows):
        texts = pq.read_table(rows, columns=["text"], filters=pc.field("split") == split)["text"].combine_chunks()
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
            *weights, intercept = features.map_array(folder / "linear.npy")
            predictions[name, NO_SEED] = series_metrics.predict_linear(inputs, np.array(weights), intercept)
            parameters[name] = len(weights) + 1
        else:
            predictions[name, NO_SEED] = series_metrics.last_value(inputs)
            parameters[name] = 0
    return predictions, parameters


def predict_texts(
    settings: Params, folder: Path, split: Path, rows: Path
) -> tuple[Predictions, Parameters, features.Features]:
    """Runs networks and linear models on a split of texts, named as in ``rows``."""
    texts = features.load(split)
    predictions, parameters = predict_networks(settings, folder, texts.tokens)
    others, weights = predict_text_baselines(settings, folder / "baselines", rows, split.name)
    return predictions | others, parameters | weights, texts


def add_ensemble(
    settings: Params, predictions: Predictions, held_out: Predictions, labels: npt.NDArray[np.int8]
) -> None:
    """Adds an ensemble a seed to the test predictions; a baseline takes part in each.

    Args:
        settings: names the members.
        predictions: of the test rows, added to.
        held_out: of the validation rows, on which the members are weighed.
        labels: of the validation rows.
    """
    from rnnlab import ensembles

    for seed in settings.train.seeds:
        members = [(name, seed if name in settings.compare else NO_SEED) for name in settings.ensemble]
        weights = ensembles.fit_weights([held_out[member] for member in members], labels)
        predictions["ensemble", seed] = ensembles.combine([predictions[member] for member in members], weights)


def evaluate_texts(settings: Params, flags: argparse.Namespace) -> Results:
    """Scores every classifier on the test rows: the columns id, label, words, model, seed, probability."""
    predictions, parameters, texts = predict_texts(settings, flags.models, flags.test, flags.rows)
    if settings.ensemble:
        held_out, _, others = predict_texts(settings, flags.models, flags.validation, flags.rows)
        add_ensemble(settings, predictions, held_out, np.asarray(others.labels))
        parameters["ensemble"] = sum(parameters[name] for name in settings.ensemble)
    from rnnlab import insights, metrics

    columns = {"id": texts.ids.astype(str), "label": np.asarray(texts.labels), "words": np.asarray(texts.lengths)}
    scores = {run: metrics.score(columns["label"], values) for run, values in predictions.items()}
    every = table(columns, "probability", predictions)
    vocabulary = read_json(flags.vocabulary)
    explained = insights.explain_texts(settings, flags.models, texts, flags.rows, vocabulary, every)
    return Results(every, summaries(settings, scores, parameters), explained)


def evaluate_series(settings: Params, flags: argparse.Namespace) -> Results:
    """Scores every forecaster on the test rows: the columns row, target, model, seed, predicted."""
    windows = features.load_windows(flags.test)
    predictions, parameters = predict_networks(settings, flags.models, windows.inputs)
    others, weights = predict_series_baselines(settings, flags.models / "baselines", windows.inputs)
    predictions |= others
    from rnnlab import insights, series_metrics

    targets = np.asarray(windows.targets)
    columns: dict[str, npt.NDArray[Any]] = {"row": np.asarray(windows.rows), "target": targets}
    scores = {run: series_metrics.score(targets, values) for run, values in predictions.items()}
    every = table(columns, "predicted", predictions)
    explained = insights.explain_series(settings, every)
    return Results(every, summaries(settings, scores, parameters | weights), explained)


def table(columns: dict[str, npt.NDArray[Any]], figure: str, predictions: Predictions) -> pd.DataFrame:
    """Gives a row a run and test row: ``columns``, model, seed, and the prediction under the name ``figure``."""
    runs = [
        pd.DataFrame({**columns, "model": name, "seed": seed, figure: values})
        for (name, seed), values in predictions.items()
    ]
    return pd.concat(runs, ignore_index=True)


def summaries(
    settings: Params, scores: dict[tuple[str, int], dict[str, Any]], parameters: Parameters
) -> dict[str, Any]:
    """Gives the figures by model; see `rnnlab.metrics.summarise`."""
    from rnnlab.metrics import summarise

    by_seed: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in settings.scored}
    for (name, seed), figures in scores.items():
        by_seed[name][seed] = figures
    return {name: summarise(by_seed[name], parameters[name]) for name in settings.scored}


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of <model>-<seed>.keras and baselines")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--validation", type=Path, required=True, help="rows that an ensemble is weighed on")
    parser.add_argument("--rows", type=Path, required=True, help="the texts that the baselines read")
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    parser.add_argument("--explanations", type=Path, required=True, help="folder that gets a CSV a table")
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.models, [f"{run.name}.keras" for run in settings.runs])
    evaluate = evaluate_series if settings.task == "series" else evaluate_texts
    results = evaluate(settings, flags)
    with replacing(flags.predictions) as target:
        results.predictions.to_parquet(target, index=False)
    with replacing(flags.explanations) as folder:
        folder.mkdir()
        for name, explained in results.explanations.items():
            csv = explained.to_csv(index=False, lineterminator="\n", float_format="%.6g")
            write_text(folder / f"{name}.csv", csv)
    write_json(flags.metrics, results.metrics)


if __name__ == "__main__":
    sys.exit(exit_status(main))
