"""Texts to measure on: the IMDB reviews that ``IMDB_CSV`` or ``SHARED_DATA`` lead to, else the embedded corpus."""

import csv
import os
from functools import cache
from pathlib import Path

import pandas as pd

from rnnlab.project import params
from rnnlab.project.errors import UserError


def name() -> str:
    """Says where the texts are from."""
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
    return pd.DataFrame(corpus.reviews(settings.sample, settings.sample.seed), columns=["review", "sentiment"])


def _reviews() -> str | None:
    """Returns the path of the reviews: ``IMDB_CSV``, or imdb.csv of the folder ``SHARED_DATA`` if it has one."""
    shared = Path(os.environ.get("SHARED_DATA", ""), "imdb.csv")
    found = str(shared) if os.environ.get("SHARED_DATA") and shared.is_file() else None
    return os.environ.get("IMDB_CSV") or found


def texts(rows: int) -> list[str]:
    """Gives so many texts, over again where there are not as many."""
    found: list[str] = frame()["review"].tolist()
    return (found * -(-rows // len(found)))[:rows]


def write(target: Path, rows: int, copies: int = 1) -> None:
    """Writes the first rows as a CSV, in several copies with each text marked, so that it is no duplicate."""
    chosen = frame().head(rows)
    with target.open("w", newline="", encoding="utf-8") as output:
        writer = csv.writer(output, lineterminator="\n")
        writer.writerow(chosen.columns)
        for copy in range(copies):
            mark = f" copy{copy}" if copy else ""
            writer.writerows((f"{text}{mark}", *others) for text, *others in chosen.itertuples(index=False))
