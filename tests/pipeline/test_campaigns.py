"""`make reliability` in small: its campaigns find nothing here, and what is planted they find."""

import sys
from pathlib import Path

import pytest

from reliability import faults, kills, projects, sweeps, verify, weekly
from reliability.projects import Stage
from rnnlab.project.params import Params
from tests.pipeline.conftest import Project


@pytest.fixture
def stages(project: Project) -> dict[str, Stage]:
    return {stage.name: stage for stage in projects.stages(project.folder)}


@pytest.mark.parametrize(("name", "after"), [("tokenize_pad", 0.5), ("compare", 1.5)])
def test_a_killed_stage_leaves_whole_files_and_makes_them_again(
    name: str, after: float, project: Project, stages: dict[str, Stage]
) -> None:
    found = kills.kill_stage(project.folder, stages[name], after, projects.digests(project.folder))
    assert (found.torn, found.wrong) == ([], [])


def test_a_half_file_is_found(tmp_path: Path) -> None:
    script = "import time; open('it', 'w').write('half'); time.sleep(6); open('it', 'w').write('whole')"
    found = kills.kill_stage(
        tmp_path, Stage("tears", [sys.executable, "-c", script], ["it"], []), 2.0, {"it": "0" * 32}
    )
    assert found.killed
    assert found.torn == ["it"]


@pytest.mark.needs("strace")
def test_what_a_stage_reads_on_the_sly_is_found(project: Project, stages: dict[str, Stage]) -> None:
    stage = stages["tokenize_pad"]
    assert verify.undeclared(project.folder, stage) == []
    sly = stage._replace(inputs=[path for path in stage.inputs if path != "data/interim/rows.parquet"])
    assert verify.undeclared(project.folder, sly) == ["data/interim/rows.parquet"]


@pytest.mark.weekly
@pytest.mark.parametrize(
    "name",
    [
        *("changed_files", "aborting_clients", "moved_project", "few_descriptors"),
        pytest.param("other_language", marks=pytest.mark.needs("locales")),
        pytest.param("odd_clocks", marks=pytest.mark.needs("faketime")),
    ],
)
def test_a_fault_does_no_harm(name: str, project: Project) -> None:
    outcomes = list(getattr(faults, name)(project.folder, projects.digests(project.folder)))
    assert outcomes
    assert [outcome for outcome in outcomes if not (outcome.clear and outcome.repaired)] == []


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_a_sweep_whose_processes_are_killed_ends_the_same() -> None:
    found = sweeps.measure(quick=True)
    assert found.sound, found.rows


def test_a_week_in_which_a_model_breaks_is_told_from_one_like_another(settings: Params) -> None:
    committed = {"rnn": [0.80, 0.81, 0.79]}
    [same], [broken] = (weekly._judge(settings, committed, {"rnn": values}) for values in (committed["rnn"], [0.5] * 3))
    assert (same.word, broken.word) == ("the same", "worse")
