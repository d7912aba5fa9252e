"""The texts of the benchmarks: the reviews that ``IMDB_CSV`` names, or the embedded corpus."""

import csv
import os
from functools import cache
from pathlib import Path

import pandas as pd

from rnnlab.project import params
from rnnlab.project.errors import UserError


def name() -> str:
    """Returns where the texts are from."""
    return "IMDB reviews" if os.environ.get("IMDB_CSV") else "texts of the embedded corpus"


@cache
def frame() -> pd.DataFrame:
    """Reads all rows, in an order that mixes the labels.

    Raises:
        UserError: ``IMDB_CSV`` names no file.
    """
    source = os.environ.get("IMDB_CSV")
    if source and not Path(source).is_file():
        raise UserError(f"IMDB_CSV={source}: no such file; name the reviews, or unset it")
    if source:
        return pd.read_csv(source).sample(frac=1, random_state=0)
    from rnnlab.data import corpus

    settings = params.read()
    return pd.DataFrame(corpus.reviews(settings.sample, settings.sample.seed), columns=["review", "sentiment"])


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
