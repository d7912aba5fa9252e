"""`rnnlab run`: what DVC is called with, and what is shown at the end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rnnlab.project.params import Params
from tests.support.results import changed, lay_out

ROOT = Path(__file__).parents[3]


@pytest.fixture
def finished(project: Path, settings: Params, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a result, whose stages are none that MLflow hears of."""
    (project / ".dvc").mkdir()
    lay_out(changed(settings, train__seeds=[1, 2, 3]))
    monkeypatch.setenv("MLFLOW_SYNC", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return project


def test_a_result_that_is_up_to_date_is_logged_and_shown(
    rnnlab: Callable[..., int], finished: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert rnnlab("run") == 0
    logged, _, heading, *_ = capfd.readouterr().out.splitlines()
    assert logged == "MLFLOW_SYNC=off: nothing logged"
    assert "accuracy" in heading
    assert (finished.parent / "calls").read_text().splitlines() == ["repro size", "status --json", "repro"]


def test_a_run_that_cannot_be_logged_ends_with_that_status(
    rnnlab: Callable[..., int], finished: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_SYNC", "perhaps")
    assert rnnlab("run") == 1
    told = capfd.readouterr()
    assert told.err == "error: MLFLOW_SYNC is 'perhaps'; set it to strict, warn or off\n"
    assert told.out == ""
