"""A project that is moved or copied takes its MLflow store along."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
LOG = """
import mlflow
class Constant(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input: list[str]) -> list[int]:
        return [7] * len(model_input)
with mlflow.start_run(experiment_id=opened.experiment_id) as run:
    mlflow.log_text("seen", "note.txt")
    mlflow.pyfunc.log_model(name="model", python_model=Constant(), registered_model_name="it")
print(run.info.run_id)
"""
USE = """
import mlflow
assert mlflow.artifacts.load_text(f"runs:/{sys.argv[1]}/note.txt") == "seen"
assert mlflow.pyfunc.load_model("models:/it/1").predict(["x"]) == [7]
mlflow.MlflowClient().log_text(sys.argv[1], "new", "more.txt")
"""
LOCATION = """
import mlflow
print(mlflow.MlflowClient().get_experiment(opened.experiment_id).artifact_location)
"""
MOVED = "its MLflow store now keeps files here"


def python(folder: Path, code: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs code with the store of a project open, as one of its commands would."""
    start = "import sys; from rnnlab.tracking import store; opened = store.connect()\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))}
    environment |= {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore", **variables}
    command = [sys.executable, "-c", start + code, *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("names", [("100%_a", "100%_b"), ("it's a? #1", "á ‮b\n")])
def test_a_copy_reads_and_writes_its_own_files(tmp_path: Path, names: tuple[str, str]) -> None:
    original, copy, away = (tmp_path / name for name in (*names, "away"))
    original.mkdir()
    run = python(original, LOG).stdout.split()[-1]
    shutil.copytree(original, copy)
    before = files(original)
    original.rename(away)
    used = python(copy, USE, run)
    assert MOVED in used.stderr
    assert MOVED not in python(copy, LOCATION).stderr
    assert [path.read_text() for path in copy.rglob("more.txt")] == ["new"]
    assert {path.name for path in tmp_path.iterdir()} == {"away", names[1]}
    assert files(away) == before


def test_the_store_of_another_project_is_left_alone(tmp_path: Path) -> None:
    original, other = tmp_path / "a", tmp_path / "b"
    original.mkdir()
    other.mkdir()
    before = python(original, LOCATION).stdout
    assert python(other, LOCATION, MLFLOW_TRACKING_URI=f"sqlite:///{original}/mlflow/mlflow.db").stdout == before
