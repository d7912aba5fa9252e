"""One sentence for each mistake that pydantic finds in a file that a person wrote."""

import difflib
from collections.abc import Iterable
from typing import get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from rnnlab.project.errors import UserError


def refusal(wrong: ValidationError, source: object, model: type[BaseModel], default: str = "") -> UserError:
    """Puts every mistake in a file into words.

    Args:
        wrong: what pydantic found.
        source: the file.
        model: what the file was checked against.
        default: added where a key is missing.
    """
    return UserError("; ".join(f"{source}: {_sentence(error, model, default)}" for error in wrong.errors()))


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
    """Returns the innermost model on the way to a location; names that people choose lead to no other."""
    for part in location:
        annotation = _fields(model).get(part)
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        model = next((kind for kind in kinds if issubclass(kind, BaseModel)), model)
    return model


def _fields(model: type[BaseModel]) -> dict[str, object]:
    """Returns the type of each key, as the file writes it."""
    return {info.alias or name: info.annotation for name, info in model.model_fields.items()}
