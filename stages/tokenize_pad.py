"""Clean rows → vocabulary or scaler of the training rows, and one folder of arrays a split."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rnnlab import engines, features, params, series, text
from rnnlab.errors import exit_status
from rnnlab.files import reading, replacing, write_json
from rnnlab.params import Params, TokenizePad
from rnnlab.reviews import SPLITS


def read_split(shard: Path, split: str) -> Iterator[pa.RecordBatch]:
    """Yields the rows of one split in record batches."""
    with reading(shard):
        # Read ahead, Arrow would keep the whole file in memory.
        for batch in pq.ParquetFile(shard, pre_buffer=False).iter_batches(batch_size=4096):
            yield batch.filter(pc.equal(batch["split"], split))


def count_shard(folder: Path, shard: Path) -> str:
    """Writes the words of a shard's training rows, counted; returns the name of the file."""
    counts = text.count_words(batch["text"] for batch in read_split(shard, "train"))
    pq.write_table(counts, folder / shard.name)
    return shard.name


def fit(shards: Sequence[Path], settings: Params, folder: Path) -> list[str]:
    """Chooses the vocabulary from training rows; warns when there are fewer words than asked for."""
    options = settings.tokenize_pad
    names = engines.each(settings.data.engine, partial(count_shard, folder), shards, "count words")
    counts = text.merge_counts(pq.read_table(folder / name) for name in names)
    vocabulary = text.fit_vocabulary(counts, options.vocabulary_size, options.oov_token)
    if len(vocabulary) < options.vocabulary_size:
        print(
            f"warning: tokenize_pad.vocabulary_size is {options.vocabulary_size}, but the training rows give"
            f" {len(vocabulary)} ids; the models use {len(vocabulary)}",
            file=sys.stderr,
        )
    return vocabulary


def encode_shard(vocabulary: list[str], options: TokenizePad, split: str, task: tuple[Path, Path]) -> int:
    """Writes the arrays of one split of a shard, unless it has none; returns how many words were unknown."""
    shard, folder = task
    with features.Writer(folder, options.max_length) as writer:
        for batch in read_split(shard, split):
            writer.add(text.encode(batch["text"], vocabulary, options), batch["label"], batch["id"])
    if not writer.rows:
        shutil.rmtree(folder)
    return writer.unknown


def encode_split(
    shards: Sequence[Path], split: str, vocabulary: list[str], settings: Params, target: Path
) -> dict[str, float]:
    """Writes the arrays of one split and returns its figures."""
    options, many = settings.tokenize_pad, len(shards) > 1
    with replacing(target) as folder:
        if many:
            folder.mkdir()
        tasks = [(shard, folder / shard.stem if many else folder) for shard in shards]
        task = partial(encode_shard, vocabulary, options, split)
        unknown = sum(engines.each(settings.data.engine, task, tasks, f"encode {split}"))
    lengths = np.asarray(features.load(target).lengths)
    return {
        "rows": len(lengths),
        "oov_rate": unknown / int(lengths.sum()),
        "truncated_share": float((lengths > options.max_length).mean()),
        **{f"length_p{point:02}": float(np.percentile(lengths, point)) for point in (5, 25, 50, 75, 95, 99)},
    }


def encode_reviews(settings: Params, source: Path, vocabulary_file: Path, folder: Path) -> dict[str, object]:
    """Writes vocabulary and arrays of texts; returns their figures."""
    shards = sorted(source.iterdir()) if source.is_dir() else [source]
    vocabulary_file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=vocabulary_file.parent, prefix=".words-") as counts:
        vocabulary = fit(shards, settings, Path(counts))
    write_json(vocabulary_file, vocabulary)
    figures: dict[str, object] = {"vocabulary_size": len(vocabulary)}
    for split in SPLITS:
        figures[split] = encode_split(shards, split, vocabulary, settings, folder / split)
    return figures


def encode_series(settings: Params, source: Path, vocabulary_file: Path, folder: Path) -> dict[str, object]:
    """Writes standardised windows, and the scaler beside those of training; returns their figures."""
    with reading(source):
        table = pq.read_table(source)
    scaler = series.fit_scaler(series.split_values(table, "train")[0])
    cut = {split: series.featurise(table, split, scaler, settings.series.window) for split in SPLITS}
    write_json(vocabulary_file, [])  # numbers have no words
    for split, windows in cut.items():
        with replacing(folder / split) as target:
            target.mkdir()
            features.save_windows(target, windows)
            if split == "train":
                series.save_scaler(target, scaler)
    return {**scaler._asdict(), **{split: {"windows": len(windows.targets)} for split, windows in cut.items()}}


def main() -> None:
    """Parses the flags that dvc.yaml gives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, required=True)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--features", type=Path, required=True, help="gets one folder a split")
    parser.add_argument("--metrics", type=Path, required=True)
    flags = parser.parse_args()
    settings = params.read()
    encode = encode_series if settings.task == "series" else encode_reviews
    with engines.started(settings.data.engine):
        figures = encode(settings, flags.rows, flags.vocabulary, flags.features)
    write_json(flags.metrics, figures)


if __name__ == "__main__":
    sys.exit(exit_status(main))
