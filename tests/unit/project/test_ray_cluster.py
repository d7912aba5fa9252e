"""Which cluster is joined, with a Ray that only takes note."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.ray_cluster import cluster

RAY = """
import os
__version__ = "2.0"
calls = []
seen = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
def init(address, **options):
    if address == "older:1":
        raise RuntimeError("Version mismatch:\\n  1.0")
    calls.append((address, options.get("_node_ip_address"), os.environ["RAY_task_oom_retries"]))
def shutdown():
    calls.append("shutdown")
"""


@pytest.fixture(autouse=True)
def ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "ray/scripts").mkdir(parents=True)
    (tmp_path / "ray/__init__.py").write_text(RAY)
    (tmp_path / "ray/scripts/scripts.py").write_text("import sys; sys.exit('nobody:1' in sys.argv)")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for name in [name for name in os.environ if name.startswith("RAY_")]:
        monkeypatch.delenv(name)
    others = {name: sys.modules.pop(name) for name in [*sys.modules] if name.split(".")[0] == "ray"}
    before = dict(os.environ)
    yield
    sys.modules.pop("ray", None)
    sys.modules.update(others)
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize(("address", "joined"), [(None, ("local", "127.0.0.1", "3")), ("it:1", ("it:1", None, "3"))])
def test_a_cluster_is_joined_or_started_here_for_the_length_of_the_block(
    address: str | None, joined: tuple[str, str | None, str]
) -> None:
    with cluster(address, "data.engine"):
        assert sys.modules["ray"].calls == [joined]
    assert sys.modules["ray"].calls == [joined, "shutdown"]


@pytest.mark.parametrize(
    ("ours", "retries"), [({}, "3"), ({"RAY_task_oom_retries": "9", "RAY_USAGE_STATS_ENABLED": "1"}, "9")]
)
def test_ray_neither_reports_nor_warns_unless_the_user_wants_it(
    monkeypatch: pytest.MonkeyPatch, ours: dict[str, str], retries: str
) -> None:
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    with cluster(None, "data.engine"):
        quiet = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_worker_niceness": "0"}
        assert sys.modules["ray"].seen == {**quiet, "RAY_task_oom_retries": retries, **ours}


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("nobody:1", "RAY_ADDRESS: no Ray cluster answers there; start one with `ray start --head`"),
        ("older:1", r"RAY_ADDRESS: no cluster that this Ray 2.0 can use \(Version mismatch: 1.0\)"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_a_sentence(address: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence), cluster(address, "RAY_ADDRESS"):
        pass
