import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rnnlab.project import warm

STAGE = """
import os, signal, sys, time
from pathlib import Path
from rnnlab.project import warm
from rnnlab.project.errors import UserError

def main():
    word = sys.argv[1]
    print(word, os.getpid(), flush=True)
    if word == "mistake":
        raise UserError("a mistake")
    if word == "wait":
        Path("waiting").touch()
        time.sleep(600)

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in what a script runs in the background
    raise SystemExit(warm.status(main))
"""


@pytest.fixture(autouse=True)
def folder_with_a_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("stage.py").write_text(STAGE, encoding="utf-8")


@pytest.fixture
def server() -> Iterator[str]:
    with warm.processes("stage", 1) as address:
        yield address


def start(server: str, word: str) -> subprocess.Popen[str]:
    environment = {**os.environ, warm.SERVER: server}
    command, pipe = (sys.executable, "-m", "stage", word), subprocess.PIPE
    return subprocess.Popen(command, env=environment, text=True, stdout=pipe, stderr=pipe)


def run(server: str, word: str) -> tuple[list[str], str, int, int]:
    """Returns the words printed, what was said of mistakes, the status, and the number of the process started."""
    stage = start(server, word)
    printed, said = stage.communicate(timeout=60)
    return printed.split(), said, stage.returncode, stage.pid


def wait_for(done: Path) -> None:
    ends = time.monotonic() + 60
    while not done.exists():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_one_process_does_the_work_of_many(server: str) -> None:
    done = [run(server, word) for word in ("a", "b")]
    assert [words[0] for words, *_ in done] == ["a", "b"]
    assert len({words[1] for words, *_ in done}) == 1
    assert {int(words[1]) for words, *_ in done}.isdisjoint(started for *_, started in done)


def test_of_two_processes_the_free_one_serves_who_waits(tmp_path: Path) -> None:
    with warm.processes("stage", 2) as address:
        busy = start(address, "wait")
        wait_for(tmp_path / "waiting")
        assert busy.stdout
        taken = busy.stdout.readline().split()[1]
        others = [start(address, word) for word in ("a", "b", "c")]
        workers = {each.communicate(timeout=60)[0].split()[1] for each in others}
        assert workers.isdisjoint({taken, *(str(each.pid) for each in others)})
        assert len(workers) == 1
        busy.kill()
        busy.wait()


def test_a_mistake_reaches_the_screen_and_the_status_and_the_next_one_is_served(server: str) -> None:
    (_, worker), said, status, _ = run(server, "mistake")
    assert (said, status) == ("error: a mistake\n", 1)
    assert run(server, "a")[0] == ["a", worker]


def test_whoever_is_not_served_works_alone(server: str) -> None:
    for absent in ("", f"{server}-no-such"):
        words, _, status, started = run(absent, "a")
        assert (words, status) == (["a", str(started)], 0)


def test_a_process_that_is_killed_takes_its_work_with_it(server: str, tmp_path: Path) -> None:
    stage = start(server, "wait")
    wait_for(tmp_path / "waiting")
    stage.kill()
    assert stage.stdout
    _, worker = stage.stdout.read().split()
    ends = time.monotonic() + 60
    while Path(f"/proc/{worker}/cmdline").read_bytes():  # empty once it has ended
        assert time.monotonic() < ends
        time.sleep(0.05)
    words, _, status, started = run(server, "a")
    assert (words, status) == (["a", str(started)], 0)


def test_work_whose_process_is_killed_is_done_again(server: str, tmp_path: Path) -> None:
    stage = start(server, "wait")
    wait_for(tmp_path / "waiting")
    (tmp_path / "waiting").unlink()
    assert stage.stdout
    os.kill(int(stage.stdout.readline().split()[1]), signal.SIGKILL)
    wait_for(tmp_path / "waiting")
    assert stage.stdout.readline().split() == ["wait", str(stage.pid)]
    stage.kill()
    stage.wait()


def test_ctrl_c_ends_both(server: str, tmp_path: Path) -> None:
    stage = start(server, "wait")
    wait_for(tmp_path / "waiting")
    stage.send_signal(signal.SIGINT)
    printed, said = stage.communicate(timeout=60)
    assert stage.returncode == 130
    assert said.startswith("interrupted: ")
    assert "Traceback" not in printed + said
