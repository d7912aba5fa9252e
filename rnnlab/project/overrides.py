"""Parameters by dotted key, as `dvc exp run -S` names them."""

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rnnlab.project import params
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.validation_messages import closest

OF_ONE_MODEL = re.compile(r"models\.\w+\.train\.\w+")  # options that a model may have of its own


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Flattens nested mappings into one with dotted keys."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value}
    return flat


def changed(settings: Params, changes: Mapping[str, Any], source: Path) -> Params:
    """Returns parameters with changes by dotted key.

    Raises:
        UserError: a key is unknown or a value is invalid; names ``source`` and the key.
    """
    values = settings.model_dump(mode="json", by_alias=True)
    for key, value in changes.items():
        _change(values, key, value, source)
    return params.parse(values, str(source))


def _change(values: dict[str, Any], key: str, value: Any, source: Path) -> None:
    """Sets a key that exists already, or that a model may have; DVC refuses to set others, too."""
    section: Any = values
    parts = key.split(".")
    for depth, part in enumerate(parts):
        if not isinstance(section, dict):
            raise UserError(f"{source}: {key}: unknown key")
        if part not in section and not (depth == 3 and OF_ONE_MODEL.fullmatch(key)):
            raise UserError(f"{source}: {key}: unknown key{closest(part, section)}")
        parent, section = section, section.get(part)
    parent[parts[-1]] = copy.copy(value)


def option(key: str, value: Any) -> str:
    """Writes a change as `dvc exp run -S` reads it; a key that params.yaml may lack is added."""
    return f"{'++' if OF_ONE_MODEL.fullmatch(key) else ''}{key}={override(value)}"


# Needs no quotes; commas, brackets and spaces have a meaning to `dvc exp run -S`, and so do these words.
PLAIN = re.compile(r"(?!(?:true|false|null|nan|inf)$)[a-z_/][\w./-]*", re.IGNORECASE | re.ASCII)


def override(value: Any) -> str:
    """Writes a value in Hydra's override syntax, so that `dvc exp run -S` reads the same value back."""
    if isinstance(value, list | tuple):
        return f"[{','.join(override(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if not isinstance(value, str):
        return repr(value)
    if PLAIN.fullmatch(value):
        return value
    # Backslashes need escapes before a quote, before "${", and at the end.
    escaped = re.sub(r'(\\*)("|\$\{|\Z)', lambda match: match[1] * 2 + (match[2] and f"\\{match[2]}"), value)
    return f'"{escaped}"'
