"""A Ray cluster: an existing one, or one on this machine alone."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rnnlab.project import layout
from rnnlab.project.errors import UserError, first_line

PATIENCE_SECONDS = 20.0  # for a cluster to answer


@contextmanager
def cluster(address: str | None, named: str) -> Iterator[None]:
    """Joins the Ray cluster that the user named so, or starts one on this machine alone for the length of the block.

    Raises:
        UserError: Ray is not installed, there is no such cluster, or its version differs.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Keeps Ray from announcing at each start how its next version will treat machines without a GPU.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # By default, Ray restarts a process that its machine has no memory for, again and again.
    os.environ.setdefault("RAY_task_oom_retries", "3")
    # By default, Ray has its processes give way to all others (nice 15), and whoever waits for them waits with them.
    os.environ.setdefault("RAY_worker_niceness", "0")
    # A cluster of our own listens on this machine alone, and asks for a token that Ray writes to ~/.ray.
    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    options: dict[str, Any] = {"runtime_env": {"py_modules": [str(layout.PACKAGE)]}} if address else local
    if not importlib.util.find_spec("ray"):
        raise UserError("Ray is not installed; run `make ray`")
    if address:
        _check_cluster(address, named)
    import ray  # reads these variables when it is imported

    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as failure:
        reason = " ".join(str(failure).split())  # a version that differs is not in the first line
        raise UserError(f"{named}: no cluster that this Ray {ray.__version__} can use ({reason})") from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_cluster(address: str, named: str) -> None:
    """Checks that a cluster answers; Ray itself would wait for one forever."""
    problem = _health(address)
    if problem and "AuthToken" in problem:
        # The cluster asks for the token of the machine that it was started on; Ray sends ours only in this mode.
        os.environ["RAY_AUTH_MODE"] = "token"
        if _health(address) is None:
            return
        raise UserError(f"{named}: the Ray cluster there asks for the token in its ~/.ray/auth_token; copy it here")
    if problem is not None:
        raise UserError(f"{named}: no Ray cluster answers there; start one with `ray start --head`")


def _health(address: str) -> str | None:
    """Returns None if a cluster answers, else what Ray says."""
    check = ("health-check", "--skip-version-check", "--address", address)  # `ray.init` describes versions better
    command = (sys.executable, "-m", "ray.scripts.scripts", *check)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stderr if done.returncode else None


def processors() -> list[int]:
    """Returns how many each machine of the cluster has."""
    import ray

    return [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]


def sentence(failure: Exception) -> str:
    """Says in one sentence why a task failed."""
    import ray

    if isinstance(failure, ray.exceptions.OutOfMemoryError):
        return "a machine ran out of memory; give it fewer processors, or smaller files, batches or networks"
    if isinstance(failure, ray.exceptions.RayTaskError):
        # The task's own error, such as a loss that is not a number: a retry would fail, too.
        return first_line(failure.cause or failure)
    return f"its process died ({first_line(failure)})"
