"""`make run`, as a user calls it."""

import re
import subprocess
import sys

import pytest

from tests.pipeline.conftest import Project

# With -o, make installs nothing.
RUN = ("make", "-o", f"{sys.prefix}/.installed", f"VENV={sys.prefix}", "run")


def run(project: Project, expect: int) -> subprocess.CompletedProcess[str]:
    return project.run(*RUN, expect=expect)


def test_a_line_per_stage_then_the_table(project: Project) -> None:
    project.set_params(intervals__margin=0.02)
    printed = run(project, 0).stdout.splitlines()
    table = next(number for number, line in enumerate(printed) if line.startswith("model "))
    stages = [line.split()[0] for line in printed[:table] if re.fullmatch(r"\S+ +\d+\.\d s", line)]
    assert stages == ["compare", "report", "track"]
    assert [line for line in printed[:table] if line and line.split()[0] not in stages and "MLflow" not in line] == []
    assert not re.search("dvc push|git add|lock file|Running stage|> python|skipping", "\n".join(printed))


def test_a_stage_that_fails_says_why_and_ends_it(project: Project) -> None:
    project.set_params(validate__min_rows_per_class=100_000)
    done = run(project, 2)
    assert re.findall(r"^error: .*", done.stderr, re.M) == [
        "error: the data failed a critical check; see reports/validation-failed.html, fix the data, or change the "
        "limits or severities under validate in params.yaml"
    ]
    assert "failed to reproduce 'validate'" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.weekly  # tests/unit/cli/test_alone.py has the lock alone
def test_a_second_one_waits_for_the_first(project: Project) -> None:
    project.set_params(train__epochs=1)
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    both = [subprocess.Popen(RUN, cwd=project.folder, env=project.environment, **pipes) for _ in range(2)]
    said = [make.communicate(timeout=900) for make in both]
    assert [make.returncode for make in both] == [0, 0], said
    assert sorted("another run is at work here: waiting for it\n" in err for _, err in said) == [False, True]
    assert sorted("train@" in out for out, _ in said) == [False, True]
    assert all("test accuracy" in out for out, _ in said)
