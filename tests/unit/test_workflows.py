"""GitHub workflows, how a scheduled one raises an alarm, what a tag must have to be released, and containers."""

import json
import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
# Records its arguments, and lists the open issue of the test.
GH = """#!/usr/bin/env bash
case "$2" in
  list) cat "$FOLDER/open" 2>/dev/null || true ;;
  *) echo "$1 $2 $3" >>"$FOLDER/asked"; cat "${@: -1}" >>"$FOLDER/said" ;;
esac
"""


def steps(workflow: Path) -> list[dict[str, Any]]:
    jobs = YAML(typ="safe").load(workflow)["jobs"].values()
    return [step for job in jobs for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_by_its_hash(workflow: Path) -> None:
    actions = [step["uses"] for step in steps(workflow) if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action) for action in actions)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_every_target_that_is_called_exists(workflow: Path) -> None:
    called = {word for step in steps(workflow) for word in re.findall(r"^make (\w+)$", step.get("run", ""), re.M)}
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.M))
    assert called <= targets


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_no_step_goes_on_after_a_failure(workflow: Path) -> None:
    assert "continue-on-error" not in workflow.read_text()


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_only_steps_that_use_a_secret_see_it(workflow: Path) -> None:
    loaded = YAML(typ="safe").load(workflow)
    shared = [str(part.get("env", "")) for part in (loaded, *loaded["jobs"].values())]
    assert not [env for env in shared if "secrets." in env]
    given = {step.get("run") for step in steps(workflow) if "secrets." in str(step)}
    assert given <= {"make restore", "make run", "make share"}


def test_packages_are_installed_before_any_step_sees_a_secret() -> None:
    rerun = YAML(typ="safe").load(ROOT / ".github/workflows/scheduled.yml")["jobs"]["rerun"]["steps"]
    secret = [number for number, step in enumerate(rerun) if "secrets." in str(step)]
    assert secret
    assert [step.get("run") for step in rerun].index("make install") < min(secret)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.stem)
def test_nothing_that_git_leaves_out_as_it_quotes_texts_is_uploaded(workflow: Path) -> None:
    paths = [path for step in steps(workflow) for path in step.get("with", {}).get("path", "").split()]
    uploads = [path.removeprefix("!") for path in paths if path.startswith(("reports", "!reports", "mlflow"))]
    assert "mlflow" not in uploads
    if "reports" in uploads:
        ignored = re.findall(r"^/(reports/.*?)/?$", (ROOT / ".gitignore").read_text(), re.M)
        assert sorted(path[1:] for path in paths if path.startswith("!")) == sorted(ignored)


def test_the_team_s_containers_gain_no_rights() -> None:
    services = YAML(typ="safe").load(ROOT / "mlflow/compose.yaml")["services"]
    assert set(services) == {"database", "mlflow"}
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.search(r":v?\d+\.\d+(\.\d+)?-\w+(@sha256:[0-9a-f]{64})?$", service["image"])


def test_a_codespace_is_installed_and_shows_dvc_and_mlflow() -> None:
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == "make install"
    assert "iterative.dvc" in container["customizations"]["vscode"]["extensions"]
    [port] = container["forwardPorts"]
    assert container["portsAttributes"][str(port)]["label"] == "MLflow"
    assert f"PORT ?= {port}\n" in (ROOT / "Makefile").read_text(encoding="utf-8")  # of make ui


def alert(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return script("alert.sh", folder, GH, **variables)


def script(name: str, folder: Path, gh: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a script of .github in a project of its own, with a stand-in for GitHub's command."""
    (folder / "gh").write_text(gh)
    (folder / "gh").chmod(0o755)
    script = folder / f"project/.github/{name}"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text((ROOT / f".github/{name}").read_text())
    environment = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "FOLDER": str(folder), **variables}
    return subprocess.run(["bash", script], env=environment, capture_output=True, text=True, check=False)


def test_the_first_alarm_opens_an_issue_with_the_summary(tmp_path: Path) -> None:
    summary = tmp_path / "project/reports/drift.md"
    summary.parent.mkdir(parents=True)
    summary.write_text("# Worse than HEAD: lstm\n")
    assert alert(tmp_path, RUN_URL="https://example.org/run/1").returncode == 0
    assert (tmp_path / "asked").read_text() == "issue create --title\n"
    assert (tmp_path / "said").read_text() == "# Worse than HEAD: lstm\n\nhttps://example.org/run/1\n"


def test_the_next_alarm_adds_to_the_open_issue(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("12\n")
    assert alert(tmp_path).returncode == 0
    assert (tmp_path / "asked").read_text() == "issue comment 12\n"


def test_a_run_that_failed_early_is_reported_too(tmp_path: Path) -> None:
    assert alert(tmp_path).returncode == 0
    assert "failed before there was a result" in (tmp_path / "said").read_text()


def effect(folder: Path, gh: str = GH) -> subprocess.CompletedProcess[str]:
    page = folder / "project/reports/effect.md"
    page.parent.mkdir(parents=True)
    page.write_text("| lstm | 0.97 |\n")
    variables = {"PULL_REQUEST": "7", "BASE": "origin/next", "RUN_URL": "https://example.org/run/1"}
    return script("effect.sh", folder, gh, **variables, GITHUB_STEP_SUMMARY=str(folder / "summary"))


EFFECT = "### Results, against origin/next\n\n| lstm | 0.97 |\n\nhttps://example.org/run/1\n"


def test_a_pull_request_is_told_its_effect_in_a_comment(tmp_path: Path) -> None:
    assert effect(tmp_path).returncode == 0
    assert (tmp_path / "asked").read_text() == "pr comment 7\n"
    assert (tmp_path / "said").read_text() == EFFECT
    assert not (tmp_path / "summary").exists()


def test_where_no_comment_may_be_written_the_summary_has_the_table(tmp_path: Path) -> None:
    refused = effect(tmp_path, "#!/usr/bin/env bash\necho 'Resource not accessible by integration' >&2\nexit 1\n")
    assert refused.returncode == 0
    assert "as from a fork" in refused.stderr
    assert (tmp_path / "summary").read_text() == EFFECT


def test_without_a_result_there_is_no_comment(tmp_path: Path) -> None:
    assert script("effect.sh", tmp_path, GH, PULL_REQUEST="7").returncode != 0
    assert not (tmp_path / "asked").exists()


def test_a_pull_request_runs_without_secrets_and_only_its_last_step_sees_the_token() -> None:
    workflow = YAML(typ="safe").load(ROOT / ".github/workflows/effect.yml")
    assert list(workflow["on" if "on" in workflow else True]) == ["pull_request"]
    assert workflow["permissions"] == {}
    [job] = workflow["jobs"].values()
    assert job["permissions"] == {"contents": "read", "pull-requests": "write"}
    assert "secrets." not in str(workflow)
    assert [step["run"] for step in job["steps"] if "github.token" in str(step)] == ["bash .github/effect.sh"]
    assert job["steps"][-1]["run"] == "bash .github/effect.sh"


VERSIONS = """# Changelog

## 1.3.0: 2026-02-01

### Added

- A later one.

## 1.2.3: 2026-01-31

### Fixed

- One thing.

## 1.2: 2025-12-31

- An earlier one.
"""


def release(folder: Path, tag: str, changelog: str = VERSIONS) -> subprocess.CompletedProcess[str]:
    (folder / "project").mkdir()
    (folder / "project/pyproject.toml").write_text(
        '[project]\nversion = "1.2.3"\n\n[tool.mypy]\npython_version = "3"\n'
    )
    (folder / "project/CHANGELOG.md").write_text(changelog)
    return script("release.sh", folder, GH, TAG=tag)


def test_a_release_is_announced_in_the_words_of_the_changelog(tmp_path: Path) -> None:
    done = release(tmp_path, "v1.2.3")
    assert done.returncode == 0
    assert done.stdout == "### Fixed\n\n- One thing.\n"


@pytest.mark.parametrize(
    ("tag", "changelog", "told"),
    [
        ("v1.3.0", VERSIONS, "the tag is v1.3.0, but pyproject.toml has version 1.2.3: tag v1.2.3"),
        ("1.2.3", VERSIONS, "the tag is 1.2.3, but"),
        ("v1.2.3", VERSIONS.replace("## 1.2.3: 2026-01-31", "## [Unreleased]: 1.2.3"), "no heading '## 1.2.3: DATE'"),
        ("v1.2.3", VERSIONS.replace("2026-01-31", "soon"), "no heading '## 1.2.3: DATE'"),
        ("v1.2.3", "", "no heading '## 1.2.3: DATE'"),
    ],
)
def test_a_tag_that_is_not_ready_is_refused_in_one_sentence(
    tmp_path: Path, tag: str, changelog: str, told: str
) -> None:
    done = release(tmp_path, tag, changelog)
    assert done.returncode == 1 and not done.stdout
    assert told in done.stderr and done.stderr.count("\n") == 1


def test_only_the_job_that_publishes_is_trusted_by_pypi_and_it_runs_nothing_of_ours() -> None:
    workflow = YAML(typ="safe").load(ROOT / ".github/workflows/release.yml")
    jobs = workflow["jobs"]
    assert workflow["permissions"] == {} and not [job for job in jobs.values() if "secrets." in str(job)]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    assert jobs["publish"]["environment"] == "pypi"
    assert not [step for step in jobs["publish"]["steps"] if "run" in step]
    assert (jobs["publish"]["needs"], jobs["announce"]["needs"]) == ("build", "publish")
    assert "cache" not in str(jobs["build"])


def test_the_wheel_is_tried_in_an_environment_of_its_own(tmp_path: Path) -> None:
    tools = tmp_path / "venv/bin"
    tools.mkdir(parents=True)
    for name in ("pip", "rnnlab"):
        (tools / name).write_text(f'#!/bin/sh\necho {name} "$@" >>"$FOLDER/asked"\n')
        (tools / name).chmod(0o755)
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncp -r "$FOLDER/venv" "$3"\n')
    python.chmod(0o755)
    wheel = tmp_path / "project/dist/some.whl"
    for path in (wheel, tmp_path / "project/.ci/wheel"):
        path.parent.mkdir(parents=True)
    wheel.touch()
    (tmp_path / "project/.ci/wheel").write_text((ROOT / ".ci/wheel").read_text())
    environment = {**os.environ, "FOLDER": str(tmp_path), "PYTHON": str(python), "TMPDIR": str(tmp_path)}
    subprocess.run(["bash", tmp_path / "project/.ci/wheel"], env=environment, check=True)
    installed, *tried = (tmp_path / "asked").read_text().splitlines()
    assert installed.startswith("pip install") and installed.endswith(str(wheel))
    assert tried == ["rnnlab --help", "rnnlab new shop"]


def test_a_citation_names_the_version_of_the_package() -> None:
    package = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert YAML(typ="safe").load(ROOT / "CITATION.cff")["version"] == package["version"]
