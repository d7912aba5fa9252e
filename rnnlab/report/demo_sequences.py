"""The page on which networks read a sequence of numbers step by step."""

import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab.data.numbers import LARGEST, parse_number
from rnnlab.evaluation.tables import cut
from rnnlab.features import sequences
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import reading
from rnnlab.project.params import Params
from rnnlab.report import demo_readings
from rnnlab.report.demo_page import DemoPage
from rnnlab.report.demo_readings import Answer, Reader
from rnnlab.serving import predictors, sequence_files
from rnnlab.serving.classifier import chosen_for
from rnnlab.serving.last_run import best_networks
from rnnlab.serving.predictors import Predictor

LONGEST = 50_000  # characters: hundreds of steps of many channels
LONGEST_STEP = 24  # characters of a step that are shown
TOGETHER = ",\N{NO-BREAK SPACE}"  # between the channels of a step that is shown: a line does not end within it
SEPARATORS = re.compile(r"[,;\t]")  # between those of a step that is pasted


def make(settings: Params) -> DemoPage:
    """Makes the page of the networks of the last run, or of the champion.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    readers, channels = networks(settings)
    return page(readers, channels, example(channels))


def page(readers: Mapping[str, Reader], channels: Sequence[str], example: str) -> DemoPage:
    """Makes the page of networks: a sequence comes back with each one's reading of it."""
    labels = next(iter(readers.values())).labels
    return DemoPage(
        models=list(readers),
        verb="read",
        templates=("demo_sequence.html", "demo_reading.html"),
        answer=lambda raw: {"answer": follow(readers, channels, raw), "labels": labels, "channels": channels},
        examples=(example, ",".join("0" for _ in channels)),
        longest=LONGEST,
    )


def networks(settings: Params, folder: Path = Path()) -> tuple[dict[str, Reader], Sequence[str]]:
    """Loads each model of the last run with its best seed by validation loss; without a run, the champion.

    Returns:
        The networks by name, and the channels that they read.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    encoding, summary = folder / layout.SCALER, folder / layout.SUMMARY
    found = best_networks(settings, folder)
    loaded = {model: sequence_files.load_file(network, encoding, summary) for model, network in found.items()}
    if not loaded:
        champion = predictors.load_champion(predictors.open_store(), settings.promote.name, "sequences")
        loaded[champion.version] = champion
    thresholds = {model: chosen_for(network) for model, network in found.items()}
    readers = {name: _reader(predictor, thresholds.get(name)) for name, predictor in loaded.items()}
    return readers, next(iter(loaded.values())).channels


def _reader(predictor: Predictor, thresholds: Sequence[float] | None) -> Reader:
    return Reader(lambda rows: predictor.classify(rows)[1], predictor.labels, thresholds)


def example(channels: Sequence[str], rows: Path = layout.ROWS) -> str:
    """Returns the first test sequence as one would paste it; "" without data, or where it has other channels."""
    if not rows.exists():
        return ""
    with reading(rows):
        table = pq.read_table(rows)
    if sequences.channels_of(table) != list(channels):
        return ""
    test = layout.TEST.name
    _, [values] = sequences.split_rows(table.filter(pc.equal(table["split"], test)).slice(0, 1), test)
    return "".join(",".join(f"{value:.6g}" for value in step) + "\n" for step in values.tolist())


def follow(readers: Mapping[str, Reader], channels: Sequence[str], raw: str) -> Answer:
    """Lets networks read a pasted sequence step by step."""
    try:
        steps = read(raw[:LONGEST], channels)
    except UserError as mistake:
        sentence = str(mistake)
        return Answer(problem=f"{sentence[0].upper()}{sentence[1:]}.")
    if not steps:
        return Answer(problem="Nothing to read yet: paste a line of numbers for each step.")
    shown = [cut(TOGETHER.join(f"{value:.4g}" for value in step), LONGEST_STEP) for step in steps]
    return demo_readings.follow(readers, shown, lambda length: steps[:length], "step")


def read(raw: str, channels: Sequence[str]) -> list[list[float]]:
    """Reads pasted steps, one per line, each the numbers of all channels; a first line may name the channels.

    Raises:
        UserError: names the line that has too few or too many cells, or something other than a number.
    """
    steps = list[list[float]]()
    for number, line in enumerate(raw.splitlines(), start=1):
        cells = [cell.strip(' "') for cell in SEPARATORS.split(line.strip(" "))]
        if not line.strip() or (not steps and cells == list(channels)):
            continue
        if len(cells) != len(channels):
            count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
            told = f"line {number} has {count}, and a step has {len(channels)}: {', '.join(channels)}"
            raise UserError(f"{told}; commas, semicolons or tabs stand between them")
        steps.append([_number(cell, number, name) for cell, name in zip(cells, channels, strict=True)])
    return steps


def _number(cell: str, line: int, channel: str) -> float:
    value = parse_number(cell)
    if value is None or math.isnan(value) or abs(value) > LARGEST:
        raise UserError(f"line {line} has {cell[:40]!r} for channel {channel!r}; expected a finite number")
    return value
