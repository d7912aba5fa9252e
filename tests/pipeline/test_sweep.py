"""`rnnlab sweep`: on Ray, with the bytes of a local run, and never anything twice."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reliability.ports import free_port
from rnnlab.project.files import read_json
from rnnlab.sweeps.trials import Outcome
from tests.pipeline.conftest import Project

GRID = "params: {compare: [lstm], train.seeds: [1]}\ngrid: {models.lstm.units: [4, 5]}\n"


def swept(project: Project, *words: str, expect: int = 0, **variables: str) -> str:
    done = project.run("rnnlab", "sweep", "grid.yaml", *words, expect=expect, **variables)
    return done.stdout + done.stderr


@pytest.mark.needs("ray")
@pytest.mark.parametrize("asha", ["", "asha: {grace_epochs: 1, reduction_factor: 2}\n"], ids=["grid", "asha"])
def test_a_sweep_trains_each_combination(project: Project, asha: str) -> None:
    (project.folder / "grid.yaml").write_text(GRID + asha)
    shown = swept(project)
    assert "2 combinations, 2 trainings, 0 of them finished before" in shown
    table = (project.folder / "reports/sweeps/grid.md").read_text()
    assert len([line for line in table.splitlines() if line.startswith("| lstm")]) == 2
    assert len(project.runs("tags.kind = 'trial'")) == 2
    trained = {hash_of(file) for file in (project.folder / "data/sweeps").rglob("network.keras")}
    stopped = project.runs("tags.stopped = 'true'")
    assert len(trained) + len(stopped) == 2
    if not asha:
        assert hash_of(project.folder / "models/lstm-1.keras") in trained and not stopped


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_a_sweep_gives_the_networks_of_local_runs_once(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(GRID)
    shown = swept(project)
    assert "2 combinations, 2 trainings, 0 of them finished before" in shown
    digests = {hash_of(file) for file in (project.folder / "data/sweeps").glob("*/network.keras")}
    assert hash_of(project.folder / "models/lstm-1.keras") in digests and len(digests) == 2
    table = (project.folder / "reports/sweeps/grid.md").read_text()
    [command] = [line.strip() for line in table.splitlines() if line.startswith("    dvc exp run")]
    assert command.startswith("dvc exp run -S 'compare=[lstm]' -S 'train.seeds=[1]' -S models.lstm.units=")

    [parent] = project.runs("tags.kind = 'sweep'")
    trials = project.runs(f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    assert {run.data.tags["network_sha256"] for run in trials} == digests
    again = swept(project)
    assert "2 of them finished before" in again and table in again
    assert len(project.runs("tags.kind = 'trial'")) == 2 and len(project.runs("tags.kind = 'sweep'")) == 1

    (project.folder / "grid.yaml").write_text(GRID.replace("[4, 5]", "[4, 5, 6]"))
    assert "3 trainings, 2 of them finished before" in swept(project, MLFLOW_SYNC="off")


SEARCH = """\
params: {compare: [lstm, rnn], train.seeds: [1], train.epochs: 4, train.patience: 4}
grid: {train.learning_rate: [0.001, 0.002, 2.0, 3.0]}
asha: {reduction_factor: 2}
"""


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_a_search_stops_what_does_not_learn_and_trains_nothing_twice(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(SEARCH)
    shown = swept(project)
    ended = [line for line in shown.splitlines() if " of 8  " in line]
    stopped = [line for line in ended if "stopped after epoch" in line]
    assert len(ended) == 8 and 2 <= len(stopped) < 8
    table = (project.folder / "reports/sweeps/grid.md").read_text()
    rows = [line.split("|") for line in table.splitlines() if line.startswith(("| lstm", "| rnn"))]
    assert len(rows) == 8 and rows[0][-3].strip() == "0" and rows[-1][-3].strip() == "1"
    assert len(project.runs("tags.kind = 'trial'")) == 8
    assert len(project.runs("tags.stopped = 'true'")) == len(stopped)

    # The best of all is stopped in no search, whatever the order of its trials.
    finished = [file.parent for file in (project.folder / "data/sweeps").glob("*/network.keras")]
    shutil.rmtree(min(finished, key=lambda place: Outcome(**read_json(place / "outcome.json")).validation_loss))
    again = swept(project)
    assert "8 trainings, 7 of them finished before" in again and again.count(" of 8  ") == 1
    assert len(project.runs("tags.kind = 'trial'")) == 8

    (project.folder / "grid.yaml").write_text(SEARCH.replace("asha", "# asha"))  # a plain grid trains what was stopped
    assert f"8 trainings, {8 - len(stopped)} of them finished before" in swept(project, MLFLOW_SYNC="off")


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_an_unknown_cluster_is_one_sentence(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(GRID)
    shown = swept(project, "--address", "127.0.0.1:1", expect=1)
    assert shown.splitlines()[-1].startswith("error: --address 127.0.0.1:1: no Ray cluster answers there")
    assert "Traceback" not in shown


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_a_cluster_of_another_version_is_one_sentence(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(GRID)
    other = "import ray; ray.__version__ = '2.0.0'; from ray.scripts.scripts import main; main()"
    port = free_port()
    command = [sys.executable, "-c", other, "start", "--head", "--node-ip-address=127.0.0.1", f"--port={port}"]
    command += ["--num-cpus=1", "--include-dashboard=false", "--disable-usage-stats", "--block"]
    with subprocess.Popen(command, env=project.environment, stdout=subprocess.PIPE, text=True) as cluster:
        try:
            assert cluster.stdout
            assert any("Ray runtime started" in line for line in cluster.stdout)
            shown = swept(project, "--address", f"127.0.0.1:{port}", expect=1)
        finally:
            cluster.terminate()
    assert shown.splitlines()[-1].startswith(f"error: --address 127.0.0.1:{port}: no cluster that this Ray")
    assert "2.0.0" in shown and "Traceback" not in shown


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_a_machine_without_enough_memory_is_one_sentence(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(GRID)
    shown = swept(project, expect=1, RAY_memory_usage_threshold="0.001", RAY_memory_monitor_refresh_ms="100")
    assert "2 trainings failed, the first because: a machine ran out of memory" in shown.splitlines()[-1]
    assert "Traceback" not in shown


def test_without_ray_a_sweep_says_what_to_install(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    (project.folder / "grid.yaml").write_text(GRID)
    done = project.inside("rnnlab.cli.main", "sweep", "grid.yaml", expect=1)
    assert done.stderr.endswith("error: Ray is not installed; run `make ray`\n")


def test_features_of_other_parameters_are_not_swept(project: Project) -> None:
    (project.folder / "grid.yaml").write_text(GRID)
    project.set_params(tokenize_pad__max_length=16)
    done = project.inside("rnnlab.cli.main", "sweep", "grid.yaml", expect=1)
    assert "run `dvc repro tokenize_pad` first" in done.stderr


def hash_of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
