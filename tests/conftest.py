"""Fixtures that more than one test file uses."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rnnlab.project import params
from rnnlab.project.params import Params
from tests.support import tools
from tests.support.repository import Repository

if TYPE_CHECKING:
    from tests.support.transfers import Stores

ROOT = Path(__file__).parents[1]


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(tool): a tool of tests/support/tools.py that may not be installed")


def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("needs"):
        tools.require(mark.args[0])


@pytest.fixture(scope="session")
def settings() -> Params:
    return params.read(ROOT / "params.yaml")


@pytest.fixture
def made_repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Repository:
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        monkeypatch.delenv(name)
    return Repository(tmp_path / "project")


@pytest.fixture(scope="session")
def stores(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Stores]":
    from tests.support.transfers import serve_stores  # imports MLflow, which few tests need

    with serve_stores(tmp_path_factory.mktemp("stores")) as stores:
        yield stores


@pytest.fixture(scope="module")
def bare_mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    from tests.support.transfers import bare_environment

    with bare_environment(tmp_path_factory.mktemp("project")):
        yield
