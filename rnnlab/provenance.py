"""Where a result comes from: Git, DVC's lock file, DVC's experiment."""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from rnnlab import yaml_files
from rnnlab.errors import UserError
from rnnlab.params import Params


def project_root() -> Path:
    """The main workspace: DVC names it in ``DVC_ROOT``, also to experiments that run in a copy."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve()


def experiment_name() -> str | None:
    """The DVC experiment that is running, if one is."""
    return os.environ.get("DVC_EXP_NAME") or None


def git_commit() -> str:
    """The commit that the workspace or the experiment started from, "" outside of Git."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV")
    return baseline or git("rev-parse", "HEAD", check=False)


def git(*arguments: str, check: bool = True, folder: Path | None = None) -> str:
    """Runs Git and returns what it prints, stripped.

    Raises:
        UserError: Git failed and ``check`` is set.
    """
    done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise UserError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""


def read_lock(text: str, settings: Params) -> dict[str, Any]:
    """Takes from dvc.lock what makes up a result: parameters and output hashes of the stages that are in use.

    Stages of dropped seeds and models stay in dvc.lock; they, timings and presentation are left out.

    Args:
        text: of the file.
        settings: names the runs in use.

    Raises:
        UserError: dvc.lock lacks a stage: the pipeline was not run to its end.
    """
    try:
        stages = (yaml_files.load(text) or {}).get("stages", {})
    except ValueError as damage:
        raise UserError(f"dvc.lock: not whole YAML ({damage}); `git checkout dvc.lock`") from None
    names = ["ingest", "tokenize_pad", *(f"train@{run.name}" for run in settings.runs), "evaluate", "compare"]
    missing = [name for name in names if name not in stages]
    if missing:
        raise UserError(f"dvc.lock: no stage {missing[0]}; run `dvc repro` first")
    return {
        name: {
            "params": stages[name].get("params", {}),
            "outs": {
                out["path"]: out["md5"] for out in stages[name]["outs"] if not out["path"].startswith("reports/timings")
            },
        }
        for name in names
    }


def result_key(lock: dict[str, Any]) -> str:
    """Names a result, 16 hex digits: the same parameters and outputs give the same key."""
    return hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(source: Path) -> str:
    """The MD5 of a file, as DVC writes it in dvc.lock."""
    return hashlib.md5(source.read_bytes(), usedforsecurity=False).hexdigest()
