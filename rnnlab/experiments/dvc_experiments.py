"""DVC's side of named experiments: the command that runs one, and those that it has already."""

import functools
import re
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.project import git, layout
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import option


class Recorded(NamedTuple):
    """A DVC experiment in Git: its commit, and the commit it started from."""

    commit: str
    baseline: str


def command(setup: Setup, *, queue: bool, csv: str | None) -> list[str]:
    """Returns the words of the plain DVC command that a setup stands for; ``csv`` are its reviews, None if embedded.

    Unless ``queue`` puts it into DVC's queue, it runs at once, in a copy of the workspace.
    """
    changes = {**setup.changes, **({"data.csv": csv} if csv else {})}
    options = [word for key, value in changes.items() for word in ("-S", option(key, value))]
    return ["dvc", "exp", "run", "--name", setup.name, "--queue" if queue else "--temp", *options]


def in_workspace(setup: Setup, *, is_taken: bool) -> list[str]:
    """Returns the command that runs a setup in the workspace; DVC names the experiment if its name is taken."""
    options = [word for change in overrides(setup) for word in ("-S", change)]
    return ["dvc", "exp", "run", *([] if is_taken else ["--name", setup.name]), *options]


def overrides(setup: Setup) -> list[str]:
    """Returns what a setup changes, each as `dvc exp run -S` reads it."""
    return [option(key, value) for key, value in setup.changes.items()]


def find_reviews(named: Named, csv: str | None, environment: Mapping[str, str]) -> str | None:
    """Returns the path of the CSV that an experiment reads, for DVC's command line; None for embedded data.

    The user's ``csv`` is the first choice, ``IMDB_CSV`` the second, data/raw/imdb.csv the third.

    Raises:
        UserError: there is no such file, or the experiment needs none.
    """
    if named.data != "imdb":
        if csv:
            which = "the embedded data" if named.data == "embedded" else "the data in data.csv of params.yaml"
            raise UserError(f"--csv: {named.name} runs on {which}; leave it out")
        return None
    source = Path(csv or environment.get("IMDB_CSV") or layout.IMDB_REVIEWS)
    # The shell does not expand the ~ of --csv=~/x, nor one in IMDB_CSV that was quoted.
    if source.parts[:1] == ("~",) and not source.is_file():
        source = source.expanduser()
    if not source.is_file():
        raise UserError(
            f"{source}: no such file; {named.name} reads the 50,000 IMDB reviews"
            " (ai.stanford.edu/~amaas/data/sentiment) as a CSV with the columns review, sentiment and split: put it at"
            f" {layout.IMDB_REVIEWS}, or name it with --csv or in IMDB_CSV"
        )
    # A copy of the workspace holds what Git or DVC track; other files are found by their full path only.
    if git.run("ls-files", "--", str(source), f"{source}.dvc", check=False):
        return (source.parent.resolve() / source.name).relative_to(Path.cwd()).as_posix()
    return str(source.resolve())


def recorded(folder: Path | None = None) -> dict[str, Recorded]:
    """Lists the DVC experiments of a repository by name; of two with one name, the newer."""
    line = "--format=%(refname) %(objectname)"
    listed = git.run("for-each-ref", "--sort=committerdate", line, "refs/exps", folder=folder).splitlines()
    matches = (re.fullmatch(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(\S+) (\w+)", line) for line in listed)
    return {match[3]: Recorded(match[4], match[1] + match[2]) for match in matches if match}


@functools.cache  # DVC takes a second to start
def cache(folder: Path) -> Path:
    """Finds DVC's cache of a repository.

    Raises:
        UserError: DVC cannot tell.
    """
    done = subprocess.run(("dvc", "cache", "dir"), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"dvc cache dir failed: {done.stderr.strip()}")
    return folder / done.stdout.strip()


def queued(folder: Path | None = None) -> set[str]:
    """Lists the names of experiments in DVC's queue that no worker has taken yet."""
    log = git.run("log", "-g", "--format=%gs", "refs/exps/celery/stash", check=False, folder=folder)
    return set(re.findall(r"dvc-exp:[0-9a-f]+:[0-9a-f]+:([^:\n]+)", log))


def pending(named: Named, taken: Collection[str]) -> list[Setup]:
    """Leaves out the setups that DVC has already: it refuses a known name, or makes a second experiment of that name.

    Raises:
        UserError: none is left.
    """
    left = [setup for setup in named.setups if setup.name not in taken]
    if not left:
        names = " ".join(setup.name for setup in named.setups)
        raise UserError(f"{named.name} exists already; `dvc exp remove {names}` to run it again")
    return left
