"""Real data that the repository does not hold: files of the folder that ``SHARED_DATA`` names."""

import os
from pathlib import Path

import pytest


def shared_file(name: str) -> Path:
    """Returns the path of a file, or skips the running test where it is missing."""
    place = Path(os.environ.get("SHARED_DATA", ""), name)
    if not os.environ.get("SHARED_DATA") or not place.is_file():
        pytest.skip(f"no {name}: set SHARED_DATA to a folder with that file")
    return place


def reviews() -> Path:
    """Returns the CSV of the IMDB reviews: ``IMDB_CSV``, or imdb.csv of the shared data."""
    return Path(os.environ.get("IMDB_CSV") or shared_file("imdb.csv"))
