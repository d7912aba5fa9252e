"""Fixtures that more than one test file uses."""

import os
from pathlib import Path

import pytest

from rnnlab import params
from rnnlab.params import Params
from tests.repository import Repository

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def settings() -> Params:
    return params.read(ROOT / "params.yaml")


@pytest.fixture
def made_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Repository:
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        monkeypatch.delenv(name)
    return Repository(tmp_path / "project")
