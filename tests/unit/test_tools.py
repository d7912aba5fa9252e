from pathlib import Path

import pytest

from tests.support.tools import require


@pytest.fixture(autouse=True)
def bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RNNLAB_REQUIRE_TOOLS", raising=False)


def test_what_is_missing_is_skipped_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.skip.Exception, match=r"^Chromium is not installed: apt-get install chromium$"):
        require("chromium")


def test_where_tools_are_required_what_is_missing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RNNLAB_REQUIRE_TOOLS", "1")
    with pytest.raises(pytest.fail.Exception, match=r"^strace is not installed: apt-get install strace$"):
        require("strace")


def test_what_is_there_is_used(tmp_path: Path) -> None:
    (tmp_path / "strace").touch(mode=0o755)
    require("strace")
