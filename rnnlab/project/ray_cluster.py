"""A Ray cluster: one that there is, or one on this machine alone."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rnnlab.project import layout
from rnnlab.project.errors import UserError, first_line

INSTALL = "Ray is not installed; run `make ray`"
PATIENCE_SECONDS = 20.0  # with a cluster that does not answer


@contextmanager
def cluster(address: str | None, named: str) -> Iterator[None]:
    """Joins a Ray cluster, or starts one on this machine alone that ends with the block.

    Args:
        address: of the cluster, or None.
        named: how the user named it, for messages.

    Raises:
        UserError: Ray is not installed, or there is no such cluster, or it is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Without a GPU the next version leaves this variable alone, and says so at each start.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    # Without this Ray starts a process that its machine has no memory for again and again, for ever.
    os.environ.setdefault("RAY_task_oom_retries", "3")
    code = {"py_modules": [str(layout.PACKAGE)]}
    # A cluster of its own listens on this machine alone, and asks for a token, which Ray makes in ~/.ray.
    alone = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    options: dict[str, Any] = {"runtime_env": code} if address else alone
    if not importlib.util.find_spec("ray"):
        raise UserError(INSTALL)
    if address:
        _check_cluster(address, named)
    import ray  # reads its variables as it is imported

    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as failure:
        # Of another version the lines after the first say which.
        told = " ".join(str(failure).split())
        raise UserError(f"{named}: no cluster that this Ray {ray.__version__} can use ({told})") from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_cluster(address: str, named: str) -> None:
    """Asks whether a cluster answers: Ray itself would wait for one for ever."""
    told = _health(address)
    if told and "AuthToken" in told:
        # `ray start` asks for the token of its machine, if there is one, and Ray shows ours only if told to.
        os.environ["RAY_AUTH_MODE"] = "token"
        if _health(address) is None:
            return
        raise UserError(f"{named}: the Ray cluster there asks for the token in its ~/.ray/auth_token; copy it to here")
    if told is not None:
        raise UserError(f"{named}: no Ray cluster answers there; `ray start --head` starts one")


def _health(address: str) -> str | None:
    """Gives None where a cluster answers, and what Ray says where it does not."""
    # `ray.init` tells another version better.
    check = ("health-check", "--skip-version-check", "--address", address)
    command = (sys.executable, "-m", "ray.scripts.scripts", *check)
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return done.stderr if done.returncode else None


@contextmanager
def failures_told() -> Iterator[None]:
    """Turns what Ray says of machines and processes into a sentence for the user.

    Raises:
        UserError: a machine had not enough memory, or processes died again and again.
    """
    import ray

    try:
        yield
    except ray.exceptions.RayError as failure:
        raise UserError(sentence(failure)) from None


def sentence(failure: Exception) -> str:
    """Says in one sentence why Ray could not do a task."""
    import ray

    if isinstance(failure, ray.exceptions.OutOfMemoryError):
        return "a machine had not enough memory; give it fewer processors, or smaller files, batches or networks"
    if isinstance(failure, ray.exceptions.RayTaskError):
        # Its own mistake, such as a loss that is no number: the same again would end the same.
        return first_line(failure.cause or failure)
    return f"its process died again and again ({first_line(failure)})"
