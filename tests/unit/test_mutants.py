"""The campaign of mutants, on a project of two functions."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reliability import mutant_sites, mutants, warm_pytest
from reliability.mutant_sites import Mutant
from reliability.mutant_tests import Suite
from rnnlab.project.files import read_json

ROOT = Path(__file__).parents[2]
MODULE = '''\
"""Says 1 + 1."""

from typing import NamedTuple

LIMIT: int | None = 7


class Row(NamedTuple):
    """A row."""

    number: int | str = 3


def add(first: int | float, *others: int) -> int | float:
    """Adds 1 + 1."""
    total = first
    for other in others:
        total += other
    if total > LIMIT:
        raise ValueError("more than 7")
    return total


def unseen(number: int) -> int:
    """No test calls this."""
    return number - 1
'''
TESTS = """\
import pytest

from rnnlab.room.sums import LIMIT, Row, add


def test_add():
    assert (add(1, 2), add(1, 2, 4)) == (3, 7)
    with pytest.raises(ValueError):
        add(1, 7)


def test_limits():
    assert (LIMIT, Row().number) == (7, 3)
"""

PIPELINE_TEST = """\
import subprocess
import sys
from pathlib import Path


def test_a_run():
    assert Path(sys.executable).with_name("dvc").exists()
    code = "from rnnlab.room.sums import unseen; assert unseen(3) == 2"
    assert subprocess.run((sys.executable, "-c", code)).returncode == 0
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "small"
    for room in ("rnnlab/room", "tests/unit/room", "tests/pipeline", "reliability"):
        (folder / room).mkdir(parents=True)
    for package in ("rnnlab", "rnnlab/room"):
        (folder / package / "__init__.py").touch()
    (folder / "rnnlab/room/sums.py").write_text(MODULE)
    (folder / "tests/unit/room/test_sums.py").write_text(TESTS)
    (folder / "tests/pipeline/test_repro.py").write_text(PIPELINE_TEST)
    (folder / "pyproject.toml").write_text('[tool.coverage.run]\nsource_pkgs = ["rnnlab"]\n')
    server = re.sub("SLOW_IMPORTS = .*", "SLOW_IMPORTS = ()", Path(warm_pytest.__file__).read_text())
    (folder / "reliability/warm_pytest.py").write_text(server)
    author = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
    for words in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "--message", "it")):
        subprocess.run(("git", *author, *words), cwd=folder, check=True)
    monkeypatch.chdir(folder)
    return folder


def test_places_are_in_code_that_runs(small: Path) -> None:
    found = {
        (site.line, MODULE.splitlines()[site.line - 1].strip())
        for site in mutant_sites.sites(small / "rnnlab/room/sums.py")
    }
    assert {text for _, text in found} == {
        "LIMIT: int | None = 7",
        "number: int | str = 3",
        "for other in others:",
        "total += other",
        "if total > LIMIT:",
        'raise ValueError("more than 7")',
        "return number - 1",
    }


@pytest.mark.weekly
def test_a_sample_is_the_same_for_a_seed_and_covers_every_room() -> None:
    drawn = mutant_sites.sample(ROOT, 32, 1)
    assert drawn == mutant_sites.sample(ROOT, 32, 1)
    rooms = {path.name for path in (ROOT / "rnnlab").iterdir() if (path / "__init__.py").exists()} | {"stages"}
    assert {mutant.room for mutant in drawn} == rooms
    assert min(sum(mutant.room == room for mutant in drawn) for room in rooms) >= 2
    for mutant in drawn:
        compile(mutant.source, mutant.path, "exec")
        assert mutant.source != (ROOT / mutant.path).read_text()


def mutant(line: int, start: int = 0, stop: int = 0) -> Mutant:
    return Mutant("rnnlab/room/sums.py", line, range(start, stop), "a → b", "")


def test_the_tests_that_run_a_line_are_asked_nearest_and_fastest_first() -> None:
    seconds = {
        "tests/unit/a/test_it.py::slow": 3.0,
        "tests/unit/a/test_it.py::fast": 1.0,
        "tests/model/test_m.py::x": 0.1,
    }
    seconds |= {"tests/unit/room/test_sums.py::own": 9.0, "tests/unit/a/test_it.py::endless": 1e6}
    unit, model = sorted(name for name in seconds if "unit" in name), ["tests/model/test_m.py::x"]
    suite = Suite(seconds, {"rnnlab/room/sums.py": {1: {*unit, *model}, 5: {unit[1]}, 6: set()}})
    ordered = [f"tests/unit/{name}" for name in ("room/test_sums.py::own", "a/test_it.py::fast", "a/test_it.py::slow")]
    assert suite.of(mutant(1, 1, 3)) == [ordered, model]
    assert suite.of(mutant(6, 5, 7)) == [[unit[1]]]  # no test runs the line: those that run its function
    assert suite.of(mutant(2)) == [ordered, model]  # a constant: those that run the module
    assert suite.of(mutant(20, 19, 22)) == []


@pytest.mark.weekly
def test_what_tests_find_and_what_they_miss_is_counted(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    harmless = small.parent / "equivalents.yaml"
    harmless.write_text("[]")
    monkeypatch.setattr(mutants, "EQUIVALENTS", harmless)
    monkeypatch.setattr(mutants, "WITNESSES", small.parent / "witnesses.json")
    keep = small.parent / "keep"
    section = mutants.measure(True, keep)
    missed = [each for each in section.raw["mutants"] if not each["found_by"]]
    assert {each["place"] for each in missed} == {"rnnlab/room/sums.py:26"}
    assert not section.sound
    found = {each["found_by"] for each in section.raw["mutants"] if each["found_by"]}
    assert found == {"tests/unit/room/test_sums.py::test_add", "tests/unit/room/test_sums.py::test_limits"}
    assert set(read_json(small.parent / "witnesses.json").values()) == found
    assert subprocess.check_output(("git", "status", "--porcelain"), cwd=small) == b""

    entries = "".join(
        f"- {{module: rnnlab/room/sums.py, change: '{each['change']}', reason: nobody calls it}}\n" for each in missed
    )
    harmless.write_text(entries)
    again = mutants.measure(True, keep)
    assert again.sound
    assert sum(int(row[1]) for row in again.rows) == len(section.raw["mutants"]) - len(missed)

    harmless.write_text("[]")
    whole = mutants.measure(False, keep)
    assert whole.sound
    assert "tests/pipeline/test_repro.py::test_a_run" in {each["found_by"] for each in whole.raw["mutants"]}


def test_every_equivalent_says_why(small: Path) -> None:
    listed = mutants.equivalents()
    assert all(len(reason) > 10 for reason in listed.values())
    for name in listed:
        module, _, change = name.partition(": ")
        before = change.partition(" → ")[0]
        assert before in " ".join((ROOT / module).read_text().split()), name


def test_a_run_that_takes_too_long_is_stopped_with_all_that_it_started(small: Path) -> None:
    shutil.rmtree(small / "tests")
    (small / "test_it.py").write_text("import time\n\n\ndef test_it():\n    time.sleep(60)\n")
    script = "from reliability import warm_pytest; print(warm_pytest.run(['-q', 'test_it.py'], 3.0, {}, 'out.txt'))"

    printed = subprocess.check_output((sys.executable, "-c", script), cwd=small, text=True)
    assert printed == "-1\n"
