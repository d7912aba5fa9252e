"""Fixtures that more than one test file uses."""

from pathlib import Path

import pytest

from rnnlab import params
from rnnlab.params import Params

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def settings() -> Params:
    return params.read(ROOT / "params.yaml")
