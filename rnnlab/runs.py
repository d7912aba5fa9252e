"""Files of a run: named by model and seed, listed from params and never from a folder."""

from collections.abc import Iterable
from pathlib import Path

NO_SEED = -1  # stands in tables of predictions where a model draws nothing


def drop_leftovers(folder: Path, kept: Iterable[str]) -> None:
    """Removes files of runs that are no longer asked for.

    DVC leaves the outputs of a dropped seed or model where they were, and a folder's hash covers all that is in it. A
    stage that depends on such a folder calls this first, so that DVC records only what the stage has read. The files
    stay in DVC's cache.

    Args:
        folder: written to by one stage a run.
        kept: the names of the files that belong there.
    """
    wanted = set(kept)
    for entry in folder.iterdir():
        if entry.is_file() and entry.name not in wanted:
            entry.unlink()
