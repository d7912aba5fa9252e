"""Where a result comes from and how to make it again, for people."""

import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.project import dvc_lock, git, layout, yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import flatten, override
from rnnlab.project.params import Params
from rnnlab.tracking import links, store

UI = "http://127.0.0.1:5000"  # where `make ui` shows the project's own store
EXPERIMENT_ID = "1"  # of the project in its own store: 0 is MLflow's, and the project makes no other


class Origin(NamedTuple):
    """Where a result comes from.

    Attributes:
        data_version: the beginning of DVC's hash of the clean rows, "" if dvc.lock lacks it.
        commit: that the code is of, "" outside of Git.
        edited: files of code that are not as the commit has them.
        search: finds the result in MLflow, "" if dvc.lock lacks it.
        link: of that search, "" if the server's address is unknown.
    """

    data: str
    data_version: str
    commit: str
    edited: Sequence[str]
    command: str
    search: str
    link: str


def trace(settings: Params, lock: Path = layout.LOCK, values: Path = layout.PARAMS) -> Origin:
    """Finds out about the result in the workspace."""
    commit = git.head_commit()
    try:
        recorded = dvc_lock.read_lock(lock.read_text(encoding="utf-8"), settings)
        version = recorded["ingest"]["outs"][str(layout.ROWS)][:8]
        key = dvc_lock.result_key(recorded)
    except (FileNotFoundError, UserError):  # a page is worth having without them
        version = key = ""
    committed = yaml_files.load((git.show(commit, layout.PARAMS) or b"").decode()) if commit else None
    local = store.tracking_uri() == store.local_uri() and not os.environ.get("MLFLOW_EXPERIMENT_NAME")
    return Origin(
        data=settings.data.csv,
        data_version=version,
        commit=commit,
        edited=git.run("diff", "--name-only", commit, "--", *layout.CODE, check=False).split() if commit else [],
        command=command(commit, yaml_files.read(values), committed),
        search=links.result_filter(key) if key else "",
        link=links.result_link(UI, EXPERIMENT_ID, key) if key and local else "",
    )


def command(commit: str, values: Mapping[str, Any], committed: Mapping[str, Any] | None) -> str:
    """Returns the shell command that makes a result again from its parameters and those of the commit, if any."""
    checkout = f"git checkout {commit[:10]} && " if commit else ""
    then, now = flatten(committed or values), flatten(values)
    new = [key for key in now if key not in then or now[key] != then[key]]
    changes = [f"{'' if key in then else '+'}{key}={override(now[key])}" for key in new]
    run = f"exp run {shlex.join(word for change in changes for word in ('-S', change))}" if changes else "repro"
    return f"{checkout}dvc {run}"
