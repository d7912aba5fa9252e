"""What dvc.lock records about a result."""

import hashlib
import json
from pathlib import Path
from typing import Any

from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params


def stages(text: str) -> dict[str, Any]:
    """Returns all stages that dvc.lock records, by name, those that were dropped too.

    Raises:
        ValueError: it is not YAML.
    """
    recorded: dict[str, Any] = (yaml_files.load(text) or {}).get("stages", {})
    return recorded


def read_lock(text: str, settings: Params) -> dict[str, Any]:
    """Reads what makes up a result: parameters and output hashes of the stages in use.

    Leaves out timings, presentation, and stages of dropped seeds and models, which stay in dvc.lock.

    Raises:
        UserError: dvc.lock is not YAML, or lacks a stage because the pipeline did not run to its end.
    """
    try:
        recorded = stages(text)
    except ValueError as damage:
        raise UserError(f"dvc.lock: not readable as YAML: {damage}; run `git checkout dvc.lock`") from None
    names = ["ingest", "tokenize_pad", *(f"train@{run.name}" for run in settings.runs), "evaluate", "compare"]
    missing = [name for name in names if name not in recorded]
    if missing:
        raise UserError(f"dvc.lock: no stage {missing[0]}; run `dvc repro` first")
    used = {name: recorded[name] for name in names}
    return {name: {"params": stage.get("params", {}), "outs": _hashes(stage["outs"])} for name, stage in used.items()}


def output_hash(stages: dict[str, Any], stage: str, path: Path) -> str:
    """Returns the hash of an output from `stages`, "" if it is not recorded."""
    outputs = stages.get(stage, {}).get("outs", [])
    return next((str(out["md5"]) for out in outputs if out["path"] == str(path)), "")


def _hashes(outs: list[dict[str, Any]]) -> dict[str, str]:
    return {out["path"]: out["md5"] for out in outs if not out["path"].startswith("reports/timings")}


def result_key(lock: dict[str, Any]) -> str:
    """Hashes a result to 16 hex digits: equal parameters and outputs have the same key."""
    return hashlib.sha256(json.dumps(lock, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(source: Path) -> str:
    """Returns the MD5 of a file, as dvc.lock records it."""
    return hashlib.md5(source.read_bytes(), usedforsecurity=False).hexdigest()
