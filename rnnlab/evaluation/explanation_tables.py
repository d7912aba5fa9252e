"""Tables on why networks differ and where they go wrong."""

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


def look_inside(settings: Params, test: arrays.Features, texts: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Measures gradients of every network before and after its training, and traces each through some texts.

    Returns:
        The columns model, seed, moment, distance, norm; and text_id, model, seed, position, word, probability.
    """
    gradients, traces = [], []
    tokens = np.asarray(test.tokens[: settings.explain.gradient_rows])
    vocabulary = read_json(layout.VOCABULARY)
    networks = models.load_each(map(layout.network, settings.runs))
    for run, model in zip(tqdm(settings.runs, desc="explain", unit="model", disable=None), networks, strict=True):
        for moment, weights in {
            "before": explanations.fresh_weights(model, run.seed),
            "after": model.get_weights(),
        }.items():
            model.set_weights(weights)
            norms = explanations.norms_by_distance(explanations.gradient_norms(model, tokens, batch_size=100), tokens)
            table = pd.DataFrame({"distance": np.arange(len(norms)), "norm": norms}).dropna()
            gradients.append(table.assign(model=run.model, seed=run.seed, moment=moment))
        for key, text in texts.items():
            steps = explanations.trace(model, text, vocabulary, settings.tokenize_pad, settings.evaluate.batch_size)
            row = {"text_id": key, "model": run.model, "seed": run.seed}
            traces += [
                {**row, "position": position, "word": word, "probability": probability}
                for position, (word, probability) in enumerate(steps, start=1)
            ]
    return pd.concat(gradients, ignore_index=True), pd.DataFrame(traces)


def explain_texts(settings: Params, test: arrays.Features, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Makes the tables of the text task by name, from predictions: id, label, words, model, seed, probability."""
    compared = predictions[predictions["model"].isin(settings.compare)]
    by_model, by_run = (compared.groupby(keys, sort=False) for keys in ("model", ["model", "seed"]))
    wrong = [explanations.mistakes(rows, settings.explain.mistakes).assign(model=name) for name, rows in by_model]
    mistakes = pd.concat(wrong, ignore_index=True)
    shown = compared[compared["seed"] == settings.train.seeds[0]]
    traced = explanations.choose_traced(shown, settings.compare[0], settings.compare[-1], settings.explain.traced_rows)
    texts = read_texts(layout.ROWS, [*traced, *mistakes["id"]])
    gradients, traces = look_inside(settings, test, {key: texts[key] for key in traced})
    labels = dict(zip(compared["id"], compared["label"], strict=True))
    return {
        "gradient_norms": gradients,
        "traces": traces.assign(label=traces["text_id"].map(labels)),
        "calibration": pd.concat([bins(rows).assign(model=name, seed=seed) for (name, seed), rows in by_run]),
        "mistakes": mistakes.assign(text=mistakes["id"].map(texts).map(defused)),
    }


def bins(predictions: pd.DataFrame) -> pd.DataFrame:
    """Groups one network's probabilities for a reliability curve: the columns forecast, observed, rows."""
    groups = explanations.calibration(predictions["label"].to_numpy(), predictions["probability"].to_numpy(np.float32))
    return pd.DataFrame(groups, columns=["forecast", "observed", "rows"])


def explain_series(settings: Params, predictions: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Makes the table of the series task: the largest errors of each model's network of the first seed."""
    shown = predictions["model"].isin(settings.compare) & (predictions["seed"] == settings.train.seeds[0])
    errors = predictions[shown].assign(error=(predictions["predicted"] - predictions["target"]).abs())
    ranked = errors.sort_values(["error", "row"], ascending=[False, True])
    return {"mistakes": ranked.groupby("model", sort=False).head(settings.explain.mistakes).reset_index(drop=True)}
