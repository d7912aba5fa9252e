import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from mlflow.server import get_app_client
from ruamel.yaml import YAML

from reliability.ports import free_port
from rnnlab.cli import server
from rnnlab.project.errors import UserError
from tests.support import writers

ROOT = Path(__file__).parents[2]
# What the pipeline does, with nothing to go by but its environment.
LOG = """
from mlflow import MlflowClient
from rnnlab import store
opened = store.connect()
client = MlflowClient(opened.uri)
run = client.create_run(opened.experiment_id, run_name="small").info.run_id
client.log_metric(run, "test_accuracy", 0.75)
client.log_artifact(run, "note.txt")
client.set_terminated(run)
print(run)
"""


def installed() -> bool:
    try:
        server.find_postgres()
    except UserError:
        return False
    return True


# CI has PostgreSQL or fails.
needs_postgres = pytest.mark.skipif(
    not installed() and "CI" not in os.environ, reason="PostgreSQL is not installed: apt-get install postgresql"
)


class Team:
    """A server as a user starts it, and those who log to it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.folder = place / "server"
        self.port = free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.password = secrets.token_hex(12)
        self.screen = ""

    def start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
        environment["MLFLOW_AUTH_ADMIN_PASSWORD"] = self.password
        self.process = subprocess.Popen(
            (sys.executable, "-m", "rnnlab.cli.main", "server", "--port", str(self.port), "--folder", str(self.folder)),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        for line in self.process.stdout:
            self.screen += line
            if line.startswith("stop with Ctrl-C"):
                return
        raise AssertionError(f"no server: {self.screen}")

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        rest, _ = self.process.communicate(timeout=90)
        self.screen += rest
        return self.process.returncode

    def login(self, user: str = "admin", password: str | None = None) -> dict[str, str]:
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": password or self.password,
        }

    def log(self, login: dict[str, str]) -> subprocess.CompletedProcess[str]:
        (self.place / "note.txt").write_text("seen", encoding="utf-8")
        environment = writers.environment(self.place) | login | {"PYTHONPATH": str(ROOT)}
        command = (sys.executable, "-c", LOG)
        return subprocess.run(command, cwd=self.place, env=environment, capture_output=True, text=True, check=False)

    def runs(self) -> list[Any]:
        client = MlflowClient(self.uri)
        experiment = client.get_experiment_by_name("rnn-vs-lstm")
        return list(client.search_runs([experiment.experiment_id])) if experiment else []

    def variables(self) -> list[dict[str, str]]:
        """The environment of each of MLflow's processes."""
        found = []
        for file in Path("/proc").glob("[0-9]*/environ"):
            try:
                pairs = [pair.split("=", 1) for pair in file.read_text(errors="replace").split("\0") if "=" in pair]
            except OSError:  # it ended, or is somebody else's
                continue
            if dict(pairs).get("MLFLOW_AUTH_CONFIG_PATH") == str(self.folder / "login.ini"):
                found.append(dict(pairs))
        return found


@pytest.fixture(scope="module")
def running() -> Iterator[Team]:
    # Not below pytest's own folder, which is closed to the user that runs PostgreSQL when root runs the tests.
    place = Path(tempfile.mkdtemp(prefix="rnnlab-test-"))
    place.chmod(0o755)
    team = Team(place)
    try:
        team.start()
        yield team
    finally:
        if team.process.poll() is None:
            team.stop(signal.SIGTERM)
        shutil.rmtree(place)


@pytest.fixture
def team(running: Team, monkeypatch: pytest.MonkeyPatch) -> Team:
    """The server, with this process logged in as its admin."""
    for name, value in running.login().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    return running


@needs_postgres
def test_a_wrong_password_is_refused_and_logs_nothing(team: Team) -> None:
    before = len(team.runs())
    done = team.log(team.login(password="not-the-password"))
    assert done.returncode != 0
    assert "401" in done.stderr and "not authenticated" in done.stderr
    assert len(team.runs()) == before


@pytest.mark.weekly
@needs_postgres
def test_runs_and_artifacts_outlive_a_restart(team: Team, tmp_path: Path) -> None:
    done = team.log(team.login())
    assert done.returncode == 0, done.stderr
    run = done.stdout.strip()
    assert team.stop(signal.SIGINT) == 0
    assert team.screen.endswith("stopped\n")
    assert not (team.folder / "postgres" / "postmaster.pid").exists()
    assert team.variables() == []
    server.check_port(team.port)  # is free again

    team.start()
    client = MlflowClient(team.uri)
    assert client.get_run(run).data.metrics == {"test_accuracy": 0.75}
    assert Path(client.download_artifacts(run, "note.txt", str(tmp_path))).read_text() == "seen"
    assert list((team.folder / "artifacts").rglob("note.txt"))


@pytest.mark.weekly
@needs_postgres
def test_concurrent_writers_lose_and_double_nothing(team: Team, tmp_path: Path) -> None:
    writers.race(writers.environment(tmp_path) | team.login(), tmp_path)
    writers.assert_nothing_is_lost_or_doubled(MlflowClient(team.uri))


@needs_postgres
def test_members_add_to_the_teams_experiment_and_delete_what_they_are_allowed_to(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    def become(user: str, password: str) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
        monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)

    client = MlflowClient(team.uri)
    experiment = client.create_experiment("the team's")
    users = get_app_client("basic-auth", team.uri)
    users.create_user("ann", "ann-and-eleven-more")

    become("ann", "ann-and-eleven-more")
    run = client.create_run(experiment).info.run_id
    client.log_metric(run, "test_accuracy", 0.5)
    with pytest.raises(MlflowException, match="Permission denied"):
        client.delete_run(run)
    become("admin", team.password)
    users.grant_user_permission("ann", "run", "*", "MANAGE")
    become("ann", "ann-and-eleven-more")
    client.delete_run(run)
    with pytest.raises(MlflowException, match="Permission denied"):
        client.delete_experiment(experiment)


@needs_postgres
def test_only_this_machine_reaches_mlflow_and_no_port_leads_to_the_database(team: Team) -> None:
    listening = []
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, port = local.split(":")
            if state == "0A" and int(port, 16) == team.port:
                listening.append(address)
    assert listening == ["0100007F"]  # 127.0.0.1 as the kernel writes it

    postmaster = (team.folder / "postgres" / "postmaster.pid").read_text().splitlines()
    sockets, addresses = postmaster[4], postmaster[5]
    assert addresses == ""
    with pytest.raises(psycopg2.OperationalError, match="no password supplied"):
        psycopg2.connect(host=sockets, user="mlflow", dbname="mlflow", passfile=os.devnull)
    with pytest.raises(psycopg2.OperationalError, match=r"no pg_hba\.conf entry"):
        psycopg2.connect(host=sockets, user="postgres", dbname="postgres")


@needs_postgres
def test_secrets_are_in_two_processes_and_nowhere_else(team: Team) -> None:
    processes = team.variables()
    assert len(processes) == 2
    database = {variables["PGPASSWORD"] for variables in processes}
    assert len(database) == 1
    known = [team.password, *database, processes[0]["MLFLOW_FLASK_SERVER_SECRET_KEY"]]
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = file.read_text(errors="replace")
        except OSError:
            continue
        assert not any(secret in words for secret in known), words
    files = [file for file in team.folder.rglob("*") if file.is_file()]
    assert {"mlflow.log", "postgres.log", "login.ini"} <= {file.name for file in files}
    for file in files:
        content = file.read_bytes()
        assert not any(secret.encode() in content for secret in known), file
    assert not any(secret in team.screen for secret in known)
    assert team.folder.stat().st_mode & 0o077 == 0


@needs_postgres
def test_a_server_that_runs_is_not_disturbed(team: Team) -> None:
    postgres = server.find_postgres()
    with pytest.raises(UserError, match=r"its server runs already; .* kill -INT \d+"):
        server.renew_password(postgres, team.folder / "postgres")
    with pytest.raises(UserError, match=f"cannot listen on 127.0.0.1:{team.port}.*--port"):
        server.check_port(team.port)
    with pytest.raises(UserError, match="not the admin's password"):
        server.wait_until_up(team.process, team.port, "some-other-password", team.folder / "mlflow.log")
    assert team.process.poll() is None
    assert isinstance(team.runs(), list)


@pytest.mark.parametrize(
    ("password", "complaint"),
    [("", "is not set"), ("eleven-long", "12 characters"), ("password1234", "too weak")],
)
def test_a_missing_or_weak_password_is_refused_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, password: str, complaint: str
) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", password)
    with pytest.raises(UserError, match=f"MLFLOW_AUTH_ADMIN_PASSWORD .*{complaint}"):
        server.serve(free_port(), tmp_path / "server")
    assert not (tmp_path / "server").exists()


def test_a_missing_postgresql_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "long-enough-for-it")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(server, "DEBIAN", tmp_path)
    with pytest.raises(UserError, match="apt-get install postgresql"):
        server.serve(free_port(), tmp_path / "server")
    assert not (tmp_path / "server").exists()


@needs_postgres
def test_a_folder_of_something_else_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_AUTH_ADMIN_PASSWORD", "long-enough-for-it")
    (tmp_path / "thesis.txt").write_text("mine")
    before = tmp_path.stat()
    with pytest.raises(UserError, match=r"not empty and not made by this command.*--folder"):
        server.serve(free_port(), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]
    assert (tmp_path.stat().st_mode, tmp_path.stat().st_uid) == (before.st_mode, before.st_uid)


def test_a_server_that_cannot_start_says_why_and_leaves_nothing_running(tmp_path: Path) -> None:
    log = tmp_path / "mlflow.log"
    log.write_text("Starting\nsqlalchemy.exc.OperationalError: no such host\n\n")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    started = time.monotonic()
    with pytest.raises(UserError, match=r"OperationalError: no such host; see .*mlflow.log"):
        server.wait_until_up(ended, free_port(), "any-password-at-all", log)
    assert time.monotonic() - started < 5


def test_a_database_of_an_older_version_asks_for_an_upgrade(tmp_path: Path) -> None:
    log = tmp_path / "mlflow.log"
    log.write_text("mlflow.exceptions.MlflowException: Detected out-of-date database schema (found version a, …)\n")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.raises(UserError, match="start once with --upgrade"):
        server.wait_until_up(ended, free_port(), "any-password-at-all", log)


def test_the_containers_are_the_same_server() -> None:
    compose = YAML(typ="safe").load(ROOT / "mlflow" / "compose.yaml")
    services = compose["services"]
    [version] = re.findall(r"^mlflow==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert services["mlflow"]["image"] == f"ghcr.io/mlflow/mlflow:v{version}-full"
    assert compose["configs"]["login"]["content"] == server.LOGIN
    assert services["mlflow"]["environment"]["MLFLOW_BACKEND_STORE_URI"] == server.DATABASE
    assert all("healthcheck" in service and "restart" in service for service in services.values())


def test_the_containers_have_no_default_secret_and_listen_on_this_machine_alone() -> None:
    services = YAML(typ="safe").load(ROOT / "mlflow" / "compose.yaml")["services"]
    variables = {name: value for service in services.values() for name, value in service["environment"].items()}
    secret = {name: value for name, value in variables.items() if re.search("PASSWORD|SECRET", name)}
    assert len(secret) == 4
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secret.values()), secret
    assert "ports" not in services["database"]
    assert all(port.startswith("127.0.0.1:") for port in services["mlflow"]["ports"])
