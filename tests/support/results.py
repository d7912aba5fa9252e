"""A finished result as the stages leave it behind, made by hand in a second."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rnnlab.evaluation import comparisons, convergence, figure_intervals, metrics, series_metrics
from rnnlab.project import layout, params
from rnnlab.project.dataframes import read_table
from rnnlab.project.files import write_json
from rnnlab.project.params import NO_SEED, Params, Run
from rnnlab.project.sections.kinds import AUTO
from rnnlab.project.tasks import TASKS, answers
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
    for key, value in changes.items():
        *sections, last = key.replace("__", ".").split(".")
        place = values
        for section in sections:
            place = place[section]
        place[last] = value
    return params.parse(values)


def write_network(run: Run, cell: str) -> None:
    """Writes the layers of a network: nine words, an embedding of 50 × 4, three units of a cell, one output."""
    kind = {"simple_rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}[cell]
    layers = [
        ("tokens", "InputLayer", "", "", [9], 0),
        ("embedding", "Embedding", "", "50 words; padding is masked", [9, 4], 200),
        ("recurrent", kind, kind, "returns its last state", [3], 84),
        ("probability", "Dense", "", "sigmoid activation", [1], 4),
    ]
    keys = ("name", "kind", "cell", "facts", "shape", "parameters")
    write_json(layout.layers(run), [dict(zip(keys, layer, strict=True)) for layer in layers])


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
            rows = {"row": np.arange(steps) + 100, "step": 1, "target": target}
            run = {**rows, "model": name, "seed": seed, "predicted": predicted}
            tables.append(pd.DataFrame(run))
    return pd.concat(tables, ignore_index=True)


def summaries(settings: Params, predictions: pd.DataFrame) -> dict[str, Any]:
    found = {}
    for name in settings.scored:
        seeds = {}
        for seed, rows in predictions[predictions["model"] == name].groupby("seed"):
            if settings.task == "series":
                both = rows[["target"]].to_numpy(), rows[["predicted"]].to_numpy()
                seeds[seed] = series_metrics.score(*both)
                seeds[seed] |= series_metrics.interval_figures(*both, np.array([0.3]))
            else:
                said = metrics.answer(rows["label"].to_numpy(np.int8), rows["probability"].to_numpy())
                seeds[seed] = metrics.score(said)
        found[name] = metrics.summarise(seeds, 1234)
    return found


def intervals_table(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    runs: dict[str, list[metrics.Said]] = {name: [] for name in settings.scored}
    for (name, _), rows in predictions.groupby(["model", "seed"], sort=False):
        said = metrics.Said(rows["label"].to_numpy(), rows["probability"].to_numpy(), answers(rows).to_numpy())
        runs[str(name)].append(said)
    return figure_intervals.table({"words": rows["words"].to_numpy()}, runs)


def write_tables(settings: Params, predictions: pd.DataFrame, texts: Sequence[str]) -> None:
    """The tables that the evaluate stage writes to explain networks."""
    runs = [{"model": run.model, "seed": run.seed} for run in settings.runs]
    if settings.task == "series":
        wrong = predictions[predictions["model"].isin(settings.compare)].head(3).assign(error=0.5)
        tables = {
            "mistakes": wrong[["model", "seed", "row", "step", "target", "predicted", "error"]],
            "windows": windows_table(settings),
            "attributions": attributions_table(settings),
        }
    else:
        wrong = predictions[predictions["model"] == settings.compare[0]].head(4).assign(text=list(texts[:4]))
        tables = {
            "mistakes": wrong[["id", "label", "words", "model", "text"]].assign(wrong=1, seed_1=wrong["probability"]),
            "intervals": intervals_table(settings, predictions),
            "gradient_norms": pd.DataFrame(
                [
                    {**run, "moment": moment, "distance": at, "norm": 1 / (1 + at)}
                    for run in runs
                    for moment in ("before", "early", "after")
                    for at in range(9)
                ]
            ),
            "traces": pd.DataFrame(
                [
                    {"text_id": "id00001", **run, "position": at, "word": word, "probability": 0.2 * (at % 5) + 0.1}
                    for run in runs
                    for at, word in enumerate(texts[1].split()[:200], start=1)
                ]
            ).assign(label=1),
            "states": states_table(settings, texts[1]),
            "calibration": pd.DataFrame(
                [{"forecast": share, "observed": share, "rows": 5, **run} for run in runs for share in (0.1, 0.5, 0.9)]
            ),
        }
    layout.EXPLANATIONS.mkdir()
    for name, table in tables.items():
        table.to_csv(layout.EXPLANATIONS / f"{name}.csv", index=False)


def windows_table(settings: Params, horizon: int = 1) -> pd.DataFrame:
    """A past of eight values and a forecast for each kind of window of each network."""
    past = pd.DataFrame({"row": range(8), "value": range(8), "predicted": np.nan, "half_width": np.nan})
    future = pd.DataFrame({"row": range(8, 8 + horizon), "value": 8.0, "predicted": 7.5, "half_width": 0.6})
    return pd.concat(
        pd.concat([past, future]).assign(model=name, window=window)
        for name in settings.compare
        for window in ("best", "median", "worst")
    )


def attributions_table(settings: Params, channels: Sequence[str] = ("value",)) -> pd.DataFrame:
    """The nearer a value is, the more it moves the forecast; twice as much with each further seed."""
    return pd.DataFrame(
        [
            {"lag": lag, "channel": name, "attribution": (2.0**number) / lag, "model": run.model, "seed": run.seed}
            for number, run in enumerate(settings.runs)
            for name in channels
            for lag in range(8, 0, -1)
        ]
    )


def states_table(settings: Params, text: str) -> pd.DataFrame:
    """States and gates of each model's network, with one unit more than the network of the model before."""
    quantities = {"simple_rnn": ("hidden",), "lstm": ("hidden", "cell", "forget", "input")}
    return pd.DataFrame(
        [
            {"text_id": "id00001", "model": name, "quantity": quantity, "word": word}
            | {f"unit_{unit}": 1 / (at + unit) for unit in range(1, place + 3)}
            for place, name in enumerate(settings.compare)
            for quantity in quantities.get(settings.models[name].cell, ("hidden", "update", "reset"))
            for at, word in enumerate(text.split()[-60:])
        ]
    )


def finding(**changes: Any) -> dict[str, Any]:
    """What Great Expectations found, as reports/validation.json has it."""
    common = {"check": "rows", "column": "rows", "expectation": "expect_column_values_to_be_between"}
    outcome = {"severity": "critical", "success": True, "limits": {"min_value": 20}, "unexpected": 0, "examples": []}
    return {**common, **outcome, **changes}


def lay_out(settings: Params, texts: Sequence[str] = ()) -> None:
    """Writes all that the page is made from into the working directory; texts are the test rows."""
    texts = list(texts) or [f"text {number} has {'some ' * (number % 7)}words" for number in range(40)]
    for folder in (layout.HISTORY, layout.PREDICTIONS.parent, layout.ROWS.parent):
        folder.mkdir(parents=True)
    series = settings.task == "series"
    predictions = series_predictions(settings, len(texts)) if series else text_predictions(settings, texts)
    predictions.to_parquet(layout.PREDICTIONS)
    write_json(layout.PARAMS, settings.model_dump(mode="json", by_alias=True))  # JSON is YAML
    write_json(layout.METRICS, summaries(settings, predictions))
    write_json(layout.THRESHOLDS, {})
    task = TASKS[settings.task]
    scores = comparisons.scores_by_model(task, predictions, settings.scored)
    for number, run in enumerate(settings.runs):
        write_training(settings, run, 3 + number % 2)
    histories = {run: read_table(layout.history(run)) for run in settings.runs}
    margin = settings.intervals.margin
    converged = convergence.judge(task.measure, histories, convergence.budgets(settings), margin)
    write_json(layout.COMPARISON, comparisons.compare(task, scores, settings.baselines, margin, converged))
    write_tables(settings, predictions, texts)
    write_data(settings, texts)


def write_training(settings: Params, run: Run, epochs: int) -> None:
    """What the train stage writes, but the network itself."""
    losses = np.linspace(0.7, 0.2, epochs)
    curve = TASKS[settings.task].curve
    columns = {"loss": losses, "val_loss": losses + 0.1, curve: losses, f"val_{curve}": losses}
    pd.DataFrame({"epoch": np.arange(epochs) + 1, **columns}).to_csv(layout.history(run), index=False)
    write_json(layout.timings(run), {"epoch_seconds": [2.0, 1.0, 1.5]})
    write_network(run, settings.models[run.model].cell)


def write_data(settings: Params, texts: Sequence[str]) -> None:
    """What ingest, validate and tokenize_pad write, as far as the page reads it."""
    series = settings.task == "series"
    labels = ("negative", "positive") if settings.data.labels == AUTO else settings.data.labels
    ids = [f"id{row:05}" for row in range(len(texts))]
    pd.DataFrame({"id": ids, "text": texts}).to_parquet(layout.ROWS)
    refused = [["7", "duplicate (row 3 is the first)", "bad", "the same again"]]
    write_csv(layout.REJECTED, ["row", "reason", "label", "text"], *([] if series else refused))
    counted = {"values": 40} if series else dict(zip(labels, (30, 10), strict=True))
    total = {"total": 0} if series else {"total": 1, "duplicate": 1}
    splits = dict.fromkeys(("train", "validation", "test"), counted)
    counts = {"rows_read": 121, "rows_kept": 120, "rows_rejected": total, "splits": splits}
    write_json(layout.SUMMARY, {**counts, "labels": [] if series else labels})
    lengths = {f"length_p{point}": 9.0 for point in ("05", "25", "50", "75", "95", "99")}
    split = {"windows": 30} if series else {"rows": 40, "oov_rate": 0.025, "truncated_share": 0.1, **lengths}
    encoded = {"vocabulary_size": 50, **dict.fromkeys(("train", "validation", "test"), split)}
    write_json(layout.FEATURE_FIGURES, encoded)
    write_json(layout.VOCABULARY, [] if series else ["", "<unk>", "the", "film"])
    failed = finding(check="lengths", severity="warning", success=False, unexpected=3)
    write_json(layout.VALIDATION, [finding(), failed])
