"""A team's server: mlflow/compose.yaml, and what the pipeline does with a PostgreSQL behind a login."""

import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server import get_app_client

from tests.pipeline.conftest import Project
from tests.support import writers
from tests.support.team_server import COMPOSE, TeamServer, team_server

ROOT = Path(__file__).parents[2]
PASSWORDS = {user: secrets.token_hex(12) for user in ("ann", "ben")}
# Logs as the pipeline does: what to log to is in the environment alone.
LOG = """
import sys
from mlflow import MlflowClient
from rnnlab.tracking import store
opened = store.connect()
client = MlflowClient(opened.uri)
run = client.create_run(opened.experiment_id, run_name=sys.argv[1]).info.run_id
client.log_metric(run, "test_accuracy", 0.75)
client.log_text(run, "by " + sys.argv[1], "note.txt")
client.set_terminated(run)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[TeamServer]:
    with team_server() as server:
        with pytest.MonkeyPatch.context() as patch:
            log_in(patch, server)
            for name, password in PASSWORDS.items():
                get_app_client("basic-auth", server.uri).create_user(name, password)
        yield server


@pytest.fixture
def server(running: TeamServer, monkeypatch: pytest.MonkeyPatch) -> TeamServer:
    """The server, with this process logged in as its admin."""
    log_in(monkeypatch, running)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    return running


def log_in(patch: pytest.MonkeyPatch, server: TeamServer, user: str = "admin") -> None:
    for name, value in server.login(user, PASSWORDS.get(user)).items():
        patch.setenv(name, value)


def runs(server: TeamServer) -> list[Any]:
    client = MlflowClient(server.uri)
    experiment = client.get_experiment_by_name("rnn-vs-lstm")
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


@pytest.mark.needs("postgresql")
def test_two_users_log_at_once_and_see_each_others_runs(
    server: TeamServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    started = [
        subprocess.Popen(
            (sys.executable, "-c", LOG, user),
            cwd=ROOT,
            env=writers.environment(tmp_path) | server.login(user, password),
            stderr=subprocess.PIPE,
            text=True,
        )
        for user, password in PASSWORDS.items()
    ]
    ends = [(process.communicate()[1], process.returncode) for process in started]
    assert [status for _, status in ends] == [0, 0], ends
    for reader, writer in (("ann", "ben"), ("ben", "ann")):
        log_in(monkeypatch, server, reader)
        [run] = [run for run in runs(server) if run.info.run_name == writer]
        assert run.data.metrics == {"test_accuracy": 0.75}
        note = MlflowClient(server.uri).download_artifacts(run.info.run_id, "note.txt", str(tmp_path))
        assert Path(note).read_text() == f"by {writer}"


@pytest.mark.weekly
@pytest.mark.needs("postgresql")
def test_concurrent_writers_lose_and_double_nothing(server: TeamServer, tmp_path: Path) -> None:
    writers.race(writers.environment(tmp_path) | server.login(), tmp_path)
    writers.assert_nothing_is_lost_or_doubled(MlflowClient(server.uri))


@pytest.mark.needs("postgresql")
def test_a_stage_and_a_transfer_log_to_it_and_no_secret_gets_out(server: TeamServer, project: Project) -> None:
    login = server.login("ann", PASSWORDS["ann"])
    project.stage("track", MLFLOW_SYNC="strict", **login)
    done = project.inside("rnnlab.cli.main", "transfer", "--to", server.uri, **login)
    assert "copied 8 runs" in done.stdout
    logged = runs(server)
    [ours] = project.runs("tags.kind = 'pipeline'")
    keys = [run.data.tags["pipeline_key"] for run in logged if run.data.tags.get("kind") == "pipeline"]
    assert keys.count(ours.data.tags["pipeline_key"]) == 2  # once from the stage, once copied

    known = [*server.secrets.values(), *PASSWORDS.values()]
    shown = [str(run.to_dictionary()) for run in logged] + [done.stdout, done.stderr]
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            shown.append(file.read_text(errors="replace"))
        except OSError:  # that process ended, or belongs to somebody else
            continue
    for folder in (server.folder, project.folder):
        shown += [file.read_text(errors="replace") for file in folder.rglob("*") if file.is_file()]
    assert not [text for text in shown if any(secret in text for secret in known)]


@pytest.mark.needs("postgresql")
def test_a_wrong_password_is_one_sentence_and_logs_nothing(server: TeamServer, project: Project) -> None:
    before = len(runs(server))
    login = server.login("ann", "not-the-password")
    strict = {"MLFLOW_SYNC": "strict", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    for done in (
        project.stage("track", expect=1, **login, **strict),
        project.inside("rnnlab.cli.main", "transfer", "--to", server.uri, expect=1, **login),
        project.inside("rnnlab.cli.main", "promote", expect=1, **login),
    ):
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
        assert "401" in done.stderr and "not-the-password" not in done.stderr
    assert len(runs(server)) == before


@pytest.mark.needs("postgresql")
def test_members_add_to_the_teams_experiment_and_delete_what_they_are_allowed_to(
    server: TeamServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = MlflowClient(server.uri)
    experiment = client.create_experiment("the team's")
    log_in(monkeypatch, server, "ann")
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "test_accuracy", 0.5)
    with pytest.raises(MlflowException, match="Permission denied"):
        client.delete_run(run)
    log_in(monkeypatch, server)
    get_app_client("basic-auth", server.uri).grant_user_permission("ann", "run", "*", "MANAGE")
    log_in(monkeypatch, server, "ann")
    client.delete_run(run)
    with pytest.raises(MlflowException, match="Permission denied"):
        client.delete_experiment(experiment)


def test_the_containers_have_the_locked_mlflow_and_a_login() -> None:
    services = COMPOSE["services"]
    [version] = re.findall(r"^mlflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert services["mlflow"]["image"] == f"ghcr.io/mlflow/mlflow:v{version}-full"
    assert "--app-name basic-auth" in services["mlflow"]["command"]
    database = services["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"]
    assert database == "postgresql+psycopg2:///mlflow"  # no host, user or password: libpq has them from the environment
    login = COMPOSE["configs"]["login"]["content"].splitlines()
    assert {"default_permission = EDIT", f"database_uri = {database}", "admin_username = admin"} < set(login)
    assert all("healthcheck" in service and "restart" in service for service in services.values())


def test_the_containers_have_no_default_secret_and_listen_on_this_machine_alone() -> None:
    services = COMPOSE["services"]
    variables = {name: value for service in services.values() for name, value in service["environment"].items()}
    secret = {name: value for name, value in variables.items() if re.search("PASSWORD|SECRET", name)}
    assert len(secret) == 4
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secret.values()), secret
    assert "ports" not in services["database"]
    assert all(port.startswith("127.0.0.1:") for port in services["mlflow"]["ports"])
