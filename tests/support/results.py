"""A finished result as the stages leave it behind, made by hand in a second."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rnnlab.evaluation import comparisons, metrics, series_metrics
from rnnlab.project import layout, params
from rnnlab.project.files import write_json
from rnnlab.project.params import NO_SEED, Params
from tests.support.builders import write_csv

SERIES = {
    "task": "series",
    "split.method": "chronological",
    "baselines": ["last_value", "linear"],
    "models.rnn.output": "linear",
    "models.lstm.output": "linear",
}


def changed(settings: Params, **changes: Any) -> Params:
    """Parameters with some changed, by dotted key; ``__`` stands for a dot."""
    values = settings.model_dump(mode="json", by_alias=True)
    for key, value in {"intervals__resamples": 100, **changes}.items():
        *sections, last = key.replace("__", ".").split(".")
        place = values
        for section in sections:
            place = place[section]
        place[last] = value
    return params.parse(values)


def layer(name: str, kind: str, *shape: int, cell: str = "", parameters: int = 0) -> dict[str, Any]:
    """A layer as `rnnlab.networks.layers.describe` describes it."""
    return {"name": name, "kind": kind, "cell": cell, "facts": "", "shape": list(shape), "parameters": parameters}


def small_network(cell: str) -> list[dict[str, Any]]:
    """The layers of nine words, an embedding of 50 × 4, three units of a cell, one output."""
    kind = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    return [
        layer("tokens", "InputLayer", 9),
        layer("embedding", "Embedding", 9, 4, parameters=200),
        layer("recurrent", kind, 3, cell=kind, parameters=12),
        layer("probability", "Dense", 1),
    ]


def text_predictions(settings: Params, texts: Sequence[str]) -> pd.DataFrame:
    """Every other text is positive; each model of the list is surer of it than the one before, and wrong on some."""
    draw = np.random.default_rng(1)
    label = np.arange(len(texts)) % 2
    columns = {"id": [f"id{row:05}" for row in range(len(texts))], "label": label}
    lengths = [len(text.split()) for text in texts]
    tables = []
    for place, name in enumerate(settings.scored):
        for seed in [NO_SEED] if name in settings.baselines else settings.train.seeds:
            logits = (2 * label - 1) * (0.8 + 0.7 * place) + draw.normal(0, 1.2, len(texts))
            probability = (1 / (1 + np.exp(-logits))).astype(np.float32)
            runs = {"words": lengths, "model": name, "seed": seed, "probability": probability}
            tables.append(pd.DataFrame({**columns, **runs}))
    return pd.concat(tables, ignore_index=True)


def series_predictions(settings: Params, steps: int) -> pd.DataFrame:
    draw = np.random.default_rng(1)
    target = np.sin(np.arange(steps) / 5)
    tables = []
    for place, name in enumerate(settings.scored):
        for seed in [NO_SEED] if name in settings.baselines else settings.train.seeds:
            predicted = (target + draw.normal(0, 0.3 / (1 + place), steps)).astype(np.float32)
            run = {"row": np.arange(steps) + 100, "target": target, "model": name, "seed": seed, "predicted": predicted}
            tables.append(pd.DataFrame(run))
    return pd.concat(tables, ignore_index=True)


def summaries(settings: Params, predictions: pd.DataFrame) -> dict[str, Any]:
    found = {}
    for name in settings.scored:
        seeds = {}
        for seed, rows in predictions[predictions["model"] == name].groupby("seed"):
            if settings.task == "series":
                seeds[seed] = series_metrics.score(rows["target"].to_numpy(), rows["predicted"].to_numpy())
            else:
                seeds[seed] = metrics.score(rows["label"].to_numpy(np.int8), rows["probability"].to_numpy())
        found[name] = metrics.summarise(seeds, 1234)
    return found


def write_tables(folder: Path, settings: Params, predictions: pd.DataFrame, texts: Sequence[str]) -> None:
    """What the evaluate stage says of the networks beside their scores."""
    folder.mkdir()
    if settings.task == "series":
        wrong = predictions[predictions["model"].isin(settings.compare)].head(3)
        wrong.assign(error=0.5)[["model", "row", "target", "predicted", "error"]].to_csv(
            folder / "mistakes.csv", index=False
        )
        return
    rows = predictions[predictions["model"] == settings.compare[0]].head(4)
    columns = ["id", "label", "words", "probability", "model"]
    rows[columns].assign(text=list(texts[:4])).to_csv(folder / "mistakes.csv", index=False)
    runs = [{"model": run.model, "seed": run.seed} for run in settings.runs]
    pd.DataFrame([{**run, "distance": at, "norm": 1 / (1 + at)} for run in runs for at in range(9)]).to_csv(
        folder / "gradient_norms.csv", index=False
    )
    pd.DataFrame(
        [
            {"text_id": "id00001", **run, "position": at, "word": word, "probability": 0.2 * (at % 5) + 0.1, "label": 1}
            for run in runs
            for at, word in enumerate(texts[1].split()[:200], start=1)
        ]
    ).to_csv(folder / "traces.csv", index=False)
    pd.DataFrame(
        [
            {"forecast": share, "observed": share, "rows": 5, "model": name}
            for name in settings.compare
            for share in (0.1, 0.5, 0.9)
        ]
    ).to_csv(folder / "calibration.csv", index=False)


def finding(**changes: Any) -> dict[str, Any]:
    """What Great Expectations found, as reports/validation.json has it."""
    common = {"check": "rows", "column": "rows", "expectation": "expect_column_values_to_be_between"}
    outcome = {"severity": "critical", "success": True, "limits": {"min_value": 20}, "unexpected": 0, "examples": []}
    return {**common, **outcome, **changes}


def lay_out(folder: Path, settings: Params, texts: Sequence[str] = ()) -> None:
    """Writes all that the page is made from, as a project's root has it; texts are the test rows."""
    texts = list(texts) or [f"text {number} has {'some ' * (number % 7)}words" for number in range(40)]
    series = settings.task == "series"
    predictions = series_predictions(settings, len(texts)) if series else text_predictions(settings, texts)
    for path in (layout.PREDICTIONS, layout.ROWS, layout.HISTORY / "any"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
    predictions.to_parquet(folder / layout.PREDICTIONS)
    write_json(folder / layout.METRICS, summaries(settings, predictions))
    scores = comparisons.scores_by_model(settings, predictions)
    write_json(folder / layout.COMPARISON, comparisons.compare(settings, scores))
    write_tables(folder / layout.EXPLANATIONS, settings, predictions, texts)
    for number, run in enumerate(settings.runs):
        losses = np.linspace(0.7, 0.2, 3 + number % 2)
        shown = {"loss": losses, "val_loss": losses + 0.1}
        figure = "mae" if series else "accuracy"
        epochs = pd.DataFrame({"epoch": np.arange(len(losses)) + 1, **shown, figure: losses, f"val_{figure}": losses})
        epochs.to_csv(folder / layout.history(run), index=False)
        write_json(folder / layout.timings(run), {"epoch_seconds": [2.0, 1.0, 1.5]})
        write_json(folder / layout.layers(run), small_network(settings.models[run.model].cell))
    ids = [f"id{row:05}" for row in range(len(texts))]
    pd.DataFrame({"id": ids, "text": texts}).to_parquet(folder / layout.ROWS)
    refused = [["7", "duplicate (row 3 is the first)", "bad", "the same again"]]
    write_csv(folder / layout.REJECTED, ["row", "reason", "label", "text"], *([] if series else refused))
    counted = {"values": 40} if series else {"negative": 30, "positive": 10}
    total = {"total": 0} if series else {"total": 1, "duplicate": 1}
    splits = dict.fromkeys(("train", "validation", "test"), counted)
    summary = {"rows_read": 121, "rows_kept": 120, "rows_rejected": total, "splits": splits}
    write_json(folder / layout.SUMMARY, summary)
    lengths = {f"length_p{point}": 9.0 for point in ("05", "25", "50", "75", "95", "99")}
    split = {"windows": 30} if series else {"rows": 40, "oov_rate": 0.025, "truncated_share": 0.1, **lengths}
    encoded = {"vocabulary_size": 50, **dict.fromkeys(("train", "validation", "test"), split)}
    write_json(folder / layout.FEATURE_FIGURES, encoded)
    write_json(folder / layout.VOCABULARY, [] if series else ["", "<unk>", "the", "film"])
    findings = [finding(), finding(check="lengths", severity="warning", success=False, unexpected=3)]
    write_json(folder / layout.VALIDATION, findings)
