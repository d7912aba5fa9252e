"""Files that are either complete or absent."""

import csv
import functools
import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab.project.errors import UserError, first_line


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Yields a temporary path next to ``target``, which is renamed to it only if the block succeeds.

    The block creates a file or a folder at that path; an exception removes it and leaves ``target`` as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    # Keeps the suffix, by which Keras and matplotlib choose their format.
    temporary = target.with_name(f".{target.stem}.{os.getpid()}{target.suffix}")
    _remove(temporary)  # left by a killed process with the same id, which containers hand out again
    try:
        yield temporary
        if target.is_dir() or temporary.is_dir():  # which a rename does not replace
            _remove(target)
        temporary.replace(target)
    finally:
        _remove(temporary)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(target: Path, text: str) -> None:
    """Writes UTF-8 text, completely or not at all."""
    with replacing(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(target: Path, value: Any) -> None:
    """Writes canonical JSON: sorted keys, two spaces, a final newline; equal values become equal bytes."""
    write_text(target, json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def write_csv(target: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file, completely or not at all."""
    with replacing(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


@functools.cache
def package_digest(package: Path, *rooms: str) -> str:
    """Hashes the code in some folders of a package, so that what was stored under the digest of older code is stale."""
    digest = hashlib.sha256()
    for source in sorted(source for room in rooms for source in (package / room).rglob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@contextmanager
def reading(source: Path) -> Iterator[None]:
    """Turns errors while reading an earlier stage's output into a `UserError`; wrap nothing else in it.

    Raises:
        UserError: the file is missing, damaged or cut short.
    """
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{source}: no such file; `dvc repro` makes it") from None
    except (UserError, MemoryError, PermissionError):
        raise
    except Exception as damage:  # pandas, Arrow, NumPy and zipfile raise a dozen types
        problem = f"damaged or cut short ({first_line(damage)})"
        raise UserError(f"{source}: {problem}; remove it and run `dvc repro`") from None


def read_json(source: Path) -> Any:
    """Reads JSON that an earlier stage wrote; see `reading`."""
    with reading(source):
        return json.loads(source.read_text(encoding="utf-8"))


def drop_leftovers(folder: Path, wanted: Collection[str]) -> None:
    """Removes files of runs that are no longer asked for from a folder with one file per run.

    DVC leaves the outputs of a dropped seed or model in place, and a folder's hash covers everything in it. A stage
    that depends on such a folder calls this first, so that DVC records only what the stage reads. The files stay in
    DVC's cache. A folder that is missing has none.
    """
    for entry in folder.iterdir() if folder.is_dir() else ():
        if entry.is_file() and entry.name not in wanted:
            entry.unlink()
