"""`dvc repro` from scratch, again, with a knob changed, reverted, killed."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from PIL import Image
from ruamel.yaml import YAML

from tests.pipeline.conftest import ORDER, PLANTED, Project, stages_run

PAGE = "reports/index.html"
RUNS = ["rnn-1", "rnn-2", "lstm-1", "lstm-2"]


def outputs(project: Project) -> dict[str, str]:
    """The hash of every output in dvc.lock but timings, and the page that shows them."""
    stages = YAML(typ="safe").load(project.folder / "dvc.lock")["stages"]
    outs = [out for stage in stages.values() for out in stage.get("outs", [])]
    return {out["path"]: out["md5"] for out in outs if "timings" not in out["path"] and out["path"] != PAGE}


def metrics(project: Project) -> dict[str, Any]:
    return json.loads((project.folder / "reports/metrics.json").read_text())


def test_the_first_run_leaves_what_is_promised(finished: Project) -> None:
    promised = [
        *(f"models/{run}.keras" for run in RUNS),
        *(f"models/early/{run}.keras" for run in RUNS),
        *(f"reports/history/{run}.csv" for run in RUNS),
        *("reports/validation.json", "reports/validation.md", "reports/metrics.json", "mlflow/mlflow.db"),
        *("reports/comparison.json", "reports/comparison.md", "reports/summary.json", PAGE),
        *(f"models/baselines/{name}.npz" for name in ("majority", "tfidf", "nbsvm")),
    ]
    assert [name for name in promised if not (finished.folder / name).is_file()] == []
    figures = sorted((finished.folder / "reports/figures").glob("*.png"))
    assert len(figures) >= 7
    for figure in figures:
        with Image.open(figure) as image:
            image.load()
            assert image.width >= 600, figure


def test_metrics_hold_mean_spread_and_each_seed(finished: Project) -> None:
    figures = metrics(finished)
    assert list(figures) == ["lstm", "majority", "nbsvm", "rnn", "tfidf"]
    assert figures["nbsvm"]["inverse_penalty"] > figures["majority"]["inverse_penalty"] == 0
    model = figures["lstm"]
    accuracies = [model["per_seed"][seed]["accuracy"] for seed in ("1", "2")]
    assert model["mean"]["accuracy"] == pytest.approx(sum(accuracies) / 2)
    assert model["sd"]["accuracy"] == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)
    assert set(model["mean"]) >= {"accuracy", "precision", "recall", "f1", "roc_auc", "log_loss", "brier", "ece"}
    predictions = pd.read_parquet(finished.folder / "data/predictions.parquet")
    seed = predictions[(predictions["model"] == "lstm") & (predictions["seed"] == 1)]
    assert len(seed) == 80
    assert ((seed["probability"] >= 0.5) == seed["label"]).mean() == pytest.approx(accuracies[0])


def test_the_table_names_every_model_and_where_to_look(finished: Project) -> None:
    shown = finished.inside("rnnlab.cli.main", "results").stdout
    table = ("rnn", "lstm", "tfidf", "±", "parameters", "seconds per epoch", "95 % interval")
    for word in (*table, "reports/figures", "make ui"):
        assert word in shown


def test_no_noise_reaches_the_screen(finished: Project) -> None:
    done = finished.run("python", "-m", "stages.evaluate", "--help")
    assert done.stderr == ""
    for noise in ("oneDNN", "absl::", "cudart", "UserWarning", "Downloading artifacts", "alembic", "Traceback"):
        assert noise not in (finished.folder.parent / "first_run.txt").read_text(), noise


def test_no_file_holds_a_secret_of_the_environment(finished: Project) -> None:
    objects = subprocess.run(
        ("git", "cat-file", "--batch", "--batch-all-objects"), cwd=finished.folder, capture_output=True, check=True
    ).stdout
    files = [path for path in finished.folder.parent.rglob("*") if path.is_file()]
    assert finished.folder / "mlflow/mlflow.db" in files
    for secret in map(str.encode, PLANTED.values()):
        assert secret not in objects
        assert not [path for path in files if secret in path.read_bytes()]


def test_test_rows_are_read_by_evaluate_alone() -> None:
    from tests.pipeline.test_dvc_yaml import PIPELINE

    readers = [stage for stage in ORDER if any("features/test" in dep for dep in PIPELINE[stage]["deps"])]
    assert readers == ["evaluate"]


def test_nothing_changed_runs_nothing(project: Project) -> None:
    assert stages_run(project.run("dvc", "repro").stdout) == set()
    assert "up to date" in project.run("dvc", "status").stdout


def test_half_of_dvc_s_own_lock_is_removed_as_the_readme_says(project: Project) -> None:
    lock = project.folder / ".dvc/tmp/rwlock"
    lock.write_text("")
    assert "RWLock-file" in project.run("dvc", "repro", expect=255).stderr
    lock.unlink()
    assert stages_run(project.run("dvc", "repro").stdout) == set()


def test_a_knob_retrains_one_model_and_its_revert_is_restored(project: Project) -> None:
    recorded = len(project.runs("tags.kind = 'pipeline'"))
    before = outputs(project)
    project.set_params(models__lstm__units=5, train__seeds=[1])
    ran = stages_run(project.run("dvc", "repro").stdout)
    assert ran == {"size", "train@lstm-1", "evaluate", "compare", "plot", "report", "track"}
    # A dropped seed leaves no trace.
    assert list(metrics(project)["rnn"]["per_seed"]) == ["1"]
    models = ["lstm-1.keras", "rnn-1.keras"]
    for folder in (project.folder / "models", project.folder / "models/early"):
        assert sorted(file.name for file in folder.glob("*.keras")) == models
    assert len(project.runs("tags.kind = 'pipeline'")) == recorded + 1
    dvc_shows_the_difference(project)
    project.set_params(models__lstm__units=4, train__seeds=[1, 2])
    reverted = project.run("dvc", "repro")
    assert stages_run(reverted.stdout) == {"compare", "track"}
    assert "already in MLflow" in reverted.stdout
    assert outputs(project) == before
    assert len(project.runs("tags.kind = 'pipeline'")) == recorded + 1


def test_other_intervals_and_a_docstring_in_a_page_train_nothing(project: Project) -> None:
    project.set_params(intervals__margin=0.02)
    source = project.folder / "rnnlab/report/pages.py"
    source.write_text(source.read_text().replace('"""', '"""So says a docstring. ', 1))
    assert stages_run(project.run("dvc", "repro").stdout) == {"compare", "report", "track"}


def dvc_shows_the_difference(project: Project) -> None:
    changed = [line.split()[:2] for line in project.run("dvc", "metrics", "diff").stdout.splitlines()[1:]]
    assert ["reports/summary.json", "lstm"] in changed and {path for path, _ in changed} == {"reports/summary.json"}
    assert "models.lstm.units" in project.run("dvc", "params", "diff").stdout
    for command in (("metrics", "show"), ("metrics", "diff"), ("params", "diff")):
        lines = project.run("dvc", *command).stdout.splitlines()
        assert len(lines) > 1 and max(map(len, lines)) <= 80, command
    page = project.run("dvc", "plots", "diff", "--json").stdout
    assert "val_loss" in page
    assert "training_curves.png" in page


@pytest.mark.weekly
def test_a_killed_run_leaves_nothing_finished_and_the_next_ends_with_the_bytes_of_any_other(
    project: Project,
) -> None:
    before = outputs(project)
    logged = epochs_logged(project.folder / "mlflow/mlflow.db")
    project.set_params(train__epochs=100_000, train__patience=100_000)
    repro = ("dvc", "repro", "train@rnn-1")
    with subprocess.Popen(
        repro, cwd=project.folder, env=project.environment, stdout=subprocess.DEVNULL, start_new_session=True
    ) as running:
        kill_when_training(project, running, logged)
    assert not (project.folder / "models/rnn-1.keras").exists()
    assert not (project.folder / "reports/history/rnn-1.csv").exists()
    assert list((project.folder / "data/checkpoints").glob("rnn-1-*.npz"))
    assert [run.info.status for run in project.runs("tags.kind = 'live'")] == ["RUNNING"]
    project.run("git", "checkout", "--quiet", "params.yaml")
    # DVC would bring back what it has kept of this training.
    shutil.rmtree(project.folder / ".dvc/cache/runs")
    for name in ("models/rnn-1.keras", "reports/history/rnn-1.csv"):
        (project.folder / ".dvc/cache/files/md5" / before[name][:2] / before[name][2:]).unlink(missing_ok=True)
    # Another folder, another time, and a checkpoint of another training in the way.
    assert "train@rnn-1" in stages_run(project.run("dvc", "repro").stdout)
    assert "already in MLflow" in project.stage("track").stdout
    assert {run.info.status for run in project.runs("tags.kind = 'live'")} == {"KILLED"}
    assert {run.info.status for run in project.runs("tags.kind = 'model'")} == {"FINISHED"}
    assert "up to date" in project.run("dvc", "status").stdout
    assert outputs(project) == before


def test_a_killed_training_goes_on_after_its_last_epoch(project: Project) -> None:
    project.set_params(train__epochs=30, train__patience=30)
    command = YAML(typ="safe").load(project.folder / "dvc.yaml")["stages"]["train"]["cmd"]
    train = [sys.executable, *command.replace("${item}", "--model rnn --seed 1").split()[1:]]
    network = project.folder / "models/rnn-1.keras"
    with subprocess.Popen(
        train, cwd=project.folder, env=project.environment | OFFLINE, stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout
        for line in running.stdout:
            if "epoch 3 " in line:
                running.kill()
    assert "resumes after epoch" in project.stage("train@rnn-1", **OFFLINE).stdout
    early = project.folder / "models/early/rnn-1.keras"
    resumed, begun = network.read_bytes(), early.read_bytes()
    assert not list((project.folder / "data/checkpoints").glob("*"))
    assert "goes on" not in project.stage("train@rnn-1", **OFFLINE).stdout
    assert (network.read_bytes(), early.read_bytes()) == (resumed, begun)


OFFLINE = {"MLFLOW_SYNC": "off"}


def kill_when_training(project: Project, running: subprocess.Popen[bytes], logged: int) -> None:
    """SIGKILLs a pipeline, and the stage it runs, once the store has seen an epoch more than what is ``logged``."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and running.poll() is None:
        if epochs_logged(project.folder / "mlflow/mlflow.db") > logged:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
            return
        time.sleep(0.5)
    pytest.fail("no epoch was logged while training")


def epochs_logged(database: Path) -> int:
    """Looks without MLflow, which would start to create the database beside the training."""
    if not database.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return int(connection.execute("SELECT count(*) FROM metrics").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def test_the_dag_is_the_designs(blank: Project) -> None:
    drawn = blank.run("dvc", "dag", "--dot").stdout
    arrows = [("ingest", "validate"), ("size", "train@lstm-1"), ("train@lstm-1", "evaluate")]
    arrows += [("baseline", "evaluate"), ("evaluate", "compare")]
    arrows += [("compare", "track"), ("plot", "track"), ("compare", "report"), ("report", "track")]
    for source, target in arrows:
        assert f'"{source}" -> "{target}"' in drawn
