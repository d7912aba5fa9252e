"""Git, and the DVC experiment that is running, if any."""

import os
import subprocess
from pathlib import Path

from rnnlab.project.errors import UserError


def project_root() -> Path:
    """Returns the main workspace, which DVC names in ``DVC_ROOT`` even for experiments that run in a copy."""
    return Path(os.environ.get("DVC_ROOT") or ".").resolve()


def experiment_name() -> str | None:
    """Returns the name of the DVC experiment that is running, or None."""
    return os.environ.get("DVC_EXP_NAME") or None


def head_commit() -> str:
    """Returns the commit that the workspace or experiment is based on, "" outside a Git repository."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV")
    return baseline or run("rev-parse", "HEAD", check=False)


def run(*arguments: str, check: bool = True, folder: Path | None = None) -> str:
    """Runs Git and returns its output, stripped; "" if it fails.

    Raises:
        UserError: Git fails and ``check`` is set.
    """
    done = subprocess.run(("git", *arguments), cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise UserError(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip() if done.returncode == 0 else ""


def show(commit: str, path: Path, folder: Path | None = None) -> bytes | None:
    """Returns a file as a commit has it, None where it has none."""
    command = ("git", "show", f"{commit}:{path.as_posix()}")
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return None if done.returncode else done.stdout
