"""Changes of parameters as DVC's command line has them."""

from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from rnnlab.project import overrides

VALUES = [
    "plain",
    'say "so"',
    "back\\slash",
    'before \\"quote',
    "at the end\\",
    "a, b",
    "",
    None,
    True,
    0.5,
    [1, "x y"],
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    written = overrides.option("data.csv", value)
    assert OverridesParser.create().parse_override(written).value() == value
