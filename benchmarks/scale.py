"""Estimates for many rows and many trainings, from what `make bench` measured: `python -m benchmarks.scale`."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tabulate import tabulate

from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, write_text

SOURCE = Path("reports/benchmarks.json")
TARGET = Path("docs/scale.md")
SECTIONS = ("training", "stages", "ray")
ROWS = (10**7, 10**8, 10**9)
TRIALS = 10**4
# Of a trial, and of a training on many rows: the network of the Keras notebook on IMDB's training rows.
NETWORK = {"batch": 64, "length": 200, "units": 128}
TRIAL_ROWS = 25_000
EPOCHS = 5
# The machine whose hours are counted.
CORES = 2
MACHINE_BYTES = 16 * 2**30


class Slope(NamedTuple):
    """The cost of one more row.

    Attributes:
        seconds: of the machine.
        bytes: of the largest process; not below 0.
    """

    seconds: float
    bytes: float = 0.0


def slope(costs: list[dict[str, Any]]) -> Slope:
    """Returns the cost of one more row, from the fewest and the most rows that were measured.

    Args:
        costs: ``rows`` and ``samples`` (seconds, processor seconds, megabytes) of each.
    """
    first, *_, last = sorted(costs, key=lambda cost: int(cost["rows"]))
    more = last["rows"] - first["rows"]
    seconds, megabytes = (
        min(sample[index] for sample in last["samples"]) - min(sample[index] for sample in first["samples"])
        for index in (0, 2)
    )
    return Slope(seconds / more, max(megabytes, 0.0) * 2**20 / more)


def stage_slopes(raw: Mapping[str, Any]) -> dict[str, Slope]:
    """Returns the slope of every stage that reads rows, by name, and by engine if it has several."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for cost in raw["ray"]["stages"]:
        by_name.setdefault(f"`{cost['stage']}`, {cost['engine']}", []).append(cost)
    for cost in raw["stages"]["stages"]:
        if not any(name.startswith(f"`{cost['stage']}`,") for name in by_name):
            by_name.setdefault(f"`{cost['stage']}`", []).append(cost)
    return {name: slope(costs) for name, costs in by_name.items()}


def epoch_slopes(raw: Mapping[str, Any], steps: str = "steps") -> dict[str, Slope]:
    """Returns the cost of one row of full length in an epoch, by cell: on one core, or in the steps "all cores"."""
    slopes = {}
    for race in raw["training"][steps]:
        work = race["work"]
        if NETWORK.items() <= work.items():
            fastest = min(sample[0] for sample in race["samples"]["ours"])
            slopes[work["cell"]] = Slope(fastest / work["batches"] / work["batch"])
    return slopes


def rows_table(stages: Mapping[str, Slope], epochs: Mapping[str, Slope]) -> str:
    """Shows what each stage needs at the sizes of `ROWS`: hours, and gigabytes of the largest process."""

    def need(each: Slope, count: int) -> str:
        return f"{each.seconds * count / 3600:,.1f} h, {each.bytes * count / 2**30:,.1f} GB"

    rows = [
        [name, f"{each.seconds * 1e6:,.0f} µs", f"{each.bytes:,.0f} B", *(need(each, count) for count in ROWS)]
        for name, each in stages.items()
    ]
    rows += [
        [
            f"an epoch of one {cell}, one core",
            f"{each.seconds * 1e6:,.0f} µs",
            "",
            *(f"{each.seconds * count / 3600:,.0f} h" for count in ROWS),
        ]
        for cell, each in epochs.items()
    ]
    return _markdown(rows, ["", "a row", "memory a row", *(f"{_power(count)} rows" for count in ROWS)])


def machines_table(stages: Mapping[str, Slope], epochs: Mapping[str, Slope]) -> str:
    """Shows machine-hours at the sizes of `ROWS`, and how many machines shorten the wait to an hour."""
    rows = []
    for count in ROWS:
        reading = sum(each.seconds for name, each in stages.items() if name.endswith(", ray")) * count / 3600
        core_hours = sum(each.seconds for each in epochs.values()) * EPOCHS * count / 3600
        longest = max(each.seconds for each in epochs.values()) * EPOCHS * count / 3600
        rows.append(
            [
                _power(count),
                f"{reading:,.1f}, {math.ceil(reading):,} for an hour",
                f"{core_hours / CORES:,.0f}",
                f"{longest / 24:,.1f} days",
            ]
        )
    header = ["rows", "reading by Ray: machine-hours, machines", "training one of each cell: machine-hours", "at least"]
    return _markdown(rows, header)


def trials_table(epochs: Mapping[str, Slope], logging: float, overhead: float) -> str:
    """Shows what `TRIALS` trials need, by cell."""
    rows = []
    for cell, each in epochs.items():
        hours = each.seconds * TRIAL_ROWS * EPOCHS * TRIALS * overhead / 3600 / CORES
        day, limit = math.ceil(hours / 24), int(each.seconds * TRIAL_ROWS * EPOCHS / logging)
        rows.append([cell, f"{hours:,.0f}", f"{day:,}", f"{limit:,}"])
    return _markdown(rows, ["trials of", "machine-hours", "machines for a day", "cores that one process can log for"])


def limits_table(stages: Mapping[str, Slope]) -> str:
    """Shows how many rows of each stage fit into the memory of a machine, the fewest first."""
    limited = sorted((each.bytes, name) for name, each in stages.items() if each.bytes * max(ROWS) > MACHINE_BYTES)
    rows = [[name, f"{MACHINE_BYTES / per_row / 1e6:,.1f} million"] for per_row, name in reversed(limited)]
    return _markdown(rows, ["stage", "rows in 16 GB"])


def _markdown(rows: list[list[str]], header: list[str]) -> str:
    return tabulate(rows, headers=header, tablefmt="github", disable_numparse=True)


def _power(count: int) -> str:
    return f"10^{round(math.log10(count))}"


def page(raw: Mapping[str, Any], made: str) -> str:
    """Writes the page.

    Args:
        raw: samples of `make bench`, by section.
        made: when and on which machine they were measured.
    """
    stages, epochs, ray = stage_slopes(raw), epoch_slopes(raw), raw["ray"]
    pool, swept = (min(sample[0] for sample in samples) for samples in ray["trials"].values())
    logging = float(ray["logging"])
    return PAGE.format(
        made=made,
        rows=rows_table(stages, epochs),
        machines=machines_table(stages, epochs),
        limits=limits_table(stages),
        trials_power=_power(TRIALS),
        trials=trials_table(epochs, logging, swept / pool),
        logging=f"{logging * 1000:.0f}",
        threads=_threads(epochs, epoch_slopes(raw, "all cores")),
        distribution=_distribution(raw),
        length=NETWORK["length"],
        units=NETWORK["units"],
        epochs=EPOCHS,
        trial_rows=f"{TRIAL_ROWS:,}",
    )


def _threads(one: Mapping[str, Slope], wide: Mapping[str, Slope]) -> str:
    return " and ".join(f"{one[cell].seconds / each.seconds:.1f}× ({cell})" for cell, each in wide.items())


def _distribution(raw: Mapping[str, Any]) -> str:
    if not raw.get("distribution", {}).get("distribution"):
        return ""
    gains = []
    for race in raw["distribution"]["distribution"]:
        one, *_, two = (median(sample["seconds"] for sample in samples) for samples in race["samples"].values())
        gains.append(f"{one / two:.2f}× ({race['work']['cell']})")
    return f" Two\nprocesses, by `train.workers`, made an epoch {' and '.join(gains)} as fast as one."


PAGE = """\
# Past one machine: what it would take

Written by `python -m benchmarks.scale` from [reports/benchmarks.json](../reports/benchmarks.json). Nothing here was run
at these sizes: each figure extrapolates a straight line through the fewest and the most rows measured; the benchmark
checks that growth is linear up to ten times IMDB. Measured {made}

A machine has two cores and 16 GB of memory, like the benchmark's. Machine-hours times the price of an hour is the cost.

## Rows

{rows}

Reviews are as long as IMDB's; networks have {units} units and read {length} words.

{machines}

Any number of machines can read files, one task per file: have a few times as many files as cores. "At least" is what
the slower cell needs for {epochs} epochs on one core. With as many `train.threads` as cores, its
steps are {threads} as fast on this machine.{distribution}

**The first bottleneck is memory, not time**, in stages that hold their rows in one process.

{limits}

How to move each limit:

- `validate`: Great Expectations sees rows without their texts; `validate.checks`, if there are any, see all of them.
- `baseline` (not measured here): scikit-learn fits all n-grams of all training texts at once. Set `baselines: []`.
- `evaluate`: has one row per test row, model and seed: lower `split.test_fraction`, or use fewer `train.seeds`.
- `ingest`: finds duplicates among all rows at once, from a hash, a label, a split and an index of each. The machine
  that starts the stage needs this memory; the others need that of one file.
- `train`: maps its arrays; holds a label, a length and an index of each row, some 30 B. Enough for 10^8 rows.
- The time of an epoch: first use fewer `train.epochs`, since one epoch of 10^8 rows shows a network as much as
  thousands of epochs of IMDB; then lower `tokenize_pad.max_length`.

## {trials_power} trials

Each is {epochs} epochs of {trial_rows} rows of full length, on one core.

{trials}

The bottleneck is the process that runs `rnnlab sweep`: it keeps each result and logs it to MLflow, {logging} ms per
trial, one after another; trials on more cores than in the last column wait for it. Ray holds 200 trials at a time,
and the rows once per machine. What helps: an MLflow server near that process, longer trials (`train.epochs`), and
`asha`, which ends poor trials after `grace_epochs`.
"""


def main() -> None:
    """Reads the benchmarks and writes the page."""
    sections = read_json(SOURCE)
    missing = [name for name in SECTIONS if name not in sections]
    if missing:
        raise UserError(f"{SOURCE} lacks the section {missing[0]}; run: python -m benchmarks --only {missing[0]}")
    raw = {name: section["raw"] for name, section in sections.items()}
    write_text(TARGET, page(raw, f"{sections['ray']['made']}."))


if __name__ == "__main__":
    sys.exit(exit_status(main))
