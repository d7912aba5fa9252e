"""Results by name: the workspace, a DVC experiment, a git revision, or an MLflow run."""

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import pandas as pd

from rnnlab.evaluation.costs import read_timings
from rnnlab.experiments import dvc_experiments, outcomes
from rnnlab.experiments.comparison import Result, outdated
from rnnlab.experiments.dvc_experiments import Recorded
from rnnlab.experiments.outcomes import CODE
from rnnlab.project import git, params, yaml_files
from rnnlab.project.dataframes import read_parquet
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.files import read_json
from rnnlab.project.params import Run
from rnnlab.tracking import store

WORKSPACE = "workspace"
EXPERIMENT = "DVC experiment"
REVISION = "git revision"
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
        result = _workspace(folder)
    else:
        result = _committed(name, kinds[0], commits[kinds[0]], folder, cache or outcomes.dvc_cache(folder.resolve()))
    notes = [*result.notes]
    if len(kinds) > 1:
        others = ", ".join(f"{commits[kind].commit[:10]} for the {kind}" for kind in kinds[1:])
        notes.append(f"{name} names the {' and the '.join(kinds)}: this is the {kinds[0]}; write {others}")
    return result._replace(notes=notes)


def _commits(name: str, folder: Path) -> dict[str, Recorded]:
    """Finds what a name means to DVC and to Git, by kind."""
    found = {}
    recorded = dvc_experiments.recorded(folder).get(name)
    if recorded:
        found[EXPERIMENT] = recorded
    commit = git.run("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}", check=False, folder=folder)
    if commit:
        found[REVISION] = Recorded(commit, commit)
    return found


def _workspace(folder: Path) -> Result:
    """Reads what the last `dvc repro` left here."""
    settings = params.read(folder / "params.yaml")
    values = yaml_files.read(folder / "params.yaml")  # as the other kinds have them
    lock, predictions = folder / "dvc.lock", folder / "data" / "predictions.parquet"
    stages = _stages(lock.read_text(encoding="utf-8") if lock.is_file() else "", WORKSPACE)
    timings = read_timings(settings, folder / "reports" / "timings")
    return Result(
        name=WORKSPACE,
        kind=WORKSPACE,
        commit=_code(
            git.run("rev-parse", "HEAD", check=False, folder=folder),
            git.run("diff", "--name-only", "HEAD", "--", *CODE, check=False, folder=folder).split(),
        ),
        values=values,
        metrics=read_json(folder / "reports" / "metrics.json"),
        seconds=_epoch_seconds({run: timing["epoch_seconds"] for run, timing in timings.items() if timing}),
        stages=stages,
        predictions=read_parquet(predictions) if predictions.is_file() else None,
        lost=f"{predictions}: no such file; `dvc checkout {predictions}` brings it back",
        notes=_outdated(WORKSPACE, values, stages),
        histories=_histories(settings.runs, folder / "reports" / "history"),
    )


def _committed(name: str, kind: str, found: Recorded, folder: Path, cache: Path) -> Result:
    """Reads what a commit holds, and what DVC's cache has of it."""
    shown = name[:10] if name == found.commit else name
    try:
        outcome = outcomes.read_outcome(found, cache, folder)
    except outcomes.UNREADABLE:
        raise UserError(f"{shown}: the result of this {kind} cannot be read; it is too old, or not whole") from None
    if outcome is None:
        raise UserError(f"{shown}: this {kind} holds no reports/metrics.json; name one that was made by `dvc repro`")
    stages = _stages(git.run("show", f"{found.commit}:dvc.lock", check=False, folder=folder), shown)
    return Result(
        name=shown,
        kind=kind,
        commit=_code(outcome.baseline, outcome.edited),
        values=outcome.values,
        metrics=outcome.metrics,
        seconds=_epoch_seconds(outcome.seconds),
        stages=stages,
        predictions=outcome.predictions,
        lost=f"the predictions of {shown} are no longer in DVC's cache",
        notes=_outdated(shown, outcome.values, stages),
        histories=outcome.histories,
    )


def _histories(runs: Sequence[Run], folder: Path) -> dict[Run, pd.DataFrame]:
    """Reads the epochs of trainings; what is gone is left out."""
    files = {run: folder / f"{run.name}.csv" for run in runs}
    return {run: pd.read_csv(source) for run, source in files.items() if source.is_file()}


def _stages(lock: str, name: str) -> Mapping[str, Any]:
    try:
        stages: Mapping[str, Any] = (yaml_files.load(lock) or {}).get("stages", {})
    except ValueError:
        raise UserError(f"{name}: dvc.lock is not whole YAML; `git checkout dvc.lock` brings back the last") from None
    return stages


def _outdated(name: str, values: Mapping[str, Any], stages: Mapping[str, Any]) -> list[str]:
    keys = outdated(values, stages)
    return [f"{name} was made with other parameters than its params.yaml has now: {', '.join(keys)}"] if keys else []


def _code(commit: str, edited: Sequence[str]) -> str:
    if not edited:
        return commit[:10]
    return f"{commit[:10]}, {len(edited)} {'file' if len(edited) == 1 else 'files'} edited"


def _epoch_seconds(seconds: Mapping[Run, Sequence[float]]) -> dict[str, float]:
    """Median of all epochs, by model."""
    epochs: dict[str, list[float]] = {}
    for run, own in seconds.items():
        epochs.setdefault(run.model, []).extend(own)
    return {model: median(every) for model, every in epochs.items() if every}


def _logged(name: str, folder: Path) -> Result:
    """Reads an MLflow run, for which MLflow has to be imported."""
    known = [WORKSPACE, *dvc_experiments.recorded(folder), *_branches_and_tags(folder)]
    # Looking for a name is no reason to create a store.
    if not os.environ.get("MLFLOW_TRACKING_URI") and not (store.folder() / "mlflow.db").is_file():
        raise UserError(_unknown(name, known))
    try:
        opened = store.connect()
        from rnnlab.experiments import mlflow_results  # imports MLflow, which `connect` has told to be quiet

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
    place = ("refs/heads", "refs/tags", "refs/remotes")
    return git.run("for-each-ref", "--format=%(refname:short)", *place, folder=folder).split()


def _unknown(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, dict.fromkeys(known), n=3)
    guess = f" (did you mean {', '.join(close)}?)" if close else ""
    return f"{name}: no result has this name{guess}; name the {KINDS}"
