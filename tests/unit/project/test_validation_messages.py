"""The words for what pydantic finds wrong."""

from typing import Annotated, Any

import pytest
from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from rnnlab.project.errors import UserError
from rnnlab.project.sections.kinds import Section
from rnnlab.project.validation_messages import closest, validated


def even(value: int) -> int:
    if value % 2:
        raise PydanticCustomError("odd", "is odd")
    return value


class Layer(Section):
    units: int = 1
    size: Annotated[int, AfterValidator(even)] = 2


class File(Section):
    seeds: list[int] = Field(default_factory=lambda: [1], min_length=1)
    layers: dict[str, Layer] = Field(default_factory=dict)
    last: Layer | None = None
    class_: str = Field(alias="class")


def complaint(**values: Any) -> str:
    with pytest.raises(UserError) as wrong:
        validated({"class": "x", **values}, "file.yaml", File, "; see the manual")
    return str(wrong.value)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"seed": 1}, "seed: unknown key; did you mean seeds?"),
        ({"clas": 1}, "clas: unknown key; did you mean class?"),
        ({"zzz": 1}, "zzz: unknown key (known: seeds, layers, last, class)"),
        ({"last": {"unit": 1}}, "last.unit: unknown key; did you mean units?"),
        ({"layers": {"mine": {"unit": 1}}}, "layers.mine.unit: unknown key; did you mean units?"),
        ({"layers": {"last": {"zzz": 1}}}, "layers.last.zzz: unknown key (known: units, size)"),
        ({"seeds": []}, "seeds: is empty; name at least one value"),
        ({"seeds": [1, "x"]}, "seeds.1: must be a valid integer, not 'x'"),
        ({"seeds": {"a": 1}}, "seeds: must be a valid list"),
        ({"last": {"size": 3}}, "last.size: is odd"),
    ],
)
def test_a_mistake_is_named_by_its_key(values: dict[str, Any], sentence: str) -> None:
    assert complaint(**values) == f"file.yaml: {sentence}"


def test_every_mistake_is_named() -> None:
    with pytest.raises(UserError) as wrong:
        validated({"seeds": 1}, "file.yaml", File, "; see the manual")
    message = str(wrong.value)
    assert message == "file.yaml: seeds: must be a valid list, not 1; file.yaml: class: missing; see the manual"


def test_a_name_is_suggested_or_all_are_listed() -> None:
    assert closest("lstn", iter(["rnn", "lstm"])) == "; did you mean lstm?"
    assert closest("x", iter(["rnn", "lstm"])) == " (known: rnn, lstm)"
