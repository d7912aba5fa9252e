from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import mlflow
import pandas as pd
import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric

from rnnlab.tracking.transfer.copies import COMPLETE, FROM, STORE
from rnnlab.tracking.transfer.transfer import Summary, transfer
from tests.support.transfers import START, Stores, content, fill, run

TEXTS = pd.DataFrame({"text": ["a good fine film", "a bad film", "good"]})

pytestmark = pytest.mark.usefixtures("bare_mlflow")


class Moved(NamedTuple):
    source: MlflowClient
    target: MlflowClient
    summary: Summary


# A test process may come back to this module: what was moved once is not moved again.
DONE: list[Moved] = []


@pytest.fixture(scope="module")
def moved(stores: Stores, bare_mlflow: None, tmp_path_factory: pytest.TempPathFactory) -> Moved:
    if not DONE:
        fill(stores.source, "moved", tmp_path_factory.mktemp("moved"))
        summary = transfer(stores.source, stores.server, "moved")
        DONE.append(Moved(MlflowClient(stores.source), MlflowClient(stores.server), summary))
    return DONE[0]


def stop_at(number: int) -> Callable[[str], None]:
    """A teller of progress that dies with its line of that number."""
    lines: list[str] = []

    def say(line: str) -> None:
        lines.append(line)
        if len(lines) == number:
            raise KeyboardInterrupt

    return say


def test_everything_arrives(moved: Moved) -> None:
    assert moved.summary[:5] == (4, 0, 1, 2, 0)
    arrived = content(moved.target, "moved")
    assert set(arrived["runs"]) == {"parent", "child", "evaluation", "going"}
    left = content(moved.source, "moved")
    for name, found in left["runs"].items():
        assert arrived["runs"][name] == found
    assert arrived == left


def test_a_copy_tells_where_it_came_from(moved: Moved, stores: Stores) -> None:
    originals = moved.source.search_runs([moved.source.get_experiment_by_name("moved").experiment_id])
    ids = {found.info.run_name: found.info.run_id for found in originals}
    copies = moved.target.search_runs([moved.target.get_experiment_by_name("moved").experiment_id])
    assert {copy.info.run_name: copy.data.tags[FROM] for copy in copies} == ids
    assert all(copy.data.tags[STORE].startswith(stores.source) for copy in copies)
    assert all(COMPLETE in copy.data.tags for copy in copies)


@pytest.mark.parametrize("address", ["runs:/{run}/model", "models:/moved-model@champion"])
def test_the_model_predicts_the_same_from_the_target(moved: Moved, stores: Stores, address: str) -> None:
    answers = []
    for client in (moved.source, moved.target):
        [child] = client.search_runs([client.get_experiment_by_name("moved").experiment_id], "run_name = 'child'")
        mlflow.set_tracking_uri(client.tracking_uri)
        model = mlflow.pyfunc.load_model(address.format(run=child.info.run_id))
        assert model.metadata.run_id == child.info.run_id
        answers.append(model.predict(TEXTS)["found"].tolist())
    assert answers == [[2, 0, 1]] * 2


def test_a_second_call_copies_nothing(moved: Moved, stores: Stores) -> None:
    before = content(moved.target, "moved")
    lines: list[str] = []
    again = transfer(stores.source, stores.server, "moved", lines.append)
    assert (again[:5], lines) == ((0, 4, 0, 0, 2), [])
    assert "moved-model@champion" not in again.aliases_kept
    assert content(moved.target, "moved") == before


def test_interrupted_calls_end_complete_and_without_duplicates(stores: Stores, tmp_path: Path) -> None:
    fill(stores.source, "cut", tmp_path)
    # In the order of lines: a run alone, a run whose model is due, a version.
    for number, whole in ((2, 1), (4, 3), (3, 4)):
        with pytest.raises(KeyboardInterrupt):
            transfer(stores.source, stores.server, "cut", stop_at(number))
        target = MlflowClient(stores.server)
        place = target.get_experiment_by_name("cut").experiment_id
        assert sum(COMPLETE in copy.data.tags for copy in target.search_runs([place])) == whole
    last = transfer(stores.source, stores.server, "cut")
    assert (last.runs_copied, last.runs_skipped) == (0, 4)
    assert last.versions_copied + last.versions_skipped == 2
    assert content(target, "cut") == content(MlflowClient(stores.source), "cut")
    assert len(target.search_model_versions("name = 'cut-model'")) == 2


def test_a_run_that_went_on_replaces_its_copy(stores: Stores, tmp_path: Path) -> None:
    source, target = MlflowClient(stores.source), MlflowClient(stores.server)
    place = source.create_experiment("live", tmp_path.as_uri())
    going, done = run(source, place, "going", START), run(source, place, "done", START)
    source.set_terminated(done, "FINISHED", START + 1)
    transfer(stores.source, stores.server, "live")
    source.log_metric(going, "loss", 0.5)
    source.set_terminated(going, "FINISHED", START + 2)
    assert transfer(stores.source, stores.server, "live")[:2] == (1, 1)
    assert content(target, "live") == content(source, "live")


def test_a_model_that_a_run_got_after_it_was_copied_follows(stores: Stores, tmp_path: Path) -> None:
    source, target = MlflowClient(stores.source), MlflowClient(stores.server)
    place = source.create_experiment("late", tmp_path.as_uri())
    done = run(source, place, "done", START)
    source.set_terminated(done, "FINISHED", START + 1)
    transfer(stores.source, stores.server, "late")
    model = source.create_logged_model(place, "model", source_run_id=done)
    assert transfer(stores.source, stores.server, "late")[:3] == (0, 1, 1)
    [copy] = target.search_logged_models([target.get_experiment_by_name("late").experiment_id])
    assert copy.tags[FROM] == model.model_id
    [owner] = target.search_runs([copy.experiment_id])
    assert copy.source_run_id == owner.info.run_id


def test_a_figure_of_a_model_is_no_number_only_where_it_was_none(stores: Stores, tmp_path: Path) -> None:
    source, target = MlflowClient(stores.source), MlflowClient(stores.server)
    place = source.create_experiment("numbers", tmp_path.as_uri())
    made = run(source, place, "made", START)
    model_id = source.create_logged_model(place, "model", source_run_id=made).model_id
    values = [float("nan"), 0.0, 0.5]
    source.log_batch(made, [Metric("f1", value, START + at, at, model_id) for at, value in enumerate(values)])
    transfer(stores.source, stores.server, "numbers")
    [copy] = target.search_runs([target.get_experiment_by_name("numbers").experiment_id])
    points = target.get_metric_history(copy.info.run_id, "f1")
    assert [(point.step, repr(point.value)) for point in points] == [(0, "nan"), (1, "0.0"), (2, "0.5")]
