"""Against a real MLflow store; each test that needs one has an experiment of its own."""

import math
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient

from rnnlab.project.errors import UserError
from rnnlab.project.tasks import TASKS
from rnnlab.serving import promotion_rule
from rnnlab.serving.candidates import candidate, evidence
from rnnlab.tracking.records import PREDICTIONS
from rnnlab.tracking.store import Store
from tests.support.logged import forecasts, log_run, pipeline, predictions, throw_away_store

pytestmark = pytest.mark.filterwarnings("ignore:.*input example was not provided")


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


@pytest.fixture
def client(opened: Store) -> MlflowClient:
    return MlflowClient(opened.uri)


@pytest.fixture
def experiment(opened: Store, client: MlflowClient, request: pytest.FixtureRequest) -> Store:
    return Store(opened.uri, client.create_experiment(request.node.name))


def test_the_candidate_is_the_best_seed_of_the_model_with_the_best_mean_validation_loss(experiment: Store) -> None:
    losses = (("rnn", 1, 0.1), ("rnn", 2, 0.9), ("lstm", 1, 0.4), ("lstm", 2, 0.3), ("gru", 1, math.nan))
    _, _, _, lstm_2, _ = pipeline(experiment, *losses)
    assert candidate(experiment, TASKS["text"]) == (lstm_2, "")


def test_the_candidate_is_of_the_newest_finished_pipeline(experiment: Store) -> None:
    pipeline(experiment, ("lstm", 1, 0.1))
    [newer] = pipeline(experiment, ("lstm", 1, 0.2))
    pipeline(experiment, ("lstm", 1, 0.0), status="RUNNING")
    assert candidate(experiment, TASKS["text"]) == (newer, "")
    pipeline(experiment, ("lstm", 1, 0.0), task="series")
    found, remark = candidate(experiment, TASKS["text"])
    assert found == newer and remark.startswith("the last result, ") and " predicts a series: taking " in remark
    with pytest.raises(UserError, match="no finished pipeline that predicts a series"):
        candidate(Store(experiment.uri, "0"), TASKS["series"])


def test_the_candidate_of_a_series_is_found_alike(experiment: Store) -> None:
    first, _ = pipeline(experiment, ("lstm", 1, 0.1), ("rnn", 1, 0.2), task="series")
    assert candidate(experiment, TASKS["series"]) == (first, "")


def test_without_a_pipeline_there_is_no_candidate(experiment: Store) -> None:
    with pytest.raises(UserError, match="no finished pipeline"):
        candidate(experiment, TASKS["text"])
    pipeline(experiment, ("lstm", 1, 0.1), task="series")
    with pytest.raises(UserError, match="no finished pipeline that classifies texts to take a model from; `dvc"):
        candidate(experiment, TASKS["text"])


def test_a_pipeline_whose_models_were_deleted_has_no_candidate(experiment: Store, client: MlflowClient) -> None:
    [child] = pipeline(experiment, ("lstm", 1, 0.1))
    client.delete_run(child)
    with pytest.raises(UserError, match="models of this pipeline were deleted"):
        candidate(experiment, TASKS["text"])


def test_a_model_shows_its_predictions_and_the_time_it_takes(opened: Store, tmp_path: Path) -> None:
    found = evidence(opened, log_run(opened, tmp_path, predictions(wrong=4), seconds=0.1))
    logged = predictions(wrong=4)
    assert found.predictions.drop(columns="predicted").equals(logged)
    assert found.predictions["predicted"].tolist() == [row % 2 ^ (row < 4) for row in range(40)]
    assert 100 <= found.latency_ms < 1000


def test_a_forecaster_shows_its_forecasts_its_figures_and_the_time_it_takes(opened: Store, tmp_path: Path) -> None:
    found = evidence(opened, log_run(opened, tmp_path, forecasts(0.5), seconds=0.1, task="series", mase=0.7))
    assert found.task == TASKS["series"]
    assert found.predictions.equals(forecasts(0.5))
    assert (found.score, found.logged["test_mase"]) == (0.25, 0.7)
    assert 100 <= found.latency_ms < 1000


def test_the_baseline_that_is_best_on_the_test_rows_stands_beside_it(
    opened: Store, client: MlflowClient, tmp_path: Path
) -> None:
    family = {"task": "series", "mlflow.parentRunId": "of-this-test"}
    run_id = log_run(opened, tmp_path, forecasts(0.5), mase=0.7, **family)
    assert evidence(opened, run_id).baseline is None
    for name, error in (("drift", 0.3), ("linear", 0.2)):
        its = log_run(
            opened, tmp_path, forecasts(error), probability=None, **{**family, "kind": "baseline", "model": name}
        )
        client.log_metric(its, "test_mse", error**2)
    lost = log_run(opened, tmp_path, None, probability=None, **{**family, "kind": "baseline", "model": "lost"})
    name, rows = evidence(opened, run_id).baseline or ("", None)
    assert name == "linear" and rows is not None and rows.equals(forecasts(0.2))
    client.log_metric(lost, "test_mse", 0.001)
    assert evidence(opened, run_id).baseline is None


def test_a_task_without_a_rule_has_no_champions(opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(promotion_rule.LIMITS, "series")
    run_id = log_run(opened, tmp_path, forecasts(0.5), probability=None, task="series")
    with pytest.raises(UserError, match=f"run {run_id}: predicts a series, and there is no rule for the champion"):
        evidence(opened, run_id)


@pytest.mark.parametrize("run_id", ["0" * 32, "no/such run"])
def test_an_unknown_run_is_a_mistake(opened: Store, run_id: str) -> None:
    with pytest.raises(UserError, match=f"run {run_id}: no such run in sqlite"):
        evidence(opened, run_id)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"kind": "pipeline"}, "its kind is pipeline, so it holds no trained model"),
        ({"kind": "baseline"}, "its kind is baseline, so it holds no trained model"),
        ({}, "no predictions.parquet.*delete the parent run in MLflow and run `python -m stages.track`"),
    ],
)
def test_a_run_that_cannot_be_served_is_a_mistake(
    opened: Store, tmp_path: Path, tags: dict[str, str], message: str
) -> None:
    run_id = log_run(opened, tmp_path, rows=None, probability=None, **tags)
    with pytest.raises(UserError, match=f"run {run_id}: {message}"):
        evidence(opened, run_id)


def test_a_run_that_is_deleted_or_not_at_its_end_is_a_mistake(
    opened: Store, client: MlflowClient, tmp_path: Path
) -> None:
    run_id = log_run(opened, tmp_path, predictions(0), probability=None)
    client.update_run(run_id, status="RUNNING")
    with pytest.raises(UserError, match="not logged completely"):
        evidence(opened, run_id)
    client.delete_run(run_id)
    with pytest.raises(UserError, match="deleted in MLflow"):
        evidence(opened, run_id)


@pytest.mark.parametrize(
    "rows",
    [
        predictions(0).iloc[:0],
        predictions(0).assign(id="r0"),
        predictions(0).assign(probability=math.nan),
        predictions(0).assign(label=-1),
        predictions(0).drop(columns="label"),
    ],
    ids=["empty", "ids twice", "no numbers", "no labels", "no label column"],
)
def test_damaged_predictions_are_a_mistake(opened: Store, tmp_path: Path, rows: pd.DataFrame) -> None:
    run_id = log_run(opened, tmp_path, rows, probability=None)
    with pytest.raises(UserError, match=f"run {run_id}: predictions.parquet"):
        evidence(opened, run_id)


@pytest.mark.parametrize(
    "rows",
    [forecasts(0).assign(row=1), forecasts(0).assign(predicted=math.inf), forecasts(0).drop(columns="step")],
    ids=["rows twice", "no numbers", "standardised ones of version 0.1.0"],
)
def test_damaged_forecasts_are_a_mistake(opened: Store, tmp_path: Path, rows: pd.DataFrame) -> None:
    run_id = log_run(opened, tmp_path, rows, probability=None, task="series")
    with pytest.raises(UserError, match=f"run {run_id}: predictions.parquet"):
        evidence(opened, run_id)


def test_predictions_cut_short_are_a_mistake(opened: Store, client: MlflowClient, tmp_path: Path) -> None:
    run_id = log_run(opened, tmp_path, rows=None, probability=None)
    (tmp_path / PREDICTIONS).write_bytes(b"PAR1")
    client.log_artifact(run_id, str(tmp_path / PREDICTIONS))
    with pytest.raises(UserError, match=r"predictions.parquet cannot be read"):
        evidence(opened, run_id)


@pytest.mark.parametrize(
    ("probability", "message"), [(None, "cannot be loaded or used"), (7.0, "something other than a probability")]
)
def test_a_model_that_does_not_predict_is_a_mistake(
    opened: Store, tmp_path: Path, probability: float | None, message: str
) -> None:
    run_id = log_run(opened, tmp_path, predictions(0), probability=probability)
    with pytest.raises(UserError, match=f"run {run_id}: its model .*{message}"):
        evidence(opened, run_id)
