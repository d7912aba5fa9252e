"""Scores every model on the test rows."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from tqdm import tqdm

from rnnlab.evaluation import (
    ensembles,
    explanation_tables,
    figure_intervals,
    metrics,
    other_metrics,
    rivals,
    series_metrics,
    thresholds,
)
from rnnlab.features import arrays, series_encoding
from rnnlab.features.clean_rows import read_slices
from rnnlab.features.series_encoding import Encoding
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import layout
from rnnlab.project.params import NO_SEED, Params, Run
from rnnlab.project.results import ENSEMBLE, NOTHING
from rnnlab.project.tasks import SERIES, STEP, UNIT, TaskName

# Predictions of some rows by model and seed, and how many weights each model has, None if that is not known. Of texts
# they are probabilities, of shape (rows,) or (rows, labels) as `rnnlab.project.tasks.decide` has it; of a series they
# are values, of shape (rows, horizon).
Key = tuple[str, int]
Predictions = dict[Key, npt.NDArray[Any]]
Parameters = dict[str, int | None]
Columns = dict[str, npt.NDArray[Any]]


class Scored(NamedTuple):
    """What the models predict, a row per run and test row; figures by model; and other tables by name.

    Thresholds are those of each label, by the name of the run; none where the likeliest label is given. Of a series,
    they are the half-widths of prediction intervals by step.
    """

    predictions: pd.DataFrame
    metrics: dict[str, Any]
    explanations: dict[str, pd.DataFrame]
    thresholds: Mapping[str, list[float]] = NOTHING


def score(settings: Params) -> Scored:
    """Scores every model of the task on the test rows.

    Raises:
        UserError: something that an earlier stage writes is missing or damaged.
    """
    return SCORERS[settings.task](settings)


def _score_labelled(settings: Params) -> Scored:
    """Scores rows with labels: predictions have the columns id, label, words, model, seed, predicted, probability and
    slices'; of sequences, words are steps.

    The label predicted is a number; `rnnlab.project.tasks.told` says what the probability is of.
    """
    is_tuned = settings.ensemble or settings.evaluate.threshold == "f1"  # on validation rows
    splits = [layout.TEST, *([layout.VALIDATION_ROWS] if is_tuned else [])]
    rows, *others = (arrays.load_labelled(split, settings.task) for split in splits)
    (predictions, *held), parameters, penalties = _predict(settings, splits, [each[0] for each in (rows, *others)])
    chosen: dict[Key, list[float]] = {}
    if is_tuned:
        [held_out], labels = held, np.asarray(others[0].labels)
        if settings.ensemble:
            _add_ensembles(settings, predictions, held_out, labels)
            parameters[ENSEMBLE] = _joined_parameters(settings, parameters)
        if settings.evaluate.threshold == "f1":
            chosen = {run: thresholds.choose(labels, values) for run, values in held_out.items()}
    columns: Columns = {"label": np.asarray(rows.labels), "words": np.asarray(rows.lengths)}
    columns |= read_slices(layout.ROWS, layout.TEST.name)
    figures = other_metrics.find_labelled(settings)
    answers = {run: metrics.answer(columns["label"], values, chosen.get(run)) for run, values in predictions.items()}
    scores = {run: metrics.score(said, figures) for run, said in answers.items()}
    by_model = {name: [said for run, said in answers.items() if run[0] == name] for name in settings.scored}
    intervals = figure_intervals.table(columns, by_model, figures)
    given = {run: {"predicted": said.predicted, "probability": said.told} for run, said in answers.items()}
    # Of Arrow's strings, all runs share one array.
    ids = pd.array(pa.array(np.asarray(rows.ids)).cast(pa.large_string()), dtype="str")
    table = _table({"id": ids, **columns}, given)
    explained = explanation_tables.explain(settings, table, chosen) | {"intervals": intervals}
    summaries = _summaries(settings, scores, parameters)
    for name, penalty in penalties.items():
        summaries[name]["inverse_penalty"] = round(penalty, 6)
    return Scored(table, summaries, explained, {Run(*run).name: values for run, values in chosen.items()})


def _score_series(settings: Params) -> Scored:
    """Scores forecasts: predictions have the columns row, step, target, model, seed, predicted, in the data's unit.

    The row is that of the window's first target, and steps are counted from 1. Errors on validation windows, as
    multiples of the standard deviation of their series, tell how wide prediction intervals are. Errors on series
    that have names are multiples of the naive error of each.
    """
    encoding = series_encoding.read(layout.SCALER)
    test, held_out = (arrays.load_windows(split) for split in (layout.TEST, layout.VALIDATION_ROWS))
    targets, held_targets = (encoding.undo(np.asarray(each.targets), each.series) for each in (test, held_out))
    splits, inputs = [layout.TEST, layout.VALIDATION_ROWS], [test.inputs, held_out.inputs]
    (scaled, held_scaled), parameters, _ = _predict(settings, splits, inputs)
    predictions = {run: encoding.undo(values, test.series) for run, values in scaled.items()}
    held_predictions = {run: encoding.undo(values, held_out.series) for run, values in held_scaled.items()}
    scales, held_scales = (encoding.scales(each.series) for each in (test, held_out))
    widths = {
        run: series_metrics.half_widths(held_targets / held_scales, values / held_scales, settings.evaluate.coverage)
        for run, values in held_predictions.items()
    }
    others = other_metrics.find(settings)
    units, naive = encoding.units(test.series), encoding.naive_errors(test.series)
    scores = {
        run: series_metrics.score(targets / units, values / units, naive / units)
        | series_metrics.interval_figures(targets / units, values / units, widths[run] * scales / units)
        | {name: function(targets, values) for name, function in others.items()}
        for run, values in predictions.items()
    }
    table = _forecast_table(test, encoding, targets, predictions)
    explained = explanation_tables.explain_series(settings, table, test, encoding, widths)
    explained["attributions"] = explanation_tables.attributions_of(settings, test, encoding)
    half_widths = {run.name: widths[run].tolist() for run in settings.runs}
    return Scored(table, _summaries(settings, scores, parameters), explained, half_widths)


def _forecast_table(
    test: arrays.Windows, encoding: Encoding, targets: npt.NDArray[np.float64], predictions: Predictions
) -> pd.DataFrame:
    """Returns a row per run, window and step; of series that have names, with the name and the unit of its errors."""
    horizon = targets.shape[1]
    steps = np.tile(np.arange(1, horizon + 1, dtype=np.int32), len(targets))
    columns: Columns = {"row": np.repeat(np.asarray(test.rows), horizon), STEP: steps, "target": targets.ravel()}
    if encoding.has_names:
        names = np.array(list(encoding.series), object)[np.asarray(test.series)]
        columns |= {SERIES: np.repeat(names, horizon), UNIT: np.repeat(encoding.units(test.series), horizon)}
    return _table(columns, {run: {"predicted": values.ravel()} for run, values in predictions.items()})


SCORERS: dict[TaskName, Callable[[Params], Scored]] = {
    "text": _score_labelled,
    "series": _score_series,
    "sequences": _score_labelled,
}


def _predict_networks(
    settings: Params, inputs: Sequence[npt.NDArray[Any]]
) -> tuple[tuple[Predictions, ...], Parameters]:
    """Runs every network on the rows of each split, in one process so that TensorFlow starts once."""
    with importing_keras():
        from rnnlab.networks import models, predicting
    predictions: tuple[Predictions, ...] = tuple({} for _ in inputs)
    parameters: Parameters = {}
    networks = models.load_each(map(layout.network, settings.runs))
    runs = tqdm(settings.runs, desc="evaluate", unit="model", disable=None)
    for run, model in zip(runs, networks, strict=True):
        parameters[run.model] = model.count_params()
        for of_split, rows in zip(predictions, inputs, strict=True):
            of_split[run.model, run.seed] = predicting.predict(model, rows, settings.evaluate.batch_size)
    return predictions, parameters


def _predict(
    settings: Params, splits: Sequence[Path], inputs: Sequence[npt.NDArray[Any]]
) -> tuple[tuple[Predictions, ...], Parameters, dict[str, float]]:
    """Asks networks and baselines about the rows of splits; tells the baselines' penalties, too."""
    predictions, parameters = _predict_networks(settings, inputs)
    penalties = {}
    for name, answers in rivals.ask(settings, splits).items():
        for of_split, answer in zip(predictions, answers, strict=True):
            of_split[name, NO_SEED] = answer.said
        parameters[name], penalty = answers[0].parameters, answers[0].inverse_penalty
        if penalty is not None:
            penalties[name] = penalty
    return predictions, parameters, penalties


def _joined_parameters(settings: Params, parameters: Parameters) -> int | None:
    total = 0
    for name in settings.ensemble:
        if (number := parameters[name]) is None:
            return None
        total += number * (settings.ensemble_seeds if name in settings.compare else 1)
    return total


def _add_ensembles(
    settings: Params, predictions: Predictions, held_out: Predictions, labels: npt.NDArray[np.int16]
) -> None:
    """Adds an ensemble for each group of seeds to both, named by the first of them; a baseline is in each.

    Its members are weighted on held-out predictions and labels.
    """
    seeds, size = sorted(settings.train.seeds), settings.ensemble_seeds
    for group in (seeds[start : start + size] for start in range(0, len(seeds), size)):
        runs = [
            [(name, seed) for seed in (group if name in settings.compare else [NO_SEED])] for name in settings.ensemble
        ]
        members, held = ([ensembles.mean([rows[run] for run in of]) for of in runs] for rows in (predictions, held_out))
        stacked = ensembles.fit(held, labels)
        predictions[ENSEMBLE, group[0]] = ensembles.combine(members, stacked)
        held_out[ENSEMBLE, group[0]] = ensembles.combine(held, stacked)


def _table(columns: Columns, answers: dict[Key, Columns]) -> pd.DataFrame:
    """Returns one row per run and test row: ``columns``, model, seed, and the run's answers."""
    runs = [{**columns, "model": name, "seed": seed, **of_run} for (name, seed), of_run in answers.items()]
    return pd.concat(map(pd.DataFrame, runs), ignore_index=True)


def _summaries(settings: Params, scores: dict[Key, dict[str, Any]], parameters: Parameters) -> dict[str, Any]:
    """Returns the figures by model; see `rnnlab.evaluation.metrics.summarise`."""
    by_seed: dict[str, dict[int, dict[str, Any]]] = {name: {} for name in settings.scored}
    for (name, seed), figures in scores.items():
        by_seed[name][seed] = figures
    return {name: metrics.summarise(by_seed[name], parameters[name]) for name in settings.scored}
