"""How many seeds or test rows it takes to see a difference, reckoned from the variances of a finished result."""

from collections.abc import Callable, Mapping
from typing import Any

from tabulate import tabulate

from rnnlab.evaluation.statistics import POWER, Components
from rnnlab.project.tasks import MEASURES, Measure

MOST_SEEDS, MOST_ROWS = 1000, 10**9  # beyond these, none will do
LEAST_SEEDS, LEAST_ROWS = 3, 30


def seeds_needed(components: Components, difference: float, significance: float) -> int | None:
    """Reckons how many seeds show a difference, on as many rows as there are.

    Args:
        components: of the variance of such a difference.
        difference: true size, in the unit of the scores.
        significance: of the test.

    Returns:
        None where no number does, as there are too few rows, or where one seed cannot tell how much seeds differ.
    """
    if components.seeds < 2:
        return None
    return _least(
        LEAST_SEEDS, MOST_SEEDS, lambda seeds: _shows(components, seeds, components.rows, difference, significance)
    )


def rows_needed(components: Components, difference: float, significance: float) -> int | None:
    """Reckons how many test rows show a difference, with as many seeds as there are; see `seeds_needed`."""
    return _least(
        LEAST_ROWS, MOST_ROWS, lambda rows: _shows(components, components.seeds, rows, difference, significance)
    )


def _shows(components: Components, seeds: int, rows: int, difference: float, significance: float) -> bool:
    return components.planned(seeds, rows).estimate(difference).visible(significance) <= difference


def _least(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """Finds the smallest number that is enough, by halving: more is never worse."""
    if not enough(high):
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


def advice(pair: Mapping[str, Any], measure: Measure) -> str:
    """Says what would show a difference that matters, for a pair of reports/comparison.json; "" where one is shown.

    A pair of version 0.1.0 has no components to reckon with.
    """
    if "components" not in pair or pair["shown"] or pair["equal"]:
        return ""
    seeds, rows = needed(pair, pair["margin"])
    ways = [f"{seeds:,} seeds"] if seeds else []
    ways += [f"{rows:,} test rows"] if rows else []
    size = measure.difference(pair["margin"])
    takes = f"about {' or '.join(ways)}" if ways else "more seeds and more test rows"
    return f"To see a difference of {size}, it takes {takes}"


def needed(pair: Mapping[str, Any], difference: float) -> tuple[int | None, int | None]:
    """Reckons the seeds, and the rows, that a pair of reports/comparison.json takes."""
    components = Components(**pair["components"])
    planned = components, difference, pair["significance"]
    return seeds_needed(*planned), rows_needed(*planned)


def table(comparison: Mapping[str, Any], difference: float | None, style: str = "simple") -> str:
    """Shows for each pair what it takes to see a difference, by default the margin below which none matters."""
    measure, rows = MEASURES[comparison["measure"]], []
    for pair in comparison["pairs"]:
        size = pair["margin"] if difference is None else difference / measure.scale
        seeds, lines = needed(pair, size)
        found, visible = abs(pair["difference"]["mean"]), pair["visible"]
        cells = [measure.number(value) for value in (found, visible, size)]
        rows.append([f"{pair['first']}, {pair['second']}", *cells, *(f"{n:,}" if n else "–" for n in (seeds, lines))])
    unit = measure.difference_unit.strip() or measure.title
    have = comparison["pairs"][0]["components"] if rows else {"seeds": 0, "rows": 0}
    headings = ["pair", f"found ({unit})", "visible now", "to be seen"]
    headings += [f"seeds, with {have['rows']:,} rows", f"rows, with {have['seeds']} seeds"]
    shown = tabulate(rows, headers=headings, tablefmt=style, colalign=("left", *["right"] * 5), disable_numparse=True)
    return f"{shown}\n\nSeen means: shown by {100 * POWER:.0f} of 100 repetitions. A dash: not with that alone."
