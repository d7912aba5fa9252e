"""Small faults planted in the code, one at a time: do the tests that run the line find them?"""

import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from ruamel.yaml import YAML
from tqdm import tqdm

from reliability import clones, mutant_sites
from reliability.mutant_sites import Mutant
from reliability.mutant_tests import FOLDERS, PIPELINE, RUN, SLOWER, STARTING_SECONDS, Suite, own_files, read_suite
from reliability.report import Section
from rnnlab.project import git
from rnnlab.project.files import read_json, write_json

EQUIVALENTS = Path(__file__).with_name("equivalents.yaml")
WITNESSES = Path(__file__).with_name("witnesses.json")  # by mutant, a test that found it: the next run asks it first
SEED, CASES, QUICK_CASES = 1, 320, 16
FLOOR = 0.92  # of the mutants that have to be found

Asked = list[tuple[Sequence[str], float]]  # groups of tests, one after the other, each with the seconds it may take


class Tried(NamedTuple):
    """What became of a mutant.

    Attributes:
        room: that it is in.
        place: module and line.
        change: the line before and after.
        found_by: the test that failed, None if none did.
        harmless: why nothing can find it, if `equivalents.yaml` says so.
    """

    room: str
    place: str
    change: str
    found_by: str | None
    harmless: str | None


class Bench:
    """A clone of the last commit with an environment of its own, in which mutants are tried."""

    def __init__(self, place: Path) -> None:
        self.folder = clones.clone(place)
        self.commit = git.run("rev-parse", "HEAD", folder=self.folder)
        self._printed, self._planted = place / "printed.txt", 0
        python = place / "venv/bin/python"
        venv.create(place / "venv", symlinks=True)
        own = place / f"venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
        # The packages of this environment, but the clone in place of the project.
        packages = [entry for entry in sys.path if entry.endswith("site-packages")]
        (own / "bench.pth").write_text("\n".join([str(self.folder), *packages]))
        for name in ("rnnlab", "dvc"):
            script = Path(sys.executable).with_name(name).read_text().splitlines()
            python.with_name(name).write_text("\n".join([f"#!{python}", *script[1:], ""]))
            python.with_name(name).chmod(0o755)
        self._server = subprocess.Popen(
            (python, "-m", "reliability.warm_pytest"),
            cwd=self.folder,
            env={**os.environ, "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def close(self) -> None:
        """Ends the process that runs the tests."""
        self._server.communicate()

    def record(self, tests: Sequence[str], keep: Path) -> None:
        """Runs tests, and records which lines each of them runs."""
        report = ("--junit-xml", str(keep / "suite.xml"), "-o", "junit_family=xunit1")
        recording = ("--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0")
        self._pytest((*recording, *report, *tests), None, COVERAGE_FILE=str(keep / "suite.coverage"))

    def try_out(self, mutant: Mutant, groups: Iterable[tuple[Sequence[str], float]]) -> str | None:
        """Returns the test that finds a mutant, None if none does.

        Args:
            mutant: that is planted and taken out again.
            groups: of tests to ask one after the other, each with the seconds that it may take.
        """
        module = self.folder / mutant.path
        code = module.read_text(encoding="utf-8")
        try:
            module.write_text(mutant.source, encoding="utf-8")
            self._planted += 1  # a time that no other has, or bytecode of a source as long as this one would be used
            os.utime(module, (self._planted, self._planted))
            return next((found for tests, limit in groups if (found := self._find(tests, limit))), None)
        finally:
            module.write_text(code, encoding="utf-8")

    def near(self, mutant: Mutant, witness: str | None) -> Asked:
        """Returns the tests to ask first: the one that found it before, and those of its module."""
        folders = (self.folder / "tests/unit" / mutant.room, self.folder / "tests/model")
        own = [file for folder in folders for name in own_files(mutant) for file in folder.rglob(name)]
        asked = [witness] if witness and (self.folder / witness.partition("::")[0]).exists() else []
        asked += [str(file.relative_to(self.folder)) for file in sorted(own)]
        return [([test], 2 * STARTING_SECONDS) for test in asked]

    def whole(self, mutant: Mutant) -> Asked:
        """Returns the tests to ask last: those that run the pipeline, or a command that enters the mutant's room."""
        files = (f"tests/pipeline/test_{name}.py" for name in PIPELINE.get(mutant.room, RUN))
        return [([file], SLOWER * STARTING_SECONDS) for file in files if (self.folder / file).exists()]

    def confirmed(self, tried: Sequence[Tried]) -> list[Tried]:
        """Takes back what was found by a test that also fails without any mutant, as on a machine that is too busy."""
        witnesses = sorted({mutant.found_by for mutant in tried if mutant.found_by and "::" in mutant.found_by})
        _, printed = self._pytest(("-q", "--no-header", *witnesses), None)
        unsound = _failed(printed)
        return [mutant._replace(found_by=None) if mutant.found_by in unsound else mutant for mutant in tried]

    def _find(self, tests: Sequence[str], limit: float) -> str | None:
        status, printed = self._pytest(("-x", "-q", "--no-header", *tests), limit)
        if status in (2, 4):  # not even collected: as files, they are if only their names changed
            files = list(dict.fromkeys(test.partition("::")[0] for test in tests))
            status, printed = self._pytest(("-x", "-q", "--no-header", *files), limit)
        return {0: None, 5: None, -1: "time limit"}.get(
            status, next(iter(_failed(printed)), f"pytest: status {status}")
        )

    def _pytest(self, words: Sequence[str], limit: float | None, **variables: str) -> tuple[int, str]:
        """Runs pytest; returns its status, -1 if it was not done in time, and what it printed."""
        assert self._server.stdin and self._server.stdout
        asked = (["-p", "no:cacheprovider", *words], limit, variables, str(self._printed))
        print(json.dumps(asked), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        return status, self._printed.read_text(encoding="utf-8", errors="replace")


def _failed(printed: str) -> list[str]:
    """Reads the tests that failed, from pytest's summary."""
    return re.findall(r"^(?:FAILED|ERROR) (\S+?::.+?)(?: - .*)?$", printed, re.MULTILINE)


def measure(quick: bool, keep: Path = Path(".mutants")) -> Section:
    """Tries a sample of mutants; ``quick`` tries a few, and asks the tests of their own module alone.

    What is recorded of a commit and found there is kept in a folder, so that a run that is stopped goes on.
    """
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        mutants = mutant_sites.sample(bench.folder, QUICK_CASES if quick else CASES, SEED)
        harmless = equivalents()
        hard = [mutant for mutant in mutants if mutant.name not in harmless]
        notes = Notes(bench.commit, keep / "found.json")
        missed = _try(bench, notes, hard, lambda mutant: bench.near(mutant, notes.witnesses.get(mutant.name)))
        if missed and not quick:
            suite = _recorded(bench, keep.absolute() / bench.commit)

            def recorded(mutant: Mutant) -> Asked:
                return [*((tests, suite.limit(tests)) for tests in suite.of(mutant)), *bench.whole(mutant)]

            _try(bench, notes, missed, recorded, True)
        found = {mutant.name: notes.of(mutant)[1] for mutant in hard}
        tried = [
            Tried(
                mutant.room,
                f"{mutant.path}:{mutant.line}",
                mutant.change,
                found.get(mutant.name),
                harmless.get(mutant.name),
            )
            for mutant in mutants
        ]
        confirmed = bench.confirmed(tried)
        bench.close()
        notes.keep({mutant.name: each.found_by for mutant, each in zip(mutants, confirmed, strict=True)})
        return _section(confirmed)


Groups = Callable[[Mutant], Asked]


class Notes:
    """What was found, by mutant: of this commit, and the tests that found mutants of earlier ones."""

    def __init__(self, commit: str, source: Path) -> None:
        """Reads what was found before; what is found is written to ``source``."""
        self.commit, self._source = commit, source
        self._known = read_json(source) if source.exists() else {}
        self.witnesses = read_json(WITNESSES) if WITNESSES.exists() else {}

    def of(self, mutant: Mutant) -> tuple[bool, str | None]:
        """Returns whether the whole suite was asked on this commit, and the test that found it."""
        known = self._known.get(mutant.name, {})
        return (known["whole"], known["by"]) if known.get("commit") == self.commit else (False, None)

    def add(self, mutant: Mutant, found: str | None, whole: bool) -> None:
        """Notes the outcome of a mutant."""
        self._known[mutant.name] = {"commit": self.commit, "by": found, "whole": whole}
        self._source.parent.mkdir(parents=True, exist_ok=True)
        write_json(self._source, self._known)

    def keep(self, confirmed: Mapping[str, str | None]) -> None:
        """Writes the tests that found mutants to `WITNESSES`; those of mutants that are not in the sample stay.

        Args:
            confirmed: by mutant, the test, which passes without any mutant.
        """
        sure = {name: test for name, test in confirmed.items() if test and "::" in test}
        others = {name: test for name, test in self.witnesses.items() if name not in confirmed}
        write_json(WITNESSES, dict(sorted((others | sure).items())))


def _try(bench: Bench, notes: Notes, mutants: Sequence[Mutant], groups: Groups, whole: bool = False) -> list[Mutant]:
    """Tries mutants that are not found yet, but none twice on one commit; returns those that nothing found."""
    for mutant in tqdm(mutants, desc="all tests" if whole else "their own tests", unit="mutant", disable=None):
        was_whole, found = notes.of(mutant)
        if not found and not was_whole:
            notes.add(mutant, bench.try_out(mutant, groups(mutant)), whole)
    return [mutant for mutant in mutants if not notes.of(mutant)[1]]


def _recorded(bench: Bench, keep: Path) -> Suite:
    """Runs all but the pipeline's tests once a commit, to know which of them run a line."""
    if not (keep / "suite.xml").exists():
        keep.mkdir(parents=True, exist_ok=True)
        bench.record(FOLDERS, keep)
    return read_suite(keep)


def equivalents() -> dict[str, str]:
    """Returns the reason for each mutant that nobody can tell from the code as it is, by module and change."""
    return {f"{entry['module']}: {entry['change']}": entry["reason"] for entry in YAML(typ="safe").load(EQUIVALENTS)}


def _section(tried: Sequence[Tried]) -> Section:
    """Puts the outcome into words: a row per room, and what nothing found."""
    counted = [mutant for mutant in tried if not mutant.harmless]
    missed = [mutant for mutant in counted if not mutant.found_by]
    share = 1 - len(missed) / max(1, len(counted))
    sentence = (
        f"**{len(counted)} mutants**, a sample (seed {SEED}) from every room of the code: tests find"
        f" {len(counted) - len(missed)} of them, {share:.1%}, where {FLOOR:.0%} are asked for."
        f" {len(tried) - len(counted)} more are in `reliability/equivalents.yaml`, with the reason why nothing can find"
        " them. Missed:"
    )
    sentence = "\n".join([sentence, "", *(f"- `{mutant.place}`: `{mutant.change}`" for mutant in missed)])
    rooms: dict[str, Counter[bool]] = defaultdict(Counter)
    for mutant in counted:
        rooms[mutant.room][bool(mutant.found_by)] += 1
    rows = [
        [room, str(found.total()), str(found[True]), f"{found[True] / found.total():.0%}"]
        for room, found in rooms.items()
    ]
    raw = {"seed": SEED, "mutants": [mutant._asdict() for mutant in tried]}
    return Section("Mutants", sentence, ("room", "mutants", "found", "share"), rows, raw, share >= FLOOR)
