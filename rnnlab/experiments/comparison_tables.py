"""Tables of results side by side: what they were made with, and how they scored."""

from collections.abc import Mapping, Sequence
from itertools import chain
from statistics import stdev
from typing import Any

from tabulate import tabulate

from rnnlab.project import dvc_lock, layout, overrides
from rnnlab.project.overrides import flatten
from rnnlab.project.results import Result, weights

ABSENT = object()
DASH = "–"
# Stage and output whose hash in dvc.lock tells two versions of the data apart.
VERSIONS = {"clean rows": ("ingest", layout.ROWS), "features": ("tokenize_pad", layout.TRAIN)}


def differing_params(results: Sequence[Result]) -> dict[str, list[Any]]:
    """Finds the parameters that are not the same in all results; see `differing`."""
    return differing([result.values for result in results])


def differing(nested: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Finds what is not the same in all mappings: the values by dotted key, `ABSENT` for none."""
    every = [flatten(values) for values in nested]
    keys = dict.fromkeys(key for flat in every for key in flat)
    by_key = {key: [flat.get(key, ABSENT) for flat in every] for key in keys}
    return {key: values for key, values in by_key.items() if any(value != values[0] for value in values)}


def origins_table(results: Sequence[Result], style: str) -> str:
    """Shows the rows of `origins_rows`."""
    bar = r"\|" if style == "github" else "|"
    cells = [[cell.replace("|", bar) for cell in row] for row in origins_rows(results)]
    headings = ["", *(result.name for result in results)]
    return tabulate(cells, headers=headings, tablefmt=style, disable_numparse=True)


def origins_rows(results: Sequence[Result]) -> list[list[str]]:
    """Says where results come from, and which parameters differ: a heading, and a cell for each result."""
    rows = [["kind", *(result.kind for result in results)], ["git commit", *(result.code for result in results)]]
    rows += [[heading, *(data_version(result, heading) for result in results)] for heading in VERSIONS]
    for key, values in differing_params(results).items():
        rows.append([key, *(DASH if value is ABSENT else overrides.override(value) for value in values)])
    return rows


def data_version(result: Result, heading: str) -> str:
    """Returns the first digits of a hash that tells versions of the data apart; see `VERSIONS`."""
    stage, path = VERSIONS[heading]
    return dvc_lock.output_hash(dict(result.stages), stage, path)[:8] or DASH


def scores_table(results: Sequence[Result], style: str) -> str:
    """Shows the rows of `scores_rows`."""
    headings, rows = scores_rows(results)
    sides = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(rows, headers=headings, tablefmt=style, colalign=sides, disable_numparse=True)


def scores_rows(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Returns headings, and a row for each model with its test figures; differences are to the first result."""
    first, *others = results
    headings = [f"test {first.measure.title} of", first.name]
    headings += [heading for other in others for heading in (other.name, "difference")]
    rows = []
    seconds = [result.epoch_seconds for result in results]
    for model in dict.fromkeys(model for result in results for model in result.models):
        compared = [(_score(other, model), _score_difference(first, other, model)) for other in others]
        times = [f"{known[model]:.1f}" if model in known else DASH for known in seconds]
        sizes = [weights(r.metrics[model]) if model in r.metrics else DASH for r in results]
        rows.append([model, _score(first, model), *chain(*compared), _once(times), _once(sizes)])
    return [*headings, "seconds per epoch", "parameters"], rows


def _score(result: Result, model: str) -> str:
    if model not in result.metrics:
        return DASH
    figure, seeds = result.measure.table_figure, result.seed_scores(model)
    mean = figure(result.mean_score(model))
    return f"{mean} ± {figure(stdev(seeds))}" if len(seeds) > 1 else mean


def _score_difference(first: Result, other: Result, model: str) -> str:
    if model not in first.metrics or model not in other.metrics:
        return DASH
    return first.measure.table_figure(other.mean_score(model) - first.mean_score(model), "+")


def _once(cells: Sequence[str]) -> str:
    return cells[0] if len(set(cells)) == 1 else " / ".join(cells)
