"""Runs, models and versions of one MLflow store copied to a server: completely, once, under new ids.

MLflow gives out the ids of runs and logged models itself, so what names one is changed on the way: the link to the
parent, the inputs and outputs of runs, the metrics of models, the file ``MLmodel``, the source of registered versions.
A copy carries the id it came from; it counts once it carries `COMPLETE`, which is written last. What an interrupted
call left without it is deleted and copied anew.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from filelock import FileLock, Timeout
from mlflow import MlflowClient
from mlflow.entities import Experiment, LoggedModel
from mlflow.entities import Run as MlflowRun
from mlflow.exceptions import MlflowException

from rnnlab.project.errors import UserError
from rnnlab.tracking.runs import PARENT, every_page
from rnnlab.tracking.store import EXPERIMENT, folder, quieten
from rnnlab.tracking.transfer.copies import shown
from rnnlab.tracking.transfer.runs import copy_runs
from rnnlab.tracking.transfer.versions import copy_versions

THIS_MACHINE = ("localhost", "127.0.0.1", "::1")


class Summary(NamedTuple):
    """What a transfer did.

    Attributes:
        runs_copied: now.
        runs_skipped: because they are on the target already.
        models_copied: logged models, now.
        versions_copied: of registered models, now.
        versions_skipped: because they are on the target already.
        left_out: ``name/number`` of versions whose model is not of this experiment.
        aliases_kept: ``name@alias`` that the target has on another version; they are never moved.
    """

    runs_copied: int
    runs_skipped: int
    models_copied: int
    versions_copied: int
    versions_skipped: int
    left_out: tuple[str, ...]
    aliases_kept: tuple[str, ...]


def transfer(
    source_uri: str, target_uri: str, experiment: str = EXPERIMENT, say: Callable[[str], object] = print
) -> Summary:
    """Copies what is not deleted of an experiment to a server, and what is registered of its models.

    Can be repeated: complete copies are left alone, even if somebody edited them since. A run that went on since its
    last copy replaces that copy. An alias that the target has already stays on its version there.

    Not copied: traces, prompts, deprecated stages; when a model or version was made. The numbers of versions follow
    those that the target has.

    Args:
        source_uri: of the store to read.
        target_uri: of a server, ``http://…`` or ``https://…``.
        experiment: its name, on both sides.
        say: called with each run and model as it begins.

    Raises:
        UserError: a store cannot be used, both are the same, another transfer runs, or the target failed on the way.
    """
    quieten(timeout=60)
    if urlsplit(target_uri).scheme not in ("http", "https"):
        raise UserError(f"{shown(target_uri)}: not a server; name an address such as http://server:5001")
    with _alone():
        source, origin, runs, models = _read(source_uri, experiment)
        try:
            target = MlflowClient(target_uri, target_uri)
            if runs and _has_run(target, runs[0].info.run_id):
                raise UserError(f"{shown(target_uri)} serves {shown(source_uri)} itself; name another server with --to")
            copy = _experiment(target, origin)
            _check_artifacts(copy, target_uri)
            done = copy_runs(source, target, copy, runs, models, say)
            versions = copy_versions(source, target, runs, done.copies, say)
            return Summary(done.runs, len(runs) - done.runs, done.models, *versions)
        except (MlflowException, OSError) as failure:
            raise UserError(_explained(target_uri, failure)) from failure


@contextmanager
def _alone() -> Iterator[None]:
    """Keeps a second transfer out, by a lock of its own: trainings wait for that of the store."""
    folder().mkdir(exist_ok=True)
    try:
        with FileLock(folder() / "transfer.lock", timeout=0):
            yield
    except Timeout:
        raise UserError("another transfer is under way; wait until it has ended") from None


def _read(uri: str, name: str) -> tuple[MlflowClient, Experiment, list[MlflowRun], list[LoggedModel]]:
    """Opens the source and lists what it holds: parents before their children, else the oldest first."""
    path = uri.removeprefix("sqlite:///")
    if path != uri and not Path(path).is_file():  # MLflow would make one
        raise UserError(f"{path}: no such store; `dvc repro` makes one, or name another with --from")
    try:
        source = MlflowClient(uri, uri)
        experiment = source.get_experiment_by_name(name)
        ids = [] if experiment is None or experiment.lifecycle_stage == "deleted" else [experiment.experiment_id]
        # One by one: a search leaves out which models were the input of a run.
        runs = [source.get_run(run.info.run_id) for run in every_page(source.search_runs, ids)] if ids else []
        models = every_page(source.search_logged_models, ids) if ids else []
    except Exception as failure:  # whatever MLflow or the database raise
        raise UserError(f"{shown(uri)}: cannot be read ({_reason(failure, uri)}); fix that") from failure
    if not ids:
        raise UserError(f"{shown(uri)}: no experiment {name!r}; name another store with --from")
    runs.sort(key=lambda run: (PARENT in run.data.tags, run.info.start_time or 0))
    models.sort(key=lambda model: model.creation_timestamp)
    return source, experiment, runs, models


def _has_run(target: MlflowClient, run_id: str) -> bool:
    try:
        return bool(target.get_run(run_id))
    except MlflowException as failure:
        # A login forbids all but its admin to ask for what does not exist.
        if failure.error_code == "RESOURCE_DOES_NOT_EXIST" or failure.get_http_status_code() == 403:
            return False
        raise


def _experiment(target: MlflowClient, origin: Experiment) -> Experiment:
    experiment = target.get_experiment_by_name(origin.name)
    if experiment is None:
        return target.get_experiment(target.create_experiment(origin.name, tags=origin.tags))
    if experiment.lifecycle_stage == "deleted":
        target.restore_experiment(experiment.experiment_id)
    return experiment


def _check_artifacts(experiment: Experiment, target_uri: str) -> None:
    """Refuses a server whose clients would write files to their own disk instead of its."""
    here = urlsplit(target_uri).hostname in THIS_MACHINE
    if urlsplit(experiment.artifact_location).scheme in ("", "file") and not here:
        raise UserError(
            f"{shown(target_uri)}: keeps files of {experiment.name!r} at {experiment.artifact_location}, on its own"
            " disk; start it with --serve-artifacts and another experiment"
        )


def _reason(failure: Exception, uri: str) -> str:
    line = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
    login, at, _ = urlsplit(uri).netloc.rpartition("@")
    return (line.replace(login + at, "") if login else line)[:300]


def _explained(target: str, failure: Exception) -> str:
    refused = isinstance(failure, MlflowException) and failure.get_http_status_code() in (401, 403)
    advice = "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" if refused else "fix this"
    reason = _reason(failure, target)
    return f"{shown(target)}: the transfer stopped ({reason}); {advice} and run it again: it goes on from there"
