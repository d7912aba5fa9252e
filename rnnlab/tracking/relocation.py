"""A local store that moved, or was copied, together with its project.

MLflow keeps the absolute path of every run's files: left as they are, a copy would read and write the files of the
original.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

# Where MLflow's database keeps places of files.
PLACES = [
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
]


def relocate(database: Path, before: str, now: str) -> None:
    """Rewrites the places of files in a database, all of them or none.

    Args:
        database: of the project's own store.
        before: the folder of artifacts as the database has it, a URI.
        now: the same where it is now.
    """
    with closing(sqlite3.connect(database)) as connection, connection:
        for table, column in PLACES:
            inside = f"{column} = ? OR {column} LIKE ? ESCAPE '!'"
            values = (now, len(before) + 1, before, f"{_escaped(before)}/%")
            connection.execute(f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE {inside}", values)


def _escaped(text: str) -> str:
    """Keeps LIKE from reading what is in a path as its wildcards."""
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
