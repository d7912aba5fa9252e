from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from rnnlab.project.sections import kinds


@pytest.mark.parametrize(("value", "frozen"), [([1, 2], (1, 2)), ([], ()), ("ab", "ab"), ({"a": 1}, {"a": 1})])
def test_lists_alone_become_tuples(value: Any, frozen: Any) -> None:
    assert kinds.list_to_tuple(value) == frozen


@pytest.mark.parametrize("value", [0.0, 1.0, -0.5])
def test_a_fraction_is_neither_none_nor_all(value: float) -> None:
    fraction = TypeAdapter(kinds.Fraction)
    assert fraction.validate_python(0.5) == 0.5
    with pytest.raises(ValidationError):
        fraction.validate_python(value)
