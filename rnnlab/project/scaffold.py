"""A project of one's own: the pipeline that this repository runs on, with the installed rnnlab in place of its sources.

Its files are those of the repository, so that there is no second copy to maintain, and those in `OWN`, which a small
project words in its own way. A commit of these files alone is the base of later upgrades, which Git merges.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rnnlab.project import git, layout, pins
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_text

OWN = Path(__file__).with_name("template")
SHARED = (
    *("dvc.yaml", "params.yaml", "stages", ".gitignore", ".dvcignore"),
    *(".dvc/config", ".dvc/.gitignore", ".dvc/plots/runs.json", "data/raw/README.md"),
    *(
        "cells/README.md",
        "extensions/baselines/README.md",
        "extensions/checks/README.md",
        "extensions/figures/README.md",
        "extensions/metrics/README.md",
    ),
)
TRAILER = "Template: rnnlab"
AUTHOR = {"user.name": "rnnlab", "user.email": "rnnlab@localhost"}  # where Git knows no other


def files() -> dict[str, str]:
    """Returns the content of each file of a new project, by its path."""
    packed = layout.PACKAGE / "template"  # in a wheel
    root = packed if packed.is_dir() else layout.PACKAGE.parent
    found = {
        path.relative_to(base).as_posix(): path.read_text(encoding="utf-8")
        for base, places in ((root, SHARED), (OWN, ("",)))
        for place in places
        for path in _below(base / place)
    }
    return {**found, "dvc.yaml": on_installed(found["dvc.yaml"]), pins.FILE: pins.installed()}


def _below(place: Path) -> list[Path]:
    if place.is_file():
        return [place]
    return sorted(path for path in place.rglob("*") if path.is_file() and path.suffix != ".pyc")


def on_installed(pipeline: str) -> str:
    """Has the stages of a dvc.yaml depend on the versions of packages instead of folders of rnnlab."""
    lines: list[str] = []
    for line in pipeline.splitlines():
        is_source = re.match(r"      - rnnlab/", line)
        if not is_source:
            lines.append(line)
        elif lines[-1] != f"      - {pins.FILE}":
            lines.append(f"      - {pins.FILE}")
    return "\n".join(lines) + "\n"


def make(folder: Path) -> int:
    """Writes a new project, with Git and DVC set up, and returns its number of files.

    Raises:
        UserError: the folder has something in it, or is inside a Git repository, or Git cannot be run.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is there already, and not an empty folder; name a new one")
    _check_git()
    above = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.is_dir())
    if root := git.run("rev-parse", "--show-toplevel", check=False, folder=above):
        raise UserError(f"{folder}: is inside the Git repository {root}; name a folder outside of any")
    made = files()
    for path, text in made.items():
        _write(folder / path, text)
    git.run("init", "--quiet", "--initial-branch", "main", folder=folder)
    git.run("add", "--all", folder=folder)
    _commit(folder, f"A project made by rnnlab new\n\n{TRAILER} {pins.version()}")
    return len(made)


def upgrade() -> str:
    """Merges the files of the installed version into the project around, as Git merges any branch; says what happened.

    Raises:
        UserError: this is no such project, it has uncommitted changes, or both sides changed the same lines.
    """
    _check_git()
    base = git.run("log", "--grep", f"^{TRAILER} ", "--format=%H %(trailers:key=Template,valueonly)", "-1", check=False)
    if not base:
        raise UserError("no commit of `rnnlab new` in this project's history; run this in a project that it made")
    commit, before = base.split()[0], base.split()[-1]
    if git.run("status", "--porcelain", "--untracked-files=no"):
        raise UserError("there are uncommitted changes; commit or stash them first, so that an upgrade can be undone")
    with tempfile.TemporaryDirectory() as place:
        fresh = Path(place) / "project"
        git.run("worktree", "add", "--quiet", "--detach", str(fresh), commit)
        try:
            git.run("rm", "--quiet", "-r", ".", folder=fresh)
            for path, text in files().items():
                _write(fresh / path, text)
            git.run("add", "--all", folder=fresh)
            if not git.run("status", "--porcelain", folder=fresh):
                return f"nothing to do: the files are those of rnnlab {before}"
            new = _commit(fresh, f"Files of rnnlab {pins.version()}\n\n{TRAILER} {pins.version()}")
        finally:
            git.run("worktree", "remove", "--force", str(fresh))
    done = _git("merge", "--no-edit", "-m", f"Upgrade to rnnlab {pins.version()}", new, folder=Path())
    if done.returncode:
        raise UserError(
            f"both you and rnnlab changed the same lines: {', '.join(_conflicts()) or done.stderr.strip()};"
            " mend them and `git commit`, or go back with `git merge --abort`"
        )
    return f"upgraded from rnnlab {before} to {pins.version()}; `dvc repro` reruns what that may change"


def _conflicts() -> Iterator[str]:
    yield from git.run("diff", "--name-only", "--diff-filter=U").splitlines()


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    write_text(target, text)
    if text.startswith("#!"):
        target.chmod(0o755)


def _check_git() -> None:
    try:
        git.run("--version")
    except FileNotFoundError:
        raise UserError("git is not installed; this project keeps its history with it: install git") from None


def _commit(folder: Path, message: str) -> str:
    done = _git("commit", "--quiet", "--no-verify", "--message", message, folder=folder)
    if done.returncode:
        raise UserError(f"git commit failed: {done.stderr.strip()}")
    return git.run("rev-parse", "HEAD", folder=folder)


def _git(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Runs Git, with an author of our own where it knows none."""
    unknown = {key: value for key, value in AUTHOR.items() if not git.run("config", key, check=False, folder=folder)}
    options = [word for key, value in unknown.items() for word in ("-c", f"{key}={value}")]
    command = ("git", *options, *arguments)
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=dict(os.environ))
