"""Encodes clean rows as arrays; vocabulary and scaler are fitted on the training rows alone."""

import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from rnnlab.features import arrays, sequences, series_encoding, series_rows, text, windows
from rnnlab.features.clean_rows import SPLITS, read_split
from rnnlab.project import engines
from rnnlab.project.files import reading, replacing, write_json
from rnnlab.project.params import Params
from rnnlab.project.sections.data import TokenizePad

PERCENTILES = (5, 25, 50, 75, 95, 99)


def encode(settings: Params, rows: Path, vocabulary: Path, folder: Path) -> dict[str, object]:
    """Writes the vocabulary and a folder of arrays per split; returns figures that describe them.

    Args:
        settings: task, engine and encoding.
        rows: from the ingest stage; a folder if the data have several files.
        vocabulary: JSON file to write: the word of each id, an empty list for numbers.
        folder: receives the folders.

    Raises:
        UserError: the rows are damaged, or a series is too short for its window.
    """
    return ENCODERS[settings.task](settings, rows, vocabulary, folder)


def _encode_texts(settings: Params, source: Path, vocabulary_file: Path, folder: Path) -> dict[str, object]:
    shards = sorted(source.iterdir()) if source.is_dir() else [source]
    vocabulary_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=vocabulary_file.parent, prefix=".words-") as counts:
        rows = engines.each(settings.data.engine, partial(_count_shard, Path(counts)), shards, "count words")
        vocabulary = _fit_vocabulary([Path(counts) / shard.name for shard in shards], settings.tokenize_pad)
    write_json(vocabulary_file, vocabulary)
    figures: dict[str, object] = {"vocabulary_size": len(vocabulary)}
    for split in SPLITS:
        sizes = [rows_of_shard[split] for rows_of_shard in rows]
        figures[split] = _encode_split(shards, sizes, split, vocabulary, settings, folder / split)
    return figures


def _count_shard(folder: Path, shard: Path) -> dict[str, int]:
    """Writes the word counts of a shard's training rows; returns how many rows each split has."""
    counts = text.count_words(batch["text"] for batch in read_split(shard, "train"))
    pq.write_table(counts, folder / shard.name)
    splits = pq.read_table(shard, columns=["split"])["split"].to_pylist()
    return {split: splits.count(split) for split in SPLITS}


def _fit_vocabulary(counts: Sequence[Path], options: TokenizePad) -> list[str]:
    """Chooses the vocabulary; warns if there are fewer words than asked for."""
    merged = text.merge_counts(map(pq.read_table, counts))
    vocabulary = text.fit_vocabulary(merged, options.vocabulary_size, options.oov_token)
    if (ids := len(vocabulary)) < options.vocabulary_size:
        problem = f"but the training rows have only {ids} ids; the models use {ids}"
        print(f"warning: tokenize_pad.vocabulary_size is {options.vocabulary_size}, {problem}", file=sys.stderr)
    return vocabulary


def _encode_split(
    shards: Sequence[Path], rows: Sequence[int], split: str, vocabulary: list[str], settings: Params, target: Path
) -> dict[str, float]:
    """Writes the arrays of one split, each shard at its offset; returns figures that describe the split."""
    options = settings.tokenize_pad
    with replacing(target) as folder:
        arrays.create(folder, sum(rows), options.max_length)
        starts = np.cumsum([0, *rows])[:-1].tolist()
        task = partial(_encode_shard, vocabulary, options, split, folder)
        parts = list(zip(shards, starts, strict=True))
        unknown = sum(engines.each(settings.data.engine, task, parts, f"encode {split}"))
    lengths = np.asarray(arrays.load(target).lengths)
    return {
        "rows": len(lengths),
        "oov_rate": unknown / int(lengths.sum()),
        **_length_figures(lengths, options.max_length),
    }


def _length_figures(lengths: npt.NDArray[np.int32], max_length: int) -> dict[str, float]:
    return {
        "truncated_share": float((lengths > max_length).mean()),
        **{f"length_p{point:02}": float(np.percentile(lengths, point)) for point in PERCENTILES},
    }


def _encode_shard(vocabulary: list[str], options: TokenizePad, split: str, folder: Path, part: tuple[Path, int]) -> int:
    """Writes one shard's rows of a split; returns how many of their words are unknown."""
    shard, start = part
    unknown = 0
    for batch in read_split(shard, split):
        encoded = text.encode(batch["text"], vocabulary, options)
        arrays.write(folder, start, encoded, batch["label"], batch["id"])
        start += len(batch)
        unknown += encoded.unknown
    return unknown


def _encode_series(settings: Params, source: Path, vocabulary_file: Path, folder: Path) -> dict[str, object]:
    with reading(source):
        table = pq.read_table(source)
    options, parts = settings.series, {split: series_rows.read_split(table, split) for split in SPLITS}
    fitted = series_encoding.fit(parts["train"], options.season, options.window, settings.data.known_ahead)
    cut = {
        split: [
            windows.featurise(rows, split, fitted, options.window, options.horizon, name)
            for name, rows in by_series.items()
        ]
        for split, by_series in parts.items()
    }
    write_json(vocabulary_file, [])  # numbers have no words
    for split, of_split in cut.items():
        with replacing(folder / split) as target:
            target.mkdir()
            windows.save(target, of_split)
            if split == "train":
                series_encoding.save(target, fitted)
    facts = {"channels": cut["train"][0][0].inputs.shape[2], "season": fitted.season}
    return facts | {split: {"windows": sum(len(kept) for _, kept in of_split)} for split, of_split in cut.items()}


def _encode_sequences(settings: Params, source: Path, vocabulary_file: Path, folder: Path) -> dict[str, object]:
    with reading(source):
        table = pq.read_table(source)
        splits = {split: sequences.split_rows(table, split) for split in SPLITS}
    channels, max_length = sequences.channels_of(table), settings.sequences.max_length
    scaler = sequences.fit_scaler(channels, splits["train"][1], max_length)
    write_json(vocabulary_file, [])  # numbers have no words
    figures: dict[str, object] = {"channels": channels, "mean": scaler.mean, "scale": scaler.scale}
    for split, (rows, values) in splits.items():
        encoded = sequences.featurise(rows, values, scaler)
        with replacing(folder / split) as target:
            target.mkdir()
            arrays.save(target, encoded)
            if split == "train":
                sequences.save_scaler(target, scaler)
        figures[split] = {"rows": len(rows), **_length_figures(encoded.lengths, max_length)}
    return figures


ENCODERS = {"text": _encode_texts, "series": _encode_series, "sequences": _encode_sequences}
