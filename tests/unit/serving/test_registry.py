"""Against a real MLflow store; each test has a registered model of its own."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import mlflow
import pandas as pd
import pytest
from filelock import FileLock
from mlflow import MlflowClient

from rnnlab.project.errors import UserError
from rnnlab.project.sections.results import Promote
from rnnlab.serving import registry
from rnnlab.serving.registry import Version
from rnnlab.tracking import store
from rnnlab.tracking.champion import CHAMPION
from rnnlab.tracking.store import Store
from tests.support.builders import LIMITS
from tests.support.logged import forecasts, log_run, predictions, throw_away_store

pytestmark = pytest.mark.filterwarnings("ignore:.*input example was not provided")


class Runs(NamedTuple):
    """Trained models by how good they are on the same 40 test rows."""

    good: str
    better: str
    best: str
    bad: str
    slow: str


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


@pytest.fixture(scope="module")
def runs(opened: Store, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("logged")
    return Runs(
        good=log_run(opened, folder, predictions(wrong=7)),
        better=log_run(opened, folder, predictions(wrong=6), seed="2"),
        best=log_run(opened, folder, predictions(wrong=0), seed="3"),
        bad=log_run(opened, folder, predictions(wrong=20)),
        slow=log_run(opened, folder, predictions(wrong=0), seconds=0.1),
    )


@pytest.fixture
def client(opened: Store) -> MlflowClient:
    return MlflowClient(opened.uri)


@pytest.fixture
def limits(request: pytest.FixtureRequest) -> Promote:
    own = {"name": request.node.originalname[-60:], "margin": 0.2, "max_calibration_error": 0.3, "max_latency_ms": 80.0}
    return LIMITS.model_copy(update=own)


def versions(client: MlflowClient, limits: Promote) -> list[Any]:
    return sorted(client.search_model_versions(f"name = '{limits.name}'"), key=lambda found: int(found.version))


def champion_run(opened: Store, limits: Promote) -> str | None:
    found = registry.champion(opened, limits.name)
    return found and found.run_id


def fail_once(patch: pytest.MonkeyPatch, call: str) -> None:
    """The process dies in place of MLflow's next such call."""

    def die(*_: Any, **__: Any) -> None:
        patch.undo()
        raise KeyboardInterrupt

    patch.setattr(MlflowClient, call, die)


def test_a_slow_model_is_refused(opened: Store, runs: Runs, limits: Promote) -> None:
    verdict = registry.promote(opened, runs.slow, limits)
    assert verdict.failed == ["latency"]


def test_the_first_model_that_passes_becomes_the_champion(
    opened: Store, runs: Runs, client: MlflowClient, limits: Promote
) -> None:
    assert registry.champion(opened, limits.name) is None
    verdict = registry.promote(opened, runs.good, limits)
    assert verdict.outcome == "promoted"
    assert registry.champion(opened, limits.name) == verdict.champion == Version(limits.name, 1, runs.good)
    answer = mlflow.pyfunc.load_model(f"models:/{limits.name}@champion").predict(pd.DataFrame({"text": ["good"]}))
    assert answer["probability"].tolist() == [0.9]
    [version] = versions(client, limits)
    known = {"commit": "c0ffee", "data": "data/sample/reviews.csv", "model": "lstm", "seed": "1"}
    assert version.tags.items() >= {**known, "test_accuracy": "0.8250", "best_val_loss": "0.2500"}.items()
    assert version.tags.keys() >= {"promoted_at", "latency_ms", "calibration_error"}
    assert "forced" not in version.tags


def test_the_same_run_gets_one_version(opened: Store, runs: Runs, client: MlflowClient, limits: Promote) -> None:
    for run_id in (runs.good, runs.good, runs.better, runs.good):
        registry.promote(opened, run_id, limits)
    again = registry.promote(opened, runs.good, limits)
    assert again.outcome == "already champion"
    assert "already, as" in again.sentence
    assert [found.run_id for found in versions(client, limits)] == [runs.good, runs.better]


def test_a_refused_model_leaves_no_trace(opened: Store, runs: Runs, client: MlflowClient, limits: Promote) -> None:
    verdict = registry.promote(opened, runs.bad, limits)
    assert (verdict.outcome, verdict.champion) == ("refused", None)
    assert verdict.failed == ["accuracy", "calibration"]
    assert "refused by the rule on accuracy, calibration; the champion stays: none" in verdict.sentence
    assert not client.search_registered_models(f"name = '{limits.name}'")


def test_a_worse_model_than_the_champion_is_refused(opened: Store, runs: Runs, limits: Promote) -> None:
    first = registry.promote(opened, runs.best, limits)
    verdict = registry.promote(opened, runs.good, limits)
    assert (verdict.outcome, verdict.failed) == ("refused", ["champion"])
    assert registry.champion(opened, limits.name) == verdict.champion == first.champion


def test_a_slow_slide_is_stopped_by_the_best_champion_so_far(
    opened: Store, runs: Runs, limits: Promote, tmp_path: Path
) -> None:
    registry.promote(opened, runs.best, limits)
    little = log_run(opened, tmp_path, predictions(wrong=3))
    assert registry.promote(opened, little, limits).outcome == "promoted"
    verdict = registry.promote(opened, runs.better, limits)
    assert (verdict.outcome, verdict.failed) == ("refused", ["best champion so far"])
    assert "the best champion so far alone 6: a true loss of 20.0 points" in verdict.rules[-1].sentence
    registry.roll_back(opened, limits.name)
    assert [rule.name for rule in registry.promote(opened, little, limits, dry_run=True).rules][-1] == "champion"


def test_the_best_champion_of_other_data_is_no_rival(
    opened: Store, runs: Runs, limits: Promote, tmp_path: Path
) -> None:
    registry.promote(opened, runs.best, limits)
    others = [log_run(opened, tmp_path, predictions(wrong=wrong), data_version="b" * 8) for wrong in (3, 6)]
    registry.promote(opened, others[0], limits, force=True)
    assert registry.promote(opened, others[1], limits).outcome == "promoted"


def test_the_best_champion_of_a_series_has_the_smallest_error(opened: Store, limits: Promote, tmp_path: Path) -> None:
    best, middle, worst = (
        log_run(opened, tmp_path, forecasts(error), mase=0.5, task="series") for error in (0.5, 0.52, 0.56)
    )
    assert registry.promote(opened, best, limits).outcome == "promoted"
    assert registry.promote(opened, middle, limits).outcome == "promoted"
    assert registry.promote(opened, worst, limits).failed == ["best champion so far"]
    assert registry.promote(opened, worst, limits, force=True).outcome == "promoted"


def test_texts_and_a_series_have_champions_of_their_own_names(
    opened: Store, runs: Runs, client: MlflowClient, limits: Promote, tmp_path: Path
) -> None:
    registry.promote(opened, runs.good, limits)
    series = log_run(opened, tmp_path, forecasts(0.5), mase=0.5, task="series")
    told = f"promote.name: the champion of {limits.name} classifies texts, and this model predicts a series; choose"
    with pytest.raises(UserError, match=told):
        registry.promote(opened, series, limits, force=True)
    assert champion_run(opened, limits) == runs.good
    registry.promote(opened, series, limits.model_copy(update={"name": "a-series"}))
    [version] = versions(client, limits.model_copy(update={"name": "a-series"}))
    assert version.tags.items() >= {"task": "series", "test_mse": "0.2500", "test_mase": "0.5000"}.items()


def test_a_dry_run_changes_nothing(opened: Store, runs: Runs, client: MlflowClient, limits: Promote) -> None:
    verdict = registry.promote(opened, runs.good, limits, dry_run=True)
    assert verdict.outcome == "would be promoted"
    forced = registry.promote(opened, runs.bad, limits, dry_run=True, force=True)
    assert "would become the champion, against the rule on accuracy, calibration" in forced.sentence
    assert registry.promote(opened, runs.bad, limits, dry_run=True).outcome == "refused"
    assert not client.search_registered_models(f"name = '{limits.name}'")


def test_force_promotes_against_the_rule_and_says_so(
    opened: Store, runs: Runs, client: MlflowClient, limits: Promote
) -> None:
    registry.promote(opened, runs.best, limits)
    verdict = registry.promote(opened, runs.bad, limits, force=True)
    assert verdict.outcome == "promoted"
    assert registry.champion(opened, limits.name) == Version(limits.name, 2, runs.bad)
    assert versions(client, limits)[1].tags["forced"] == "accuracy, calibration, champion"
    registry.roll_back(opened, limits.name)
    anything = limits.model_copy(update={"min_accuracy": 0.0, "max_calibration_error": 0.9, "margin": 0.7})
    assert registry.promote(opened, runs.bad, anything).outcome == "promoted"
    assert "forced" not in versions(client, limits)[1].tags


def test_a_lost_champion_can_be_replaced_by_force(
    opened: Store, runs: Runs, client: MlflowClient, limits: Promote, tmp_path: Path
) -> None:
    by_hand = log_run(opened, tmp_path, rows=None)
    mlflow.register_model(f"runs:/{by_hand}/model", limits.name)
    client.set_registered_model_alias(limits.name, CHAMPION, "1")
    refused = registry.promote(opened, runs.good, limits)
    assert refused.failed == ["champion"]
    assert registry.promote(opened, runs.good, limits, force=True).outcome == "promoted"
    assert registry.roll_back(opened, limits.name).run_id == by_hand


def test_rolling_back_goes_through_all_former_champions(opened: Store, runs: Runs, limits: Promote) -> None:
    for run_id in (runs.good, runs.better, runs.good, runs.best):
        registry.promote(opened, run_id, limits)
    for former in (runs.good, runs.better, runs.good):
        assert registry.roll_back(opened, limits.name).run_id == former
        assert champion_run(opened, limits) == former
    with pytest.raises(UserError, match="no earlier champion"):
        registry.roll_back(opened, limits.name)
    registry.promote(opened, runs.best, limits)
    assert registry.roll_back(opened, limits.name).run_id == runs.good


def test_there_is_nothing_to_roll_back_to_before_the_first_champion(opened: Store, limits: Promote) -> None:
    with pytest.raises(UserError, match=f"{limits.name}: no earlier champion to roll back to"):
        registry.roll_back(opened, limits.name)


def test_deleted_versions_are_passed_over(opened: Store, runs: Runs, client: MlflowClient, limits: Promote) -> None:
    for run_id in (runs.good, runs.better, runs.good, runs.best):
        registry.promote(opened, run_id, limits)
    client.delete_model_version(limits.name, "3")
    assert registry.champion(opened, limits.name) is None
    assert registry.roll_back(opened, limits.name).run_id == runs.good
    client.delete_model_version(limits.name, "2")
    with pytest.raises(UserError, match="no earlier champion"):
        registry.roll_back(opened, limits.name)


def test_a_champion_set_by_hand_is_replaced_and_comes_back(
    opened: Store, runs: Runs, client: MlflowClient, limits: Promote
) -> None:
    for run_id in (runs.good, runs.better):
        registry.promote(opened, run_id, limits)
    client.set_registered_model_alias(limits.name, CHAMPION, "1")
    registry.promote(opened, runs.best, limits)
    assert [registry.roll_back(opened, limits.name).number for _ in range(3)] == [1, 2, 1]


@pytest.mark.parametrize(
    ("call", "champion_after"),
    [("set_registered_model_alias", "good"), ("set_registered_model_tag", "best")],
)
def test_a_promotion_cut_short_can_be_repeated(
    opened: Store,
    runs: Runs,
    client: MlflowClient,
    limits: Promote,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    champion_after: str,
) -> None:
    limits = limits.model_copy(update={"name": f"cut-{call}"})
    registry.promote(opened, runs.good, limits)
    with monkeypatch.context() as patch:
        fail_once(patch, call)
        with pytest.raises(KeyboardInterrupt):
            registry.promote(opened, runs.best, limits)
    assert champion_run(opened, limits) == getattr(runs, champion_after)
    registry.promote(opened, runs.best, limits)
    assert champion_run(opened, limits) == runs.best
    assert len(versions(client, limits)) == 2
    assert registry.roll_back(opened, limits.name).run_id == runs.good
    with pytest.raises(UserError, match="no earlier champion"):
        registry.roll_back(opened, limits.name)


@pytest.mark.parametrize("call", ["set_registered_model_tag", "set_registered_model_alias"])
def test_a_roll_back_cut_short_goes_no_step_too_far(
    opened: Store, runs: Runs, limits: Promote, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    limits = limits.model_copy(update={"name": f"back-{call}"})
    for run_id in (runs.good, runs.better, runs.best):
        registry.promote(opened, run_id, limits)
    with monkeypatch.context() as patch:
        fail_once(patch, call)
        with pytest.raises(KeyboardInterrupt):
            registry.roll_back(opened, limits.name)
    assert champion_run(opened, limits) == runs.best
    assert [registry.roll_back(opened, limits.name).run_id for _ in range(2)] == [runs.better, runs.good]


def test_a_candidate_is_judged_against_the_champion_of_whoever_was_first(
    opened: Store, runs: Runs, limits: Promote, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock: Callable[[], FileLock] = registry.lock

    def lock_after_another() -> FileLock:
        monkeypatch.setattr(registry, "lock", lock)
        assert registry.promote(opened, runs.best, limits).outcome == "promoted"
        return lock()

    monkeypatch.setattr(registry, "lock", lock_after_another)
    assert registry.promote(opened, runs.good, limits).failed == ["champion"]
    assert registry.champion(opened, limits.name) == Version(limits.name, 1, runs.best)


def test_a_promotion_waits_for_another_to_end(opened: Store, runs: Runs, limits: Promote) -> None:
    registry.promote(opened, runs.good, limits)
    waiting = threading.Thread(target=registry.promote, args=(opened, runs.best, limits))
    with store.lock():
        waiting.start()
        waiting.join(timeout=3)
        assert waiting.is_alive()
        assert champion_run(opened, limits) == runs.good
    waiting.join(timeout=60)
    assert champion_run(opened, limits) == runs.best


def test_not_even_force_registers_a_model_that_does_not_predict(
    opened: Store, client: MlflowClient, limits: Promote, tmp_path: Path
) -> None:
    run_id = log_run(opened, tmp_path, predictions(0), probability=None)
    with pytest.raises(UserError, match=f"run {run_id}: its model cannot be loaded or used"):
        registry.promote(opened, run_id, limits, force=True)
    assert not client.search_registered_models(f"name = '{limits.name}'")
