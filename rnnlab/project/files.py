"""Files that are either whole or not there."""

import csv
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab.project.errors import UserError, first_line


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``target`` that takes its name only when the block succeeds.

    The temporary path may be written as a file or made a folder; an exception removes it and leaves what
    ``target`` held before.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Keeps the suffix: Keras and matplotlib choose their format by it.
    temporary = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    _remove(temporary)  # of a killed process with the same number, as containers give out
    try:
        yield temporary
        if target.is_dir() or temporary.is_dir():  # a file takes the place of a file alone
            _remove(target)
        temporary.replace(target)
    finally:
        _remove(temporary)


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Writes UTF-8 text, whole or not at all."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(target: Path, value: Any) -> None:
    """Writes canonical JSON: sorted keys, two spaces, a final newline; the same value gives the same bytes."""
    write_text(target, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_csv(target: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file, whole or not at all."""
    with replacing(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


@functools.cache
def package_digest(package: Path, *rooms: str) -> str:
    """Hashes the code of some rooms of a package: what follows from that code has to be made again once it changes."""
    digest = hashlib.sha256()
    for source in sorted(source for room in rooms for source in (package / room).rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Stands around the reading of a file that an earlier stage wrote, and of nothing else.

    Raises:
        UserError: the file is missing, or it is damaged or cut short.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{source}: no such file; `dvc repro` makes it") from None
    except (UserError, MemoryError, PermissionError):
        raise
    except Exception as damage:  # pandas, Arrow, NumPy and zipfile raise any of a dozen types
        raise UserError(
            f"{source}: damaged or cut short ({first_line(damage)}); remove it and run `dvc repro`"
        ) from None


def read_json(source: Path) -> Any:
    """Reads JSON that an earlier stage wrote.

    Raises:
        UserError: the file is missing or cut short.
    """
    with reading(source):
        return json.loads(source.read_text(encoding="utf-8"))


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
