"""Tables of results side by side: what they were made with, and how they scored."""

from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any

from tabulate import tabulate

from rnnlab.project import layout, overrides
from rnnlab.project.overrides import flatten
from rnnlab.project.results import Result

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


def origins_table(results: Sequence[Result], changed: Mapping[str, Sequence[Any]], style: str) -> str:
    """Shows the rows of `origins_rows`."""
    rows = origins_rows(results, changed)
    cells = [[cell.replace("|", r"\|") if style == "github" else cell for cell in row] for row in rows]
    headings = ["", *(result.name for result in results)]
    return tabulate(cells, headers=headings, tablefmt=style, disable_numparse=True)


def origins_rows(results: Sequence[Result], changed: Mapping[str, Sequence[Any]]) -> list[list[str]]:
    """Says where results come from, and which parameters differ: a heading, and a cell for each result."""
    rows = [["kind", *(result.kind for result in results)], ["git commit", *(result.code for result in results)]]
    rows += [[heading, *(data_version(result, heading) for result in results)] for heading in VERSIONS]
    for key, values in changed.items():
        rows.append([key, *(DASH if value is ABSENT else overrides.override(value) for value in values)])
    return rows


def data_version(result: Result, heading: str) -> str:
    """Returns the first digits of a hash that tells versions of the data apart; see `VERSIONS`."""
    stage, path = VERSIONS[heading]
    outputs = {out["path"]: out["md5"] for out in result.stages.get(stage, {}).get("outs", [])}
    return str(outputs.get(str(path), DASH))[:8]


def scores_table(results: Sequence[Result], style: str) -> str:
    """Shows the rows of `scores_rows`."""
    headings, rows = scores_rows(results)
    sides = ["left", *["right"] * (len(headings) - 1)]
    return tabulate(rows, headers=headings, tablefmt=style, colalign=sides, disable_numparse=True)


def scores_rows(results: Sequence[Result]) -> tuple[list[str], list[list[str]]]:
    """Returns headings, and a row for each model with its test figures; differences are to the first result."""
    first = results[0]
    headings = [f"test {first.measure.title} of", first.name]
    for other in results[1:]:
        headings += [other.name, "difference"]
    rows = []
    seconds = [result.epoch_seconds for result in results]
    for model in dict.fromkeys(model for result in results for model in result.models):
        row = [model, _score(first, model)]
        for other in results[1:]:
            row += [_score(other, model), _score_difference(first, other, model)]
        times = [f"{known[model]:.1f}" if model in known else DASH for known in seconds]
        scored = [result.metrics.get(model) for result in results]
        weights = [f"{figures['parameters']:,}" if figures else DASH for figures in scored]
        rows.append([*row, _once(times), _once(weights)])
    return [*headings, "seconds per epoch", "parameters"], rows


def _score(result: Result, model: str) -> str:
    if model not in result.metrics:
        return DASH
    figures, measure = result.metrics[model], result.measure
    mean = f"{figures['mean'][measure.key]:.{measure.table_decimals}f}"
    seeds = [seed[measure.key] for seed in figures["per_seed"].values()]
    return f"{mean} ± {stdev(seeds):.{measure.table_decimals}f}" if len(seeds) > 1 else mean


def _score_difference(first: Result, other: Result, model: str) -> str:
    if model not in first.metrics or model not in other.metrics:
        return DASH
    theirs, ours = (result.metrics[model]["mean"][result.measure.key] for result in (first, other))
    return f"{ours - theirs:+z.{first.measure.table_decimals}f}"


def _once(cells: Sequence[str]) -> str:
    return cells[0] if len(set(cells)) == 1 else " / ".join(cells)
