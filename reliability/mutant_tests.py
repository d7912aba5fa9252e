"""Which tests to ask for a mutant: what is known of those that passed, and of the rooms that each run enters."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from coverage import CoverageData

from reliability import mutant_sites
from reliability.mutant_sites import Mutant

FOLDERS = ("tests/unit", "tests/model")  # each asked if those before found nothing
BUDGET_SECONDS = 90.0  # of tests per folder, by their own time
STARTING_SECONDS = 180.0  # that importing TensorFlow and MLflow may take on a busy machine
SLOWER = 8  # times as long as when they were recorded, then a mutant counts as found: it hangs
# Asked last, by room. Stages that DVC starts and servers are processes of their own, whose lines nobody records.
PIPELINE = {
    "cli": ("use", "experiments", "report"),
    "data": ("bad_input", "folders", "sequences", "several_series"),
    "sweeps": ("tune", "sweep"),
    "serving": ("champion", "series_champion"),
    "tracking": ("track", "server"),
    "project": ("workspace", "bad_input", "sweep"),
}
RUN = ("repro", "series", "sequences", "labels", "report", "track")  # for all other rooms: a run of each kind of data


class Suite(NamedTuple):
    """What is known of the tests that passed.

    Attributes:
        seconds: that each took, by its id.
        running: ids of those that run a line, by module and line.
    """

    seconds: Mapping[str, float]
    running: Mapping[str, Mapping[int, set[str]]]

    def of(self, mutant: Mutant) -> list[list[str]]:
        """Returns the tests that run a mutant's line, by folder, those of the module first, then the fastest first.

        Where none does, all that run something of its function. Constants are up to all that run something of the
        module, and to its own tests, which may read them alone.
        """
        lines, own = self.running.get(mutant.path, {}), {f"{name}::" for name in own_files(mutant)}
        near = lines if not mutant.body else {line: tests for line, tests in lines.items() if line in mutant.body}
        tests = (mutant.body and near.get(mutant.line)) or set().union(*near.values())
        tests = tests | (set() if mutant.body else {test for test in self.seconds if _is_of(test, own)})
        ordered = sorted(tests, key=lambda test: (not _is_of(test, own), self.seconds[test], test))
        groups = [[test for test in ordered if test.startswith(f"{folder}/")] for folder in FOLDERS]
        return [self._within_budget(group) for group in groups if group]

    def _within_budget(self, tests: Iterable[str]) -> list[str]:
        chosen: list[str] = []
        spent = 0.0
        for test in tests:
            spent += self.seconds[test]
            if chosen and spent > BUDGET_SECONDS:
                break
            chosen.append(test)
        return chosen

    def limit(self, tests: Sequence[str]) -> float:
        """Returns the seconds that tests may take."""
        return STARTING_SECONDS + SLOWER * sum(self.seconds[test] for test in tests)


def own_files(mutant: Mutant) -> tuple[str, ...]:
    """Returns the names that the file of a module's own tests may have: of the module, of its folder, or of both."""
    module = Path(mutant.path)
    folder = module.parent.name
    return f"test_{module.stem}.py", f"test_{folder}_{module.stem}.py", f"test_{folder}.py"


def _is_of(test: str, own: Collection[str]) -> bool:
    return any(f"/{name}" in test for name in own)


def read_suite(keep: Path) -> Suite:
    """Reads what was recorded."""
    seconds = {}
    for report in keep.glob("*.xml"):
        for case in ElementTree.parse(report).iter("testcase"):
            if not len(case):  # neither failed nor skipped
                seconds[f"{case.get('file')}::{case.get('name')}"] = float(case.get("time", 0))
    data = CoverageData(str(keep / "suite.coverage"))
    data.read()
    running: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for file in data.measured_files():
        module = file[max(file.rfind(f"/{name}/") for name in mutant_sites.PACKAGES) + 1 :]
        for line, contexts in data.contexts_by_lineno(file).items():
            running[module][line] |= {test for context in contexts if (test := context.partition("|")[0]) in seconds}
    return Suite(seconds, running)
