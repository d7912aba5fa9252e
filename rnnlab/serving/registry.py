"""Registers models in MLflow and moves the alias of the one to serve; no other module moves it.

A version is made for models that passed the rule or were forced; a refused one leaves no trace. The alias is moved when
all else is written, so whoever loads the champion finds the old one or the new one, never a half.
"""

import io
import math
from collections.abc import Sequence
from contextlib import redirect_stderr
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

import mlflow
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Run as MlflowRun
from mlflow.entities.model_registry import RegisteredModel

from rnnlab.project.errors import UserError
from rnnlab.project.sections.results import Promote
from rnnlab.project.tasks import Task, of_values
from rnnlab.serving import model_card, promotion_rule
from rnnlab.serving.candidates import evidence, read_predictions, validation_loss
from rnnlab.serving.promotion_rule import Evidence, Rule
from rnnlab.tracking import logged_models
from rnnlab.tracking.champion import CHAMPION, HISTORY
from rnnlab.tracking.store import Store, lock

REMEMBERED = 100  # champions; a tag holds 5,000 characters in PostgreSQL

Outcome = Literal["promoted", "already champion", "would be promoted", "refused"]


class Version(NamedTuple):
    """A version of a registered model, and the run it came from."""

    name: str
    number: int
    run_id: str

    @property
    def uri(self) -> str:
        """The address that MLflow loads it from."""
        return f"models:/{self.name}/{self.number}"


class Verdict(NamedTuple):
    """The decision on a candidate: all rules, what was done or would be, and the champion after that, if any."""

    run_id: str
    rules: Sequence[Rule]
    outcome: Outcome
    champion: Version | None

    @property
    def failed(self) -> list[str]:
        """The names of the rules that failed."""
        return [rule.name for rule in self.rules if rule.required and not rule.passed]

    @property
    def sentence(self) -> str:
        """What was done, and which model is champion."""
        now = f"{self.champion.name} version {self.champion.number}" if self.champion else "none"
        failed = ", ".join(self.failed)
        against = f", against the rule on {failed}" if failed else ""
        return {
            "promoted": f"run {self.run_id} is the champion now, as {now}{against}",
            "already champion": f"run {self.run_id} is the champion already, as {now}",
            "would be promoted": f"run {self.run_id} would become the champion{against}; the champion now: {now}",
            "refused": f"run {self.run_id} is refused by the rule on {failed}; the champion stays: {now}",
        }[self.outcome]


def champion(store: Store, name: str) -> Version | None:
    """Returns the version that is served, None if there is none."""
    client = MlflowClient(store.uri)
    return _champion(client, _registered(client, name))


def promote(store: Store, run_id: str, limits: Promote, *, dry_run: bool = False, force: bool = False) -> Verdict:
    """Makes a model the champion if it passes the rule.

    Promoting a run again makes no second version. Interrupted anywhere, it leaves the old champion or the new one, and
    can be run again. ``dry_run`` only says what would happen; ``force`` promotes also against the rule: the version
    keeps which rules failed, in its tag ``forced``.

    Raises:
        UserError: as `evidence`, or the champion is of another task.
    """
    client = MlflowClient(store.uri)
    candidate = evidence(store, run_id)  # takes seconds, so nobody else is locked out meanwhile
    with lock():
        registered = _registered(client, limits.name)
        current = _champion(client, registered)
        _check_task(client, current, candidate)
        rivals = _rivals(client, registered, current, run_id, candidate.task)
        verdict = Verdict(run_id, promotion_rule.judge(candidate, rivals, limits), "refused", current)
        if current and current.run_id == run_id:
            return verdict._replace(outcome="already champion")
        if verdict.failed and not force:
            return verdict
        if dry_run:
            return verdict._replace(outcome="would be promoted")
        run = client.get_run(run_id)
        version = _register(client, limits.name, run, _tags(run, candidate, verdict.failed))
        card = model_card.write(client, run, candidate.task, verdict.rules)
        client.update_model_version(limits.name, str(version.number), card)
        client.log_text(run_id, card, model_card.NAME)
        past = [*_past(client, registered), *([str(current.number)] if current else [])]
        client.set_registered_model_alias(limits.name, CHAMPION, str(version.number))
        # After the alias: a history that does not end with the champion lacks just that, see `_past`.
        _write_history(client, limits.name, [*past, str(version.number)])
        return verdict._replace(outcome="promoted", champion=version)


def roll_back(store: Store, name: str) -> Version:
    """Makes the previous champion champion again; repeated, it goes back further.

    Raises:
        UserError: there was no earlier champion, or it was deleted.
    """
    client = MlflowClient(store.uri)
    with lock():
        past = _past(client, _registered(client, name))
        if not past:
            raise UserError(f"{name}: no earlier champion to roll back to")
        # Before the alias, for the same reason as in `promote`.
        _write_history(client, name, past)
        client.set_registered_model_alias(name, CHAMPION, past[-1])
        return _version(client.get_model_version(name, past[-1]))


def _registered(client: MlflowClient, name: str) -> RegisteredModel | None:
    models = client.search_registered_models(f"name = '{name}'")
    return models[0] if models else None


def _champion(client: MlflowClient, registered: RegisteredModel | None) -> Version | None:
    if registered is None or CHAMPION not in registered.aliases:
        return None
    return _version(client.get_model_version(registered.name, registered.aliases[CHAMPION]))


def _check_task(client: MlflowClient, current: Version | None, candidate: Evidence) -> None:
    """Refuses a model that whoever asks the champion could not ask; those of the first versions were of texts."""
    if current is None:
        return
    task = of_values(client.get_model_version(current.name, str(current.number)).tags)
    if task != candidate.task:
        problem = f"promote.name: the champion of {current.name} {task.verb}, and this model {candidate.task.verb}"
        raise UserError(f"{problem}; choose another name in params.yaml")


def _version(version: Any) -> Version:
    return Version(version.name, int(version.version), version.run_id or "")


def _past(client: MlflowClient, registered: RegisteredModel | None) -> list[str]:
    """Lists the numbers of earlier champions that still exist, the last one last.

    The champion ends the history unless a process died between the two writes, or somebody moved the alias by hand;
    then all of the history is past.
    """
    if registered is None:
        return []
    existing = {str(version.version) for version in client.search_model_versions(f"name = '{registered.name}'")}
    past = [number for number in registered.tags.get(HISTORY, "").split() if number in existing]
    while past and past[-1] == str(registered.aliases.get(CHAMPION)):
        past.pop()
    return past


def _write_history(client: MlflowClient, name: str, numbers: Sequence[str]) -> None:
    client.set_registered_model_tag(name, HISTORY, " ".join(numbers[-REMEMBERED:]))


def _rivals(
    client: MlflowClient, registered: RegisteredModel | None, current: Version | None, run_id: str, task: Task
) -> dict[str, pd.DataFrame]:
    """Returns the predictions that a candidate is judged by: the champion's, and those of the best champion ever.

    Many champions, each a little worse than the one before, would otherwise add up to any loss. Of other data, the best
    is not known.
    """
    if registered is None or current is None:
        return {}
    data = client.get_run(run_id).data.tags.get("data_version")
    numbers = [str(current.number), *reversed(_past(client, registered))]
    versions = {str(found.version): found for found in client.search_model_versions(f"name = '{registered.name}'")}
    same_data = [versions[number] for number in numbers if versions[number].tags.get("data_version") == data]
    figure, sign = f"test_{task.measure.key}", 1 if task.measure.lower_is_better else -1
    best = min(same_data, key=lambda version: sign * float(version.tags.get(figure, sign * math.inf)), default=None)
    rivals = {"champion": _predictions_of(client, current, task)}
    if best and best.run_id != current.run_id and not (theirs := _predictions_of(client, _version(best), task)).empty:
        rivals["best champion so far"] = theirs
    return rivals


def _predictions_of(client: MlflowClient, current: Version, task: Task) -> pd.DataFrame:
    try:
        return read_predictions(client, current.run_id, task)
    except UserError:  # deleted, or registered by hand: a lost champion must not block --force
        return pd.DataFrame()


def _register(client: MlflowClient, name: str, run: MlflowRun, tags: dict[str, str]) -> Version:
    """Registers a version of a run, a new one only the first time; the tags are those of its last promotion."""
    versions = client.search_model_versions(f"name = '{name}' and run_id = '{run.info.run_id}'")
    if not versions:
        # MLflow's own function also links the logged model to its version; it chats on stderr.
        with redirect_stderr(io.StringIO()):
            return _version(mlflow.register_model(logged_models.address(run), name, tags=tags))
    version = _version(versions[0])
    if "forced" not in tags:
        client.delete_model_version_tag(name, str(version.number), "forced")
    for key, value in tags.items():
        client.set_model_version_tag(name, str(version.number), key, value)
    return version


def _tags(run: MlflowRun, candidate: Evidence, failed: Sequence[str]) -> dict[str, str]:
    known = run.data.tags
    tags = {
        **{key: known.get(key) for key in ("task", "model", "seed", "data", "data_version", "dvc_experiment")},
        "commit": known.get("mlflow.source.git.commit"),
        **{name: f"{value:#.4g}" for name, value in candidate.figures.items()},
        "latency_ms": f"{candidate.latency_ms:.1f}",
        "best_val_loss": f"{validation_loss(run):.4f}",
        "promoted_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "forced": ", ".join(failed),
    }
    return {key: value for key, value in tags.items() if value}
