"""Tables on why networks differ and where they go wrong."""

from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from rnnlab.evaluation import explanations
from rnnlab.features import arrays
from rnnlab.features.clean_rows import read_texts
from rnnlab.networks import models
from rnnlab.project import layout
from rnnlab.project.dataframes import defused
from rnnlab.project.files import read_json
from rnnlab.project.params import Params


def average(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """Averages a model's probabilities over its seeds: the columns id, label, words, probability."""
    rows = predictions[predictions["model"] == name]
    return rows.groupby(["id", "label", "words"], sort=True)["probability"].mean().reset_index()


def look_inside(settings: Params, test: arrays.Features, texts: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures gradients of every network, and traces each through some texts.

    Returns:
        The columns model, seed, distance, norm; and text_id, model, seed, position, word, probability.
    """
    gradients: list[pd.DataFrame] = []
    traces: list[dict[str, Any]] = []
    tokens = np.asarray(test.tokens[: settings.explain.gradient_rows])
    vocabulary = read_json(layout.VOCABULARY)
    networks = models.load_each(map(layout.network, settings.runs))
    for run, model in zip(tqdm(settings.runs, desc="explain", unit="model", disable=None), networks, strict=True):
        norms = explanations.gradient_norms(model, tokens, batch_size=100)
        by_distance = explanations.norms_by_distance(norms, tokens)
        table = {"model": run.model, "seed": run.seed, "distance": np.arange(len(by_distance)), "norm": by_distance}
        gradients.append(pd.DataFrame(table).dropna())
        for key, text in texts.items():
            steps = explanations.trace(model, text, vocabulary, settings.tokenize_pad, settings.evaluate.batch_size)
            row = {"text_id": key, "model": run.model, "seed": run.seed}
            traces += [
                {**row, "position": position, "word": word, "probability": probability}
                for position, (word, probability) in enumerate(steps, start=1)
            ]
    return pd.concat(gradients, ignore_index=True), pd.DataFrame(traces)


def explain_texts(settings: Params, test: arrays.Features, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Makes the tables of the text task, by name.

    Args:
        settings: how much to look at.
        test: the encoded test rows.
        predictions: of the test rows: the columns id, label, words, model, seed, probability.
    """
    compared = predictions[predictions["model"].isin(settings.compare)]
    means = {name: average(compared, name) for name in settings.compare}
    first, last = settings.compare[0], settings.compare[-1]
    traced = explanations.choose_traced(compared, first, last, settings.explain.traced_rows)
    wrong = [
        explanations.mistakes(table, settings.explain.mistakes).assign(model=name) for name, table in means.items()
    ]
    mistakes = pd.concat(wrong, ignore_index=True)
    texts = read_texts(layout.ROWS, [*traced, *mistakes["id"]])
    gradients, traces = look_inside(settings, test, {key: texts[key] for key in traced})
    labels = dict(zip(compared["id"], compared["label"], strict=True))
    return {
        "gradient_norms": gradients,
        "traces": traces.assign(label=traces["text_id"].map(labels)),
        "calibration": pd.concat([bins(table).assign(model=name) for name, table in means.items()], ignore_index=True),
        "mistakes": mistakes.assign(text=mistakes["id"].map(texts).map(defused)),
    }


def bins(means: pd.DataFrame) -> pd.DataFrame:
    """Groups one model's probabilities for a reliability curve: the columns forecast, observed, rows."""
    groups = explanations.calibration(means["label"].to_numpy(), means["probability"].to_numpy(np.float32))
    return pd.DataFrame(groups, columns=["forecast", "observed", "rows"])


def explain_series(settings: Params, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Makes the table of the series task: the largest errors of each model, predictions averaged over seeds."""
    means = predictions.groupby(["model", "row"], sort=False)[["target", "predicted"]].mean().reset_index()
    means["error"] = (means["predicted"] - means["target"]).abs()
    ranked = means[means["model"].isin(settings.compare)].sort_values(["error", "row"], ascending=[False, True])
    return {"mistakes": ranked.groupby("model", sort=False).head(settings.explain.mistakes).reset_index(drop=True)}
