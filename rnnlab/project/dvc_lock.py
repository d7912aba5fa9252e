"""What dvc.lock says of a result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params


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
