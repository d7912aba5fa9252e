"""Results by name: the workspace, a DVC experiment, a git revision, or an MLflow run."""

import difflib
import os
from collections.abc import Sequence
from pathlib import Path

from rnnlab.experiments import dvc_experiments
from rnnlab.experiments.dvc_experiments import Recorded
from rnnlab.experiments.results import EXPERIMENT, REVISION, WORKSPACE, read_commit, read_workspace
from rnnlab.project import git
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.results import Result
from rnnlab.tracking import store

KINDS = "workspace, a DVC experiment, a git revision, or an MLflow run (its id, 8 digits of it or more, or its name)"


def read(names: Sequence[str], folder: Path = Path(), cache: Path | None = None) -> list[Result]:
    """Reads results; a name that fits several kinds means the first of workspace, experiment, revision, run.

    Args:
        names: two or more.
        folder: the project's root.
        cache: DVC's, if it is known.

    Raises:
        UserError: fewer than two names, a name that nothing has, or something that holds no result.
    """
    if len(names) < 2:
        raise UserError(f"{names[0] if names else 'nothing'} to compare with nothing: name two results or more")
    return [find(name, folder, cache) for name in names]


def find(name: str, folder: Path, cache: Path | None = None) -> Result:
    """Reads the result of a name; see `read`."""
    commits = _commits(name, folder)
    kinds = [*([WORKSPACE] if name == WORKSPACE else []), *commits]
    if not kinds:
        return _logged(name, folder)
    if kinds[0] == WORKSPACE:
        result = read_workspace(folder)
    else:
        recorded = commits[kinds[0]]
        short = name[:10] if name == recorded.commit else name
        cache = cache or dvc_experiments.cache(folder.resolve())
        result = read_commit(short, kinds[0], recorded, cache, folder)
    if len(kinds) == 1:
        return result
    others = ", ".join(f"{commits[kind].commit[:10]} for the {kind}" for kind in kinds[1:])
    note = f"{name} names the {' and the '.join(kinds)}: this is the {kinds[0]}; write {others}"
    return result._replace(notes=[*result.notes, note])


def _commits(name: str, folder: Path) -> dict[str, Recorded]:
    """Finds what a name means to DVC and to Git, by kind."""
    commits = {}
    recorded = dvc_experiments.recorded(folder).get(name)
    if recorded:
        commits[EXPERIMENT] = recorded
    commit = git.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False, folder=folder)
    if commit:
        commits[REVISION] = Recorded(commit, commit)
    return commits


def _logged(name: str, folder: Path) -> Result:
    """Reads an MLflow run, for which MLflow has to be imported."""
    known = [WORKSPACE, *dvc_experiments.recorded(folder), *_branches_and_tags(folder)]
    # Looking for a name is no reason to create a store.
    if not os.environ.get("MLFLOW_TRACKING_URI") and not (store.folder() / "mlflow.db").is_file():
        raise UserError(_unknown(name, known))
    try:
        opened = store.connect()
        from rnnlab.experiments import mlflow_results  # imports MLflow, which `connect` has silenced

        result = mlflow_results.find(opened, name)
        logged = [] if result else mlflow_results.names(opened)
    except UserError:
        raise
    except Exception as failure:  # anything MLflow, its database or its server may raise
        raise UserError(
            f"{name}: no DVC experiment or git revision, and MLflow at {store.tracking_uri()} cannot be read:"
            f" {first_line(failure)}"
        ) from failure
    if result is None:
        raise UserError(_unknown(name, [*known, *logged]))
    return result


def _branches_and_tags(folder: Path) -> list[str]:
    patterns = ("refs/heads", "refs/tags", "refs/remotes")
    return git.run("for-each-ref", "--format=%(refname:short)", *patterns, folder=folder).split()


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, dict.fromkeys(known), n=3)
    guess = f" (did you mean {', '.join(close)}?)" if close else ""
    return f"{name}: no result has this name{guess}; name the {KINDS}"
