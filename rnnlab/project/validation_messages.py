"""One sentence for each mistake in a YAML file that a person wrote."""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError

Checked = TypeVar("Checked", bound=BaseModel)


def read_yaml(source: Path, absent: str = "") -> Any:
    """Reads a file; the sentence on one that is missing ends with ``absent``.

    Raises:
        UserError: it is missing or not YAML.
    """
    try:
        return yaml_files.read(source)
    except FileNotFoundError:
        raise UserError(f"{source}: no such file{absent}") from None
    except ValueError as damage:
        raise UserError(f"{source}: not readable as YAML: {damage}") from None


def validated(values: Any, source: object, model: type[Checked], default: str = "") -> Checked:
    """Checks the content of a file against a model; the sentence on a missing key ends with ``default``.

    Raises:
        UserError: names each invalid key by its full path.
    """
    try:
        return model.model_validate(values)
    except ValidationError as wrong:
        sentences = [f"{source}: {_sentence(error, model, default)}" for error in wrong.errors()]
        raise UserError("; ".join(sentences)) from None


def closest(name: str, known: Iterable[str]) -> str:
    """Suggests the name that was meant, or lists those there are."""
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"


def _sentence(error: ErrorDetails, model: type[BaseModel], default: str) -> str:
    location = [str(part) for part in error["loc"]]
    key = ".".join(location)
    if error["type"] == "extra_forbidden":
        return f"{key}: unknown key{closest(location[-1], _fields(_section(model, location[:-1])))}"
    if error["type"] == "missing":
        return f"{key}: missing{default}"
    if error["type"] == "too_short":
        return f"{key}: is empty; name at least one value"
    problem = error["msg"].removeprefix("Input ").replace("should", "must")
    quotes = "must" in problem and not isinstance(error["input"], dict | BaseModel)
    return (f"{key}: " if key else "") + problem + (f", not {error['input']!r}" if quotes and key else "")


def _section(model: type[BaseModel], location: Iterable[str]) -> type[BaseModel]:
    """Returns the innermost model on the way to a location; names that people choose lead to no other.

    A key that is a section of the whole file too, such as ``train`` of a model, holds keys of that section.
    """
    whole = model
    for part in location:
        annotations = [_fields(each).get(part) for each in (model, whole)]
        kinds = [kind for each in annotations for kind in (each, *get_args(each)) if isinstance(kind, type)]
        model = next((kind for kind in kinds if issubclass(kind, BaseModel)), model)
    return model


def _fields(model: type[BaseModel]) -> dict[str, object]:
    """Returns the type of each key, as the file writes it."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}
