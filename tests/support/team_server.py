"""A team's MLflow for tests: what mlflow/compose.yaml says, on an installed PostgreSQL instead of containers."""

import os
import re
import secrets
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
from ruamel.yaml import YAML

from reliability.ports import free_port
from tests.support.tools import find_initdb
from tests.support.transfers import wait_for

COMPOSE: dict[str, Any] = YAML(typ="safe").load(Path(__file__).parents[2] / "mlflow" / "compose.yaml")
# PostgreSQL refuses to run as root; then its own user runs it.
OWNER: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}


class TeamServer(NamedTuple):
    """A running server.

    Attributes:
        uri: its address.
        folder: its artifacts, database, log and login.ini.
        secrets: the variables that compose.yaml asks for.
    """

    uri: str
    folder: Path
    secrets: Mapping[str, str]

    def login(self, user: str = "admin", password: str | None = None) -> dict[str, str]:
        """Returns the variables with which a pipeline logs to this server."""
        return {
            "MLFLOW_TRACKING_URI": self.uri,
            "MLFLOW_TRACKING_USERNAME": user,
            "MLFLOW_TRACKING_PASSWORD": password or self.secrets["MLFLOW_AUTH_ADMIN_PASSWORD"],
        }


@contextmanager
def team_server() -> Iterator[TeamServer]:
    """Starts PostgreSQL and MLflow, and stops both."""
    names = set(re.findall(r"\$\{(\w+):\?", repr(COMPOSE["services"])))
    values = {name: secrets.token_hex(32) for name in names}
    # Not below pytest's own folder, which is closed to the user that runs PostgreSQL.
    with tempfile.TemporaryDirectory(prefix="rnnlab-test-") as place:
        folder = Path(place)
        folder.chmod(0o755)
        with _postgres(folder, values["RNNLAB_DB_PASSWORD"]), _mlflow(folder, values) as uri:
            yield TeamServer(uri, folder, values)


@contextmanager
def _postgres(folder: Path, password: str) -> Iterator[None]:
    """Runs an empty database on a Unix socket in ``folder``, with the owner that the container has."""
    found = find_initdb()
    assert found, "PostgreSQL is not installed"
    programs = Path(found).resolve().parent
    place, password_file = folder / "postgres", folder / "password"
    place.mkdir()
    password_file.touch(mode=0o600)
    password_file.write_text(password)
    if OWNER:
        for path in (place, password_file):
            shutil.chown(path, "postgres", "postgres")

    def run(program: str, *words: str) -> None:
        command = (str(programs / program), "-D", str(place / "data"), *words)
        subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True, **OWNER)

    run("initdb", "--auth=scram-sha-256", "--username=mlflow", f"--pwfile={password_file}", "--encoding=UTF8")
    password_file.unlink()
    options = f"-c listen_addresses='' -c unix_socket_directories='{place}'"
    run("pg_ctl", "start", "-w", "-l", str(place / "log"), "-o", options)
    try:
        with closing(
            psycopg2.connect(host=str(place), user="mlflow", password=password, dbname="postgres")
        ) as connection:
            connection.autocommit = True
            connection.cursor().execute("CREATE DATABASE mlflow")
        yield
    finally:
        run("pg_ctl", "stop", "-w", "-m", "fast")


@contextmanager
def _mlflow(folder: Path, values: Mapping[str, str]) -> Iterator[str]:
    """Runs the command of the container with its variables; yields the address."""
    port = free_port()
    login = folder / "login.ini"
    login.write_text(COMPOSE["configs"]["login"]["content"])
    service = COMPOSE["services"]["mlflow"]
    others = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    environment = others | {name: _filled(value, values) for name, value in service["environment"].items()}
    environment |= {
        "PGHOST": str(folder / "postgres"),
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(login),
    }
    # Of an option that is given twice, the last one counts.
    command = [sys.executable, "-m", *shlex.split(service["command"]), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "mlflow.log").open("w") as log:
        server = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for(f"http://127.0.0.1:{port}/health", server, folder / "mlflow.log")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _filled(value: str, values: Mapping[str, str]) -> str:
    """Puts a value, or else its default, where compose.yaml says ``${NAME:?why}`` or ``${NAME:-default}``."""
    return re.sub(r"\$\{(\w+):[?-]([^}]*)\}", lambda match: values.get(match[1], match[2]), value)
