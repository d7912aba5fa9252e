"""Files that are either whole or not there."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab.errors import UserError, first_line


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
