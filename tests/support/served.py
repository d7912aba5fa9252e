"""A model behind `mlflow models serve`, as people serve it."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from reliability.ports import free_port


@contextmanager
def serving(uri: str, store: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Serves a model of a store; yields the address once it answers."""
    port = free_port()
    command = ("mlflow", "models", "serve", "--model-uri", uri, "--env-manager", "local")
    server = subprocess.Popen(
        (*command, "--port", str(port), "--workers", "1"),
        env={**environment, "MLFLOW_TRACKING_URI": store, "MLFLOW_DISABLE_TELEMETRY": "true"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and server.poll() is None:
            try:
                urllib.request.urlopen(f"{address}/ping", timeout=5).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)


def ask(address: str, columns: list[str], rows: list[list[Any]]) -> list[dict[str, Any]]:
    """Asks a served model; returns its answers, one a row."""
    body = json.dumps({"dataframe_split": {"columns": columns, "data": rows}}).encode()
    request = urllib.request.Request(f"{address}/invocations", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: list[dict[str, Any]] = json.load(answer)["predictions"]
    return found
