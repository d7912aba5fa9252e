from typing import Any

import pytest

from rnnlab.project.sections import kinds


@pytest.mark.parametrize(("value", "frozen"), [([1, 2], (1, 2)), ([], ()), ("ab", "ab"), ({"a": 1}, {"a": 1})])
def test_lists_alone_become_tuples(value: Any, frozen: Any) -> None:
    assert kinds.list_to_tuple(value) == frozen
