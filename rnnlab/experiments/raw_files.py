"""Brings a stranger's file into the project: into data/raw, and under DVC's control."""

import filecmp
import re
import shutil
import subprocess
from pathlib import Path

from rnnlab.project import git, layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing


def place(source: Path) -> Path:
    """Returns the path of a file or folder in the project, relative to its root: where it is, or below data/raw.

    Raises:
        UserError: there is no such file, or data/raw has another one of that name.
    """
    check(source)
    if is_tracked(source):
        return source.resolve().relative_to(Path.cwd())
    target = layout.RAW / re.sub(r"[^\w.-]+", "-", source.name).lstrip("-.")
    if target.exists() and not target.samefile(source) and not _is_same(source, target):
        raise UserError(f"{target}: another file of that name is there already; rename {source}")
    return target


def check(source: Path) -> None:
    """Raises a `UserError` if there is no such file or folder."""
    if not source.exists():
        raise UserError(f"{source}: no such file; name a table of texts with labels, or of a series")


def bring(source: Path, target: Path) -> bool:
    """Copies a file or folder to where `place` says, and adds it to DVC; returns whether it was new to DVC.

    Raises:
        UserError: DVC or Git fails.
    """
    if not target.exists():
        with replacing(target) as copy:
            shutil.copytree(source, copy) if source.is_dir() else shutil.copyfile(source, copy)
    if is_tracked(target):
        return False
    done = subprocess.run(("dvc", "add", "--quiet", str(target)), capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"dvc add {target} failed: {done.stderr.strip()}")
    git.run("add", "--", f"{target}.dvc", str(target.parent / ".gitignore"))  # copies of the workspace need both
    return True


def is_tracked(path: Path) -> bool:
    """Whether a file or folder, or the folder that it is in, is inside the project and tracked by DVC or Git."""
    whole, root = path.resolve(), Path.cwd()
    if not whole.is_relative_to(root):
        return False
    inside = whole.relative_to(root)
    if any(Path(f"{part}.dvc").is_file() for part in (inside, *inside.parents[:-1])):
        return True
    return bool(git.run("ls-files", "--", inside.as_posix(), check=False))


def _is_same(one: Path, other: Path) -> bool:
    """Whether two files, or all files of two folders, hold the same bytes."""
    if one.is_file() and other.is_file():
        return filecmp.cmp(one, other, shallow=False)
    if not (one.is_dir() and other.is_dir()):
        return False
    names = sorted(file.relative_to(one) for file in one.rglob("*") if file.is_file())
    there = sorted(file.relative_to(other) for file in other.rglob("*") if file.is_file())
    return names == there and all(filecmp.cmp(one / name, other / name, shallow=False) for name in names)
