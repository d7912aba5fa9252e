"""The texts of the benchmarks: the reviews that ``IMDB_CSV`` or ``SHARED_DATA`` name, or the embedded corpus."""

import csv
import os
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from rnnlab.project import params
from rnnlab.project.errors import UserError

# For the reviews: the embedded corpus has fewer and shorter words.
IMDB_VOCABULARY = 20_000


def name() -> str:
    """Returns where the texts are from."""
    return "IMDB reviews" if _reviews() else "texts of the embedded corpus"


@cache
def frame() -> pd.DataFrame:
    """Reads all rows, in an order that mixes the labels.

    Raises:
        UserError: ``IMDB_CSV`` names no file.
    """
    source = _reviews()
    if source and not Path(source).is_file():
        raise UserError(f"IMDB_CSV={source}: no such file; name the reviews, or unset it")
    if source:
        return pd.read_csv(source).sample(frac=1, random_state=0)
    from rnnlab.data import corpus

    settings = params.read()
    return pd.DataFrame(
        corpus.reviews(settings.sample, settings.sample.seed), columns=["review", "sentiment", "distance"]
    )


def _reviews() -> str | None:
    """Returns the path of the reviews: ``IMDB_CSV``, or imdb.csv of the folder ``SHARED_DATA`` if it has one."""
    shared = Path(os.environ.get("SHARED_DATA", ""), "imdb.csv")
    reviews = str(shared) if os.environ.get("SHARED_DATA") and shared.is_file() else None
    return os.environ.get("IMDB_CSV") or reviews


def texts(rows: int) -> list[str]:
    """Returns so many texts, repeated if there are fewer."""
    reviews: list[str] = frame()["review"].tolist()
    return (reviews * -(-rows // len(reviews)))[:rows]


def write(target: Path, rows: int, copies: int = 1) -> None:
    """Writes the first rows as a CSV, in several copies; each text is marked so that it is not a duplicate."""
    chosen = frame().head(rows)
    with target.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(chosen.columns)
        for copy in range(copies):
            mark = f" copy{copy}" if copy else ""
            writer.writerows((f"{text}{mark}", *others) for text, *others in chosen.itertuples(index=False))


def read_from(source: Path) -> dict[str, Any]:
    """Returns the parameters for a CSV from `write`."""
    if "split" not in frame():
        return {"data": {"csv": str(source)}}
    return {
        "data": {"csv": str(source)},
        "split": {"method": "column"},
        "tokenize_pad": {"vocabulary_size": IMDB_VOCABULARY},
    }
