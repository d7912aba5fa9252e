"""Results side by side: what they were made with, how they scored, and whether the differences are real."""

from collections.abc import Mapping, Sequence
from statistics import stdev
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from tabulate import tabulate

from rnnlab.evaluation import comparisons, statistics
from rnnlab.experiments import gains
from rnnlab.experiments.gains import Gain, gain_sentence
from rnnlab.project import overrides
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import flatten
from rnnlab.project.params import Run
from rnnlab.project.tasks import ACCURACY, MEASURES

ABSENT = object()
NOTHING = "–"
# Stage and output whose hash in dvc.lock tells two versions of the data apart.
VERSIONS = {
    "clean rows": ("ingest", "data/interim/rows.parquet"),
    "features": ("tokenize_pad", "data/features/train"),
}
Scores = npt.NDArray[np.float64]


class Result(NamedTuple):
    """One result, wherever it was found.

    Attributes:
        name: what tables and sentences call it.
        kind: of place it was found in.
        commit: of its code, with what was edited since.
        values: its params.yaml, unchecked: an older result may lack what is a parameter today.
        metrics: as in reports/metrics.json.
        seconds: of an epoch, by network.
        stages: those of its dvc.lock, empty where it has none.
        predictions: of the test rows, as the evaluate stage writes them, None where they are lost.
        lost: why there are no predictions.
        notes: what else a reader must know, a sentence each.
        histories: epochs of each training, where they are known.
    """

    name: str
    kind: str
    commit: str
    values: Mapping[str, Any]
    metrics: Mapping[str, Any]
    seconds: Mapping[str, float]
    stages: Mapping[str, Any]
    predictions: pd.DataFrame | None
    lost: str = ""
    notes: Sequence[str] = ()
    histories: Mapping[Run, pd.DataFrame] = MappingProxyType({})

    @property
    def measure(self) -> str:
        """What its models are compared by."""
        return "mse" if any("mse" in model["mean"] for model in self.metrics.values()) else "accuracy"

    @property
    def models(self) -> list[str]:
        """Everything it has figures of, in the order of its parameters."""
        named = [*self.values.get("compare", []), "ensemble", *self.values.get("baselines", [])]
        return sorted(self.metrics, key=lambda name: named.index(name) if name in named else len(named))


def page(results: Sequence[Result], style: str = "simple") -> str:
    """Compares results: parameters and origin, figures, and a sentence on each difference to the first.

    Args:
        results: two or more.
        style: of the tables, in tabulate's names.

    Raises:
        UserError: they are of different tasks.
    """
    changed = differing_params(results)
    listed = "\n".join(f"- {sentence}." for sentence in findings(results))
    return "\n\n".join([origins_table(results, changed, style), scores_table(results, style), listed])


def findings(results: Sequence[Result]) -> list[str]:
    """Says of each result whether it differs from the first, and what else a reader must know.

    Raises:
        UserError: they are of different tasks.
    """
    first, *others = results
    tasks = {"accuracy": "classifies texts", "mse": "predicts a series"}
    for other in others:
        if other.measure != first.measure:
            raise UserError(
                f"{first.name} {tasks[first.measure]} and {other.name} {tasks[other.measure]}: their figures cannot be"
                " compared; name results of one task"
            )
    sentences = [] if differing_params(results) else ["The parameters are the same"]
    sentences += [sentence for other in others for sentence in differences(first, other)]
    return sentences + [note for result in results for note in result.notes]


def differing_params(results: Sequence[Result]) -> dict[str, list[Any]]:
    """Finds the parameters that are not the same in all results; see `differing`."""
    return differing([result.values for result in results])


def differing(nested: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Finds what is not the same in all mappings: the values by dotted key, `ABSENT` for none."""
    every = [flatten(values) for values in nested]
    keys = dict.fromkeys(key for flat in every for key in flat)
    found = {key: [flat.get(key, ABSENT) for flat in every] for key in keys}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def outdated(values: Mapping[str, Any], stages: Mapping[str, Any]) -> list[str]:
    """Finds parameters that were changed after the result was made: dvc.lock holds those that it was made with.

    Args:
        values: of params.yaml.
        stages: of dvc.lock.

    Returns:
        Dotted keys.
    """
    trained = [f"train@{model}-{seed}" for model in values["compare"] for seed in values["train"]["seeds"]]
    used = [stages[name] for name in ("ingest", "tokenize_pad", *trained, "evaluate") if name in stages]
    recorded = [stage.get("params", {}).get("params.yaml", {}) for stage in used]
    now, then = flatten(values), {key: value for known in recorded for key, value in flatten(known).items()}
    return sorted(key for key, value in then.items() if now.get(key, ABSENT) != value)


def origins_table(results: Sequence[Result], changed: Mapping[str, Sequence[Any]], style: str) -> str:
    """Shows the rows of `origins_rows`."""
    rows = origins_rows(results, changed)
    cells = [[cell.replace("|", r"\|") if style == "github" else cell for cell in row] for row in rows]
    headings = ["", *(result.name for result in results)]
    return tabulate(cells, headers=headings, tablefmt=style, disable_numparse=True)


def origins_rows(results: Sequence[Result], changed: Mapping[str, Sequence[Any]]) -> list[list[str]]:
    """Says where results come from, and which parameters differ: what is told, and a cell for each result."""
    rows = [["kind", *(result.kind for result in results)], ["git commit", *(result.commit for result in results)]]
    rows += [[heading, *(data_version(result, heading) for result in results)] for heading in VERSIONS]
    for key, values in changed.items():
        rows.append([key, *(NOTHING if value is ABSENT else overrides.override(value) for value in values)])
    return rows


def data_version(result: Result, heading: str) -> str:
    """Gives the first digits of a hash that tells versions of the data apart; see `VERSIONS`."""
    stage, path = VERSIONS[heading]
    outputs = {out["path"]: out["md5"] for out in result.stages.get(stage, {}).get("outs", [])}
    return str(outputs[path])[:8] if path in outputs else NOTHING


def scores_table(results: Sequence[Result], style: str) -> str:
    """Shows the rows of `scores_rows`."""
    headings, rows = scores_rows(results)
    sides = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(rows, headers=headings, tablefmt=style, colalign=sides, disable_numparse=True)


def scores_rows(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Gives headings and figures of the test rows, a row a model; differences are to the first result."""
    first = results[0]
    headings = [f"test {'MSE' if first.measure == 'mse' else 'accuracy'} of", first.name]
    for other in results[1:]:
        headings += [other.name, "difference"]
    rows = []
    for model in dict.fromkeys(model for result in results for model in result.models):
        row = [model, _score(first, model)]
        for other in results[1:]:
            row += [_score(other, model), _score_difference(first, other, model)]
        seconds = [f"{found.seconds[model]:.1f}" if model in found.seconds else NOTHING for found in results]
        weights = [found.metrics[model]["parameters"] if model in found.metrics else None for found in results]
        rows.append([*row, _once(seconds), _once([NOTHING if count is None else f"{count:,}" for count in weights])])
    return [*headings, "s an epoch", "parameters"], rows


def _score(result: Result, model: str) -> str:
    if model not in result.metrics:
        return NOTHING
    figures, digits = result.metrics[model], 4 if result.measure == "mse" else 3
    mean = f"{figures['mean'][result.measure]:.{digits}f}"
    seeds = [seed[result.measure] for seed in figures["per_seed"].values()]
    return f"{mean} ± {stdev(seeds):.{digits}f}" if len(seeds) > 1 else mean


def _score_difference(first: Result, other: Result, model: str) -> str:
    if model not in first.metrics or model not in other.metrics:
        return NOTHING
    theirs, ours = (result.metrics[model]["mean"][result.measure] for result in (first, other))
    return f"{ours - theirs:+z.{4 if first.measure == 'mse' else 3}f}"


def _once(cells: Sequence[str]) -> str:
    return cells[0] if len(set(cells)) == 1 else " / ".join(cells)


def differences(first: Result, other: Result) -> list[str]:
    """Says of each model that both have whether the difference is real, or why that cannot be told.

    Two results of a single model each are compared whatever their models are.
    """
    pairs = [(model, model) for model in first.models if model in other.metrics]
    if not pairs and len(first.metrics) == len(other.metrics) == 1:
        pairs = [(first.models[0], other.models[0])]
    reason = "they have no model in common" if not pairs else obstacle(first, other)
    if reason:
        return [f"No paired test of {other.name} and {first.name}: {reason}"]
    assert first.predictions is not None and other.predictions is not None  # see `obstacle`
    sentences, alike = [], []
    for theirs, ours in pairs:
        tables = gains.row_scores(other.predictions, ours), gains.row_scores(first.predictions, theirs)
        if any(table.empty for table in tables):
            poorer = other if tables[0].empty else first
            sentences.append(f"{ours}: no paired test, {poorer.name} has no predictions of it")
            continue
        sentence = difference(first, other, *tables)
        if sentence:
            sentences.append(f"{ours}: {sentence}" if ours == theirs else sentence)
        else:
            alike.append(ours)
    if alike:
        sentences.append(f"{', '.join(alike)}: every test row scores the same in {other.name} and {first.name}")
    return sentences


def obstacle(first: Result, other: Result) -> str:
    """Says why two results cannot be compared row by row, "" if they can."""
    for result in (first, other):
        if result.predictions is None:
            return result.lost
    ours, theirs = _truth(first), _truth(other)
    shared = ours.index.intersection(theirs.index)
    if shared.empty:
        return "they were scored on different test rows"
    changed = int((ours.loc[shared] != theirs.loc[shared]).sum())
    what = "values, or the same on another scale" if first.measure == "mse" else "labels"
    return f"{changed:,} of the {len(shared):,} test rows that both have hold other {what}" if changed else ""


def _truth(result: Result) -> "pd.Series[Any]":
    """What the models should have said: by id the labels of texts, by row the values of a series."""
    assert result.predictions is not None
    row, truth = ("row", "target") if result.measure == "mse" else ("id", "label")
    return result.predictions.drop_duplicates(row).set_index(row)[truth]


def difference(first: Result, other: Result, ours: pd.DataFrame, theirs: pd.DataFrame) -> str:
    """Says whether a model of ``other`` is better than one of ``first``, "" where all scores are the same.

    Args:
        first: speaks for how to resample.
        other: result that ``ours`` is of.
        ours: scores, a row a test row and a column a seed, from `rnnlab.experiments.gains.row_scores`.
        theirs: likewise, of ``first``.
    """
    rows, every = ours.index.intersection(theirs.index), ours.index.union(theirs.index)
    seeds, (left, right) = _pair_seeds(ours.loc[rows], theirs.loc[rows])
    if not seeds and len(rows) == len(every) and np.array_equal(left, right):
        return ""
    intervals = first.values.get("intervals", {})
    measure = MEASURES[first.measure]
    interval = statistics.paired_difference(
        left,
        right,
        over_seeds=len(left) > 1 and intervals.get("over") != "rows",
        resamples=intervals.get("resamples", 2000),
        seed=gains.bootstrap_seed(first.values),
    )
    won = statistics.seeds_won(left, right, lower_is_better=measure.lower_is_better)
    found = Gain(interval, won, measure, len(rows), len(every))
    exact = _mcnemar(left, right) if measure is ACCURACY else ""
    remarks = "; ".join(remark for remark in (exact, seeds) if remark)
    sentence = gain_sentence(other.name, first.name, found)
    return f"{sentence} ({remarks})" if remarks else sentence


def _pair_seeds(ours: pd.DataFrame, theirs: pd.DataFrame) -> tuple[str, tuple[Scores, Scores]]:
    """Pairs the seeds that both have; where there is none, in their order. The remark tells which were left out."""
    shared = ours.columns.intersection(theirs.columns)
    if shared.empty:
        number = min(ours.shape[1], theirs.shape[1])
        pair, remark = (ours.iloc[:, :number], theirs.iloc[:, :number]), f"over the first {_seeds(number)} of each"
    else:
        pair, remark = (ours[shared], theirs[shared]), f"over the {_seeds(len(shared))} that both have"
    left, right = (scores.to_numpy(np.float64).T for scores in pair)
    return remark if len(left) < max(ours.shape[1], theirs.shape[1]) else "", (left, right)


def _seeds(number: int) -> str:
    return "seed" if number == 1 else f"{number} seeds"


def _mcnemar(ours: Scores, theirs: Scores) -> str:
    tested = [statistics.mcnemar(*pair) for pair in zip(ours == 1, theirs == 1, strict=True)]
    return comparisons.exact_test([result.p_value for result in tested])
