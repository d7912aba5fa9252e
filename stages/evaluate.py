"""Trained networks and test rows → predictions and figures of every run; the only stage that reads test rows."""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from rnnlab import features, params
from rnnlab.errors import exit_status
from rnnlab.files import replacing, write_json
from rnnlab.params import Params
from rnnlab.quiet import importing_keras
from rnnlab.runs import drop_leftovers


def predict(settings: Params, folder: Path, test: features.Features) -> tuple[pd.DataFrame, dict[str, int]]:
    """Scores the test rows with every network, in one process so that TensorFlow starts once.

    Returns:
        One row a run and test row (id, label, words, model, seed, probability), and the weights of each model.
    """
    with importing_keras():
        from rnnlab import models
    tables, parameters = [], {}
    for run in tqdm(settings.runs, desc="evaluate", unit="model", disable=None):
        model = models.load(folder / f"{run.name}.keras")
        parameters[run.model] = model.count_params()
        probabilities = models.predict(model, test.tokens, settings.evaluate.batch_size)
        rows = {"id": test.ids.astype(str), "label": test.labels, "words": test.lengths}
        tables.append(pd.DataFrame({**rows, "model": run.model, "seed": run.seed, "probability": probabilities}))
    return pd.concat(tables, ignore_index=True), parameters


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, required=True, help="folder of <model>-<seed>.keras")
    parser.add_argument("--test", type=Path, required=True)
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    drop_leftovers(flags.models, [f"{run.name}.keras" for run in settings.runs])
    predictions, parameters = predict(settings, flags.models, features.load(flags.test))
    from rnnlab import metrics  # scikit-learn takes seconds to import

    scores: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in settings.compare}
    for (name, seed), rows in predictions.groupby(["model", "seed"], sort=False):
        scores[str(name)][str(seed)] = metrics.score(np.asarray(rows["label"]), np.asarray(rows["probability"]))
    with replacing(flags.predictions) as target:
        predictions.to_parquet(target, index=False)
    write_json(flags.metrics, {name: metrics.summarise(scores[name], parameters[name]) for name in settings.compare})


if __name__ == "__main__":
    sys.exit(exit_status(main))
