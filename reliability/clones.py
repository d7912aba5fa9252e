"""Throw-away clones of the project, with other parameters."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML


def clone(place: Path) -> Path:
    """Clones the last commit."""
    folder = place / "project"
    subprocess.run(("git", "clone", "--quiet", ".", str(folder)), check=True)
    return folder


def set_params(folder: Path, values: Mapping[str, Any]) -> None:
    """Changes a clone's params.yaml; a mapping changes keys of a section, to any depth."""
    yaml = YAML()
    params = yaml.load(folder / "params.yaml")
    update(params, values)
    yaml.dump(params, folder / "params.yaml")


def update(section: Any, values: Mapping[str, Any]) -> None:
    """Changes nested values in place; a mapping changes keys of a section, to any depth."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            update(section[key], value)
        else:
            section[key] = value
