"""The team's MLflow server: PostgreSQL and `mlflow server` started together, behind a login, on this machine alone."""

import base64
import http.client
import os
import pwd
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing, write_text

HOST = "127.0.0.1"
ADMIN = "admin"
ADMIN_PASSWORD = "MLFLOW_AUTH_ADMIN_PASSWORD"
START_SECONDS = 180  # a cold start imports MLflow twice and makes some sixty tables
STOP_SECONDS = 20
MLFLOW = [sys.executable, "-m", "mlflow"]
DEBIAN = Path("/usr/lib/postgresql")  # where Debian keeps the programs of each version, out of PATH

# No host, user or password: libpq takes them from the environment, so that no argument, file or log shows them.
DATABASE = "postgresql+psycopg2:///mlflow"

# A team logs into one experiment: with READ only its creator could. With EDIT all add to it, and none deletes
# what others logged. A password is slow to check by design, and a run makes some hundred requests: a check holds for
# half a minute, as does, at most, a password that was changed.
LOGIN = f"""[mlflow]
default_permission = EDIT
database_uri = {DATABASE}
admin_username = {ADMIN}
auth_cache_ttl_seconds = 30
"""


class Postgres(NamedTuple):
    """PostgreSQL's programs.

    Attributes:
        programs: the folder they are in.
        owner: whose files they work on and as whom they run, None for the user of this process.
    """

    programs: Path
    owner: pwd.struct_passwd | None

    def run(self, program: str, *arguments: str, text: str = "") -> str:
        """Runs a program with ``text`` as its input, and nothing from our environment; returns what it reports.

        Raises:
            UserError: it failed.
        """
        done = subprocess.run(
            (str(self.programs / program), *arguments),
            user=self.owner.pw_uid if self.owner else None,
            group=self.owner.pw_gid if self.owner else None,
            extra_groups=[] if self.owner else None,
            cwd="/",  # the owner may not be let into the folder that this process is in
            env={"PATH": os.defpath, "LC_ALL": "C"},
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            closed = self.owner and "Permission denied" in done.stderr
            hint = "; root runs it as user postgres, who must be let into the folders above" if closed else ""
            raise UserError(f"{program} failed: {reason(done.stderr)}{hint}")
        return done.stderr

    def own(self, place: Path) -> None:
        """Gives a folder to those who run the programs, and to nobody else."""
        place.chmod(0o700)
        if self.owner:
            os.chown(place, self.owner.pw_uid, self.owner.pw_gid)


def serve(port: int, folder: Path, upgrade: bool = False) -> None:
    """Runs the server until Ctrl-C, SIGTERM or the end of its terminal, then stops all of it.

    Args:
        port: of 127.0.0.1; nothing listens anywhere else.
        folder: of the database, the artifacts and the logs; made on the first start.
        upgrade: first brings a database of an older MLflow up to date.

    Raises:
        UserError: the password is missing or too short, the port busy, PostgreSQL not installed, the folder in use for
            something else, or one of the two servers did not start or ended by itself.
    """
    password = admin_password(os.environ)
    check_port(port)
    postgres = find_postgres()
    place = folder.resolve()
    prepare(place, postgres)
    with _stopping_on_signals():
        try:
            with database(postgres, place) as connection:
                if upgrade:
                    upgrade_database(place, connection)
                with mlflow_server(place, port, connection) as server:
                    wait_until_up(server, port, password, place / "mlflow.log")
                    print(_welcome(port, folder), flush=True)
                    server.wait()
                    raise UserError(f"MLflow ended by itself: {_end_of(place / 'mlflow.log')}")
        except KeyboardInterrupt:
            print("stopped", flush=True)


def admin_password(environment: Mapping[str, str]) -> str:
    """Reads the admin's password.

    Raises:
        UserError: it is missing, or MLflow would not take it.
    """
    password = environment.get(ADMIN_PASSWORD, "")
    if not password:
        raise UserError(f"{ADMIN_PASSWORD} is not set; export a password of 12 characters or more for user {ADMIN!r}")
    if len(password) < 12 or password == "password1234":  # the default of old versions, known to everybody
        raise UserError(f"{ADMIN_PASSWORD} is too weak: MLflow takes 12 characters or more, and not its old default")
    return password


def check_port(port: int) -> None:
    """Makes sure that nobody listens on a port.

    Raises:
        UserError: somebody does, or it is no port of ours.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as refusal:
            raise UserError(f"cannot listen on {HOST}:{port} ({refusal}); name another port with --port") from None


def find_postgres() -> Postgres:
    """Finds PostgreSQL's programs, in PATH or where Debian puts them, the newest version first.

    Raises:
        UserError: they are not installed.
    """
    debian = sorted(DEBIAN.glob("*/bin"), key=lambda place: (len(place.parent.name), place))
    found = shutil.which("initdb", path=os.pathsep.join([os.environ.get("PATH", ""), *map(str, reversed(debian))]))
    if not found:
        raise UserError("PostgreSQL is not installed: no `initdb`; on Debian and Ubuntu: apt-get install postgresql")
    # PostgreSQL refuses to run as root, who could do anything to the machine: then its own user runs it.
    try:
        owner = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    except KeyError:
        raise UserError("PostgreSQL does not run as root and there is no user postgres; start this as a user") from None
    return Postgres(Path(found).resolve().parent, owner)


def prepare(folder: Path, postgres: Postgres) -> None:
    """Makes the folder, closed to other users: artifacts are read through MLflow's login alone.

    Raises:
        UserError: it holds something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()) and not (folder / "login.ini").exists():
        raise UserError(f"{folder}: not empty and not made by this command; name a new folder with --folder")
    postgres.own(folder)
    write_text(folder / "login.ini", LOGIN)


@contextmanager
def database(postgres: Postgres, folder: Path) -> Iterator[dict[str, str]]:
    """Runs the database in ``folder``, made on the first use, on a Unix socket and no port.

    Its password is a new one each time: no person has to keep it.

    Yields:
        The variables that tell libpq how to connect.

    Raises:
        UserError: it did not start.
    """
    cluster, log = folder / "postgres", folder / "postgres.log"
    if not cluster.exists():
        with replacing(cluster) as made:
            postgres.run("initdb", "--auth=reject", "--encoding=UTF8", "--locale=C", "-D", str(made))
            (made / "pg_hba.conf").write_text("local mlflow mlflow scram-sha-256\n", encoding="utf-8")
            run_sql(postgres, made, "CREATE ROLE mlflow LOGIN", "CREATE DATABASE mlflow OWNER mlflow")
    password = renew_password(postgres, cluster)
    with tempfile.TemporaryDirectory(prefix="rnnlab-") as sockets:  # short: a socket's path has 107 bytes at most
        postgres.own(Path(sockets))
        options = f"-c listen_addresses='' -c unix_socket_directories='{sockets}'"
        try:
            try:
                postgres.run("pg_ctl", "start", "-w", "-D", str(cluster), "-l", str(log), "-o", options)
            except UserError:
                raise UserError(f"PostgreSQL did not start: {_end_of(log)}") from None
            yield {"PGHOST": sockets, "PGUSER": "mlflow", "PGPASSWORD": password}
        finally:
            with suppress(UserError):  # it may have ended, or never begun
                postgres.run("pg_ctl", "stop", "-w", "-m", "fast", "-D", str(cluster))


def renew_password(postgres: Postgres, cluster: Path) -> str:
    """Gives MLflow's role a new password and returns it.

    Raises:
        UserError: a server has the cluster, or PostgreSQL cannot read it.
    """
    password = secrets.token_hex(32)
    try:
        run_sql(postgres, cluster, f"ALTER ROLE mlflow PASSWORD '{password}'")
    except UserError as refusal:
        if "postmaster.pid" not in str(refusal):
            raise
        pid = (cluster / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        raise UserError(f"{cluster}: its server runs already; stop that, or the database by kill -INT {pid}") from None
    return password


def run_sql(postgres: Postgres, cluster: Path, *statements: str) -> None:
    """Runs statements, of a line each, as the owner of a cluster that nothing else uses.

    Raises:
        UserError: one failed, or a server has the cluster.
    """
    lines = "".join(f"{statement}\n" for statement in statements)
    report = postgres.run("postgres", "--single", "-D", str(cluster), "postgres", text=lines)
    if "ERROR:" in report:  # which leaves the exit status at 0
        raise UserError(f"{cluster}: PostgreSQL refused to set it up: {reason(report)}")


def upgrade_database(folder: Path, connection: Mapping[str, str]) -> None:
    """Gives a database of an older MLflow the tables of this one; a newer one stays as it is.

    Raises:
        UserError: it failed.
    """
    command = [*MLFLOW, "db", "upgrade", DATABASE]
    variables = _variables(folder, connection)
    done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"the database was not upgraded: {reason(done.stderr)}")


def _variables(folder: Path, connection: Mapping[str, str]) -> dict[str, str]:
    """The environment of MLflow's processes: all that they must know, secrets among it."""
    return {
        **os.environ,
        **connection,
        "MLFLOW_BACKEND_STORE_URI": DATABASE,
        "MLFLOW_SERVE_ARTIFACTS": "true",
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "login.ini"),
        "MLFLOW_AUTH_ADMIN_USERNAME": ADMIN,
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "PYTHONWARNINGS": "ignore",
    }


@contextmanager
def mlflow_server(folder: Path, port: int, connection: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Runs `mlflow server` with a login and proxied artifacts, in two processes."""
    command = [*MLFLOW, "server", "--host", HOST, "--port", str(port), "--workers", "1", "--app-name", "basic-auth"]
    log_file = folder / "mlflow.log"
    if log_file.exists():
        log_file.replace(folder / "mlflow.before.log")  # what it says is of this start alone
    with log_file.open("wb") as log:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=_variables(folder, connection),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches us alone: MLflow ends before its database does
        )
    try:
        yield server
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(STOP_SECONDS)
        with suppress(ProcessLookupError):  # its worker too, should that hang
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def wait_until_up(server: subprocess.Popen[bytes], port: int, password: str, log: Path) -> None:
    """Waits until MLflow answers, and to the admin.

    Raises:
        UserError: it ended, took too long, or knows the admin by another password.
    """
    deadline = time.monotonic() + START_SECONDS
    while _status(port, "/health") != 200:
        if server.poll() is not None:
            raise UserError(f"MLflow did not start: {_end_of(log)}")
        if time.monotonic() > deadline:
            raise UserError(f"MLflow did not answer within {START_SECONDS} s; see {log}")
        time.sleep(0.3)
    if _status(port, "/api/2.0/mlflow/users/current", password) == 401:
        raise UserError(f"{ADMIN_PASSWORD} is not the admin's password, which the first start set; export that one")


def reason(report: str) -> str:
    """Takes the line that says why from what a program wrote."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"(FATAL|ERROR|[eE]rror|Exception):", line)]
    return (telling or lines or ["it said nothing"])[-1]


def _end_of(log: Path) -> str:
    """Says why a server ended, and where there is more."""
    text = log.read_text(encoding="utf-8", errors="replace")[-8000:] if log.exists() else ""
    if "out-of-date database schema" in text:
        return "its database is of an older version; back the folder up and start once with --upgrade"
    return f"{reason(text)}; see {log}"


def _status(port: int, path: str, password: str | None = None) -> int | None:
    """The HTTP status of a page, to the admin if a password is given; None without an answer."""
    login = base64.b64encode(f"{ADMIN}:{password}".encode()).decode()
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Authorization": f"Basic {login}"} if password else {})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


@contextmanager
def _stopping_on_signals() -> Iterator[None]:
    """Turns the first signal to stop into KeyboardInterrupt; while that is obeyed, more of them change nothing."""
    numbers = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup wants it
        numbers.append(signal.SIGHUP)

    def stop(*_: object) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in numbers}
    # A reader of our output that went away must not end us with the servers still running.
    before[signal.SIGPIPE] = signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _welcome(port: int, folder: Path) -> str:
    return "\n".join(
        [
            f"MLflow: http://{HOST}:{port}, user {ADMIN}; database, artifacts and logs are in {folder}",
            "where the pipeline runs:",
            f"  export MLFLOW_TRACKING_URI=http://{HOST}:{port}",
            f"  export MLFLOW_TRACKING_USERNAME={ADMIN}",
            f'  export MLFLOW_TRACKING_PASSWORD="${ADMIN_PASSWORD}"',
            "stop with Ctrl-C",
        ]
    )
