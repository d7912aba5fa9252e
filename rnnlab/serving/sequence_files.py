"""Labels of the sequences of a CSV, which has a row per step."""

from pathlib import Path

import numpy as np

from rnnlab.data import steps
from rnnlab.data.csv_rows import BATCH_ROWS
from rnnlab.data.steps import Columns
from rnnlab.features.clean_rows import read_labels
from rnnlab.features.sequences import read_scaler
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import dvc_lock, layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_csv
from rnnlab.project.params import Params
from rnnlab.serving import predictions
from rnnlab.serving.classifier import PROBABILITY, answer, check_labels, chosen_for
from rnnlab.serving.predictors import Predictor

MOST_STEPS = 100_000  # that are classified at a time


def load_file(network: Path, encoding: Path = layout.SCALER, summary: Path = layout.SUMMARY) -> Predictor:
    """Loads a ``.keras`` file of this workspace with the scaler and the labels of its data.

    Raises:
        UserError: a file is missing or damaged, or the network does not read such sequences.
    """
    if not network.is_file():
        raise UserError(f"{network}: no such file; `dvc repro` makes models/<model>-<seed>.keras")
    scaler, labels = read_scaler(encoding), read_labels(summary)
    with importing_keras():
        from rnnlab.networks import models
    loaded = models.load(network)
    if loaded.input_shape[1:] != (scaler.max_length, len(scaler.channels)):
        told = f"{scaler.max_length:,} steps of {len(scaler.channels)} channels, as {encoding} has them"
        raise UserError(f"{network}: not a network that reads {told}; name another file, or `dvc repro`")
    check_labels(network, loaded, labels, summary)
    thresholds = chosen_for(network)
    return Predictor(
        f"{network.name}/{dvc_lock.file_digest(network)}",
        lambda rows: answer(loaded, scaler.encode([np.array(each, np.float64) for each in rows]), labels, thresholds),
        labels,
        channels=tuple(scaler.channels),
    )


def label_csv(predictor: Predictor, settings: Params, source: Path, target: Path, *, every_label: bool = False) -> int:
    """Writes what a model says of each sequence of a CSV; returns how many there are.

    Args:
        predictor: of sequences, and their channels.
        settings: names the columns of sequences and steps; labels and other columns are not read.
        source: a CSV with these columns and those of the channels.
        target: the CSV to write: sequence, steps, label, probability, model_version, and with ``every_label`` the
            probability of each label.

    Raises:
        UserError: the CSV cannot be read, see `rnnlab.data.steps.read_sequences`; nothing is written.
    """
    predictions.check_target(source, target, "predictions")
    if not source.is_file():
        raise UserError(f"{source}: no such file; name a CSV with a row per step")
    columns = Columns(tuple(predictor.channels), {}, ())
    found = steps.read_sequences([source], settings.data, columns)
    table: list[list[object]] = []
    for batch in predictions.batches(found, lambda one: len(one.values), BATCH_ROWS, MOST_STEPS):
        told = predictions.predict(predictor, [one.values.tolist() for one in batch])
        for one, answered in zip(batch, told, strict=True):
            # Nine digits tell any two float32 apart.
            others = [f"{probability:.9g}" for probability in answered.all.values()] if every_label else []
            facts = [one.name, len(one.values), answered.label, f"{answered.probability:.9g}", answered.model_version]
            table.append([*facts, *others])
    of_labels = [f"{PROBABILITY}{label}" for label in predictor.labels] if every_label else []
    write_csv(target, ["sequence", "steps", *predictions.COLUMNS, *of_labels], table)
    return len(table)
