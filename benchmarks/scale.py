"""What many rows and many trainings need, from the slopes that `make bench` measured: `python -m benchmarks.scale`."""

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
# A trial, and a training of many rows: the network of the Keras notebook on IMDB's training rows.
NETWORK = {"batch": 64, "length": 200, "units": 128}
TRIAL_ROWS = 25_000
EPOCHS = 5
# A machine, as its hours are sold.
CORES = 2
MACHINE_BYTES = 16 * 2**30


class Slope(NamedTuple):
    """What a row more costs.

    Attributes:
        seconds: of the machine.
        bytes: of the largest process; not below 0.
    """

    seconds: float
    bytes: float = 0.0


def slope(costs: list[dict[str, Any]]) -> Slope:
    """Gives what a row more costs, from the fewest and the most rows that were measured.

    Args:
        costs: ``rows`` and ``samples`` (seconds, processor seconds, megabytes) of each.
    """
    first, *_, last = sorted(costs, key=lambda cost: int(cost["rows"]))
    more = last["rows"] - first["rows"]
    seconds, megabytes = (
        min(sample[place] for sample in last["samples"]) - min(sample[place] for sample in first["samples"])
        for place in (0, 2)
    )
    return Slope(seconds / more, max(megabytes, 0.0) * 2**20 / more)


def stage_slopes(raw: Mapping[str, Any]) -> dict[str, Slope]:
    """Gives the slope of every stage that reads rows, by its name, and by its engine where it has the choice."""
    found: dict[str, list[dict[str, Any]]] = {}
    for cost in raw["ray"]["stages"]:
        found.setdefault(f"`{cost['stage']}`, {cost['engine']}", []).append(cost)
    for cost in raw["stages"]["stages"]:
        if not any(name.startswith(f"`{cost['stage']}`,") for name in found):
            found.setdefault(f"`{cost['stage']}`", []).append(cost)
    return {name: slope(costs) for name, costs in found.items()}


def epoch_slopes(raw: Mapping[str, Any], steps: str = "steps") -> dict[str, Slope]:
    """Gives what a row of an epoch costs by cell, in rows of full length: by one core, or by steps of "all cores"."""
    found = {}
    for race in raw["training"][steps]:
        work = race["work"]
        if NETWORK.items() <= work.items():
            fastest = min(sample[0] for sample in race["samples"]["ours"])
            found[work["cell"]] = Slope(fastest / work["batches"] / work["batch"])
    return found


def rows_table(stages: Mapping[str, Slope], epochs: Mapping[str, Slope]) -> str:
    """Shows what each stage takes at the sizes of `ROWS`: hours, and gigabytes of the largest process."""

    def need(own: Slope, count: int) -> str:
        return f"{own.seconds * count / 3600:,.1f} h, {own.bytes * count / 2**30:,.1f} GB"

    rows = [
        [name, f"{own.seconds * 1e6:,.0f} µs", f"{own.bytes:,.0f} B", *(need(own, count) for count in ROWS)]
        for name, own in stages.items()
    ]
    rows += [
        [
            f"an epoch of one {cell}, one core",
            f"{own.seconds * 1e6:,.0f} µs",
            "",
            *(f"{own.seconds * count / 3600:,.0f} h" for count in ROWS),
        ]
        for cell, own in epochs.items()
    ]
    return _markdown(rows, ["", "a row", "memory a row", *(f"{_power(count)} rows" for count in ROWS)])


def machines_table(stages: Mapping[str, Slope], epochs: Mapping[str, Slope]) -> str:
    """Shows machine-hours at the sizes of `ROWS`, and how many machines bring the wall time down."""
    rows = []
    for count in ROWS:
        reading = sum(own.seconds for name, own in stages.items() if name.endswith(", ray")) * count / 3600
        core_hours = sum(own.seconds for own in epochs.values()) * EPOCHS * count / 3600
        longest = max(own.seconds for own in epochs.values()) * EPOCHS * count / 3600
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
    for cell, own in epochs.items():
        hours = own.seconds * TRIAL_ROWS * EPOCHS * TRIALS * overhead / 3600 / CORES
        day, limit = math.ceil(hours / 24), int(own.seconds * TRIAL_ROWS * EPOCHS / logging)
        rows.append([cell, f"{hours:,.0f}", f"{day:,}", f"{limit:,}"])
    return _markdown(rows, ["trials of", "machine-hours", "machines for a day", "cores that one process can log for"])


def limits_table(stages: Mapping[str, Slope]) -> str:
    """Shows how many rows fit into a machine, stage by stage, the fewest first."""
    held = sorted((own.bytes, name) for name, own in stages.items() if own.bytes * max(ROWS) > MACHINE_BYTES)
    rows = [[name, f"{MACHINE_BYTES / each / 1e6:,.1f} million"] for each, name in reversed(held)]
    return _markdown(rows, ["stage", "rows in 16 GB"])


def _markdown(rows: list[list[str]], header: list[str]) -> str:
    return tabulate(rows, headers=header, tablefmt="github", disable_numparse=True)


def _power(count: int) -> str:
    return f"10^{round(math.log10(count))}"


def page(raw: Mapping[str, Any], made: str) -> str:
    """Writes the page.

    Args:
        raw: samples of `make bench`, by section.
        made: when and on what machine.
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
    return " and ".join(f"{one[cell].seconds / own.seconds:.1f}× ({cell})" for cell, own in wide.items())


def _distribution(raw: Mapping[str, Any]) -> str:
    if not raw.get("distribution", {}).get("distribution"):
        return ""
    gains = []
    for race in raw["distribution"]["distribution"]:
        one, *_, two = (median(sample["seconds"] for sample in samples) for samples in race["samples"].values())
        gains.append(f"{one / two:.2f}× ({race['work']['cell']})")
    return f" Two processes by\nKeras' distribution API made an epoch {' and '.join(gains)} as fast as one."


PAGE = """\
# Past one machine: what it would take

Written by `python -m benchmarks.scale` from [reports/benchmarks.json](../reports/benchmarks.json). Nothing here was run
at these sizes: each figure is a straight line through the fewest and the most rows measured, and the benchmark measures
whether the growth is straight up to ten times IMDB. Measured {made}

A machine is two cores with 16 GB, as the benchmark's. Machine-hours times the price of an hour is the money.

## Rows

{rows}

Reviews are as long as IMDB's; networks have {units} units and read {length} words.

{machines}

Files are read by as many machines as one likes, each file a task: have a few times as many files as cores. "At least"
is what the slower cell needs for {epochs} epochs by one core. As many `train.threads` as cores make
its steps {threads} as fast on this machine.{distribution}

**The first bottleneck is memory, not time**: of stages that hold what they look at in one process.

{limits}

What moves each:

- `validate`: Great Expectations sees one pandas table with all texts. No knob yet but a machine with more memory.
- `baseline` (not measured here): scikit-learn fits all n-grams of all training texts at once. `baselines: []`.
- `evaluate`: a row for each test row and model. A smaller `split.test_fraction`, fewer `train.seeds`.
- `ingest`: duplicates are decided on for all rows together, by a hash, a label, a split and a place of each. The
  machine that starts the stage needs the memory; the others need that of a file.
- `train`: maps its arrays; holds a label, a length and a place of each row, some 30 B. Enough for 10^8 rows.
- The time of an epoch: fewer `train.epochs` first, as one epoch of 10^8 rows shows a network as much as thousands of
  IMDB do; then `tokenize_pad.max_length`.

## {trials_power} trials

Each is {epochs} epochs of {trial_rows} rows of full length, on one core.

{trials}

The bottleneck is the process that runs `rnnlab sweep`: it keeps each result and logs it to MLflow, {logging} ms a
trial, one after another; on more cores than in the last column they wait for it. Ray itself holds 200 trials
at a time, and the rows once a machine. The knobs: an MLflow server near that process, longer trials (`train.epochs`),
and `asha`, which ends poor trials after `grace_epochs`.
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
