import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient
from ruamel.yaml import YAML

from rnnlab.experiments import comparison, comparison_tables, mlflow_results, named_results
from rnnlab.project.errors import UserError
from rnnlab.project.params import Run
from rnnlab.project.results import Result
from rnnlab.tracking import store
from rnnlab.tracking.store import Store
from tests.support.builders import COMMIT, history, predictions, result, summary
from tests.support.repository import Repository

LOCK = {"stages": {"ingest": {"outs": [{"path": "data/interim/rows.parquet", "md5": "fe286f4c" * 4}]}}}
HITS = {("rnn", 1): "oxxo", ("rnn", 2): "oxxx", ("lstm", 1): "oooo", ("lstm", 2): "ooox"}


class Logged:
    """A store with what `stages.track` logs, but no models to load."""

    def __init__(self, opened: Store, folder: Path) -> None:
        self.store, self.folder = opened, folder
        self.client = MlflowClient(opened.uri)

    def run(
        self,
        name: str,
        tags: Mapping[str, str],
        files: Mapping[str, Any],
        metrics: Mapping[str, float] | None = None,
        status: str = "FINISHED",
    ) -> str:
        every = {"mlflow.source.git.commit": COMMIT, "dvc_experiment": "", **tags}
        run_id = self.client.create_run(self.store.experiment_id, tags=every, run_name=name).info.run_id
        for key, value in (metrics or {}).items():
            self.client.log_metric(run_id, key, value)
        for path, content in files.items():
            target = self.folder / path
            if isinstance(content, pd.DataFrame):
                content.to_csv(target) if path.endswith(".csv") else content.to_parquet(target)
            elif path.endswith(".json"):
                target.write_text(json.dumps(content))
            else:
                with target.open("w") as stream:
                    YAML(typ="safe").dump(content, stream)
            self.client.log_artifact(run_id, str(target))
        self.client.set_terminated(run_id, status)
        return str(run_id)

    def pipeline(self, name: str, keep_predictions: bool = True) -> dict[str, str]:
        """Logs rnn and lstm with two seeds, and a baseline; returns ids by name."""
        values = dict(result().values) | {"compare": ["rnn", "lstm"], "baselines": ["tfidf"]}
        scores = {"rnn": summary(0.5, 0.25), "lstm": summary(1.0, 0.75), "tfidf": summary(0.8)}
        parent = self.run(name, {"kind": "pipeline"}, {"params.yaml": values, "metrics.json": scores, "dvc.lock": LOCK})
        ids = {name: parent}
        for (model, seed), letters in HITS.items():
            tags = {"kind": "model", "model": model, "seed": str(seed), "mlflow.parentRunId": parent}
            rows = predictions({"only": letters}).drop(columns=["model", "seed"])
            metrics = {"test_accuracy": letters.count("o") / 4, "parameters": 1234.0, "seconds_per_epoch": float(seed)}
            files = {f"{model}-{seed}.csv": history(0.3, 0.1 * seed)}
            files |= {"predictions.parquet": rows} if keep_predictions else {}
            ids[f"{model}-{seed}"] = self.run(f"{model}-{seed}", tags, files, {**metrics, "best_val_loss": 0.1})
        tags = {"kind": "baseline", "model": "tfidf", "mlflow.parentRunId": parent, "dvc_experiment": name}
        ids["tfidf"] = self.run("tfidf", tags, {}, {"test_accuracy": 0.8, "parameters": 9.0})
        return ids

    def find(self, name: str) -> Result:
        found = mlflow_results.find(self.store, name)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("root")


@pytest.fixture(scope="module")
def logged(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    """One store for all tests here, to make it takes seconds: each logs runs of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("MLFLOW_TRACKING_URI", raising=False)
        environment.setenv("DVC_ROOT", str(root))
        yield Logged(store.connect(), tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def wide(logged: Logged) -> dict[str, str]:
    """Runs of a pipeline called wide, by name."""
    return logged.pipeline("wide")


def test_a_pipeline_is_read_back_whole(logged: Logged, wide: dict[str, str]) -> None:
    found = logged.find("wide")
    assert (found.name, found.kind) == (f"wide ({wide['wide'][:8]})", "MLflow run of a pipeline")
    assert found.code == COMMIT[:10]
    assert found.models == ["rnn", "lstm", "tfidf"]
    assert found.values["train"]["seeds"] == [1, 2]
    assert found.metrics["lstm"]["mean"]["accuracy"] == 0.875
    assert found.epoch_seconds == {"rnn": 1.5, "lstm": 1.5}
    assert comparison_tables.data_version(found, "clean rows") == "fe286f4c"
    assert found.predictions is not None
    assert sorted(set(zip(found.predictions["model"], found.predictions["seed"], strict=True))) == sorted(HITS)
    assert found.histories.keys() == set(HITS)
    assert found.histories[Run("lstm", 2)]["val_loss"].tolist() == [0.3, 0.2]


def test_a_model_is_read_with_the_parameters_of_its_pipeline(logged: Logged, wide: dict[str, str]) -> None:
    found = logged.find(wide["lstm-2"])
    assert (found.name, found.kind) == (f"lstm-2 ({wide['lstm-2'][:8]})", "MLflow run of lstm, seed 2")
    assert (found.values["compare"], found.values["train"]["seeds"], found.values["baselines"]) == (["lstm"], [2], [])
    assert found.values["train"]["epochs"] == 3
    assert found.metrics == {"lstm": {"mean": {"accuracy": 0.75}, "per_seed": {}, "parameters": 1234}}
    assert comparison_tables.data_version(found, "clean rows") == "fe286f4c"


def test_a_run_without_predictions_names_the_experiment_that_may_have_them(
    logged: Logged, wide: dict[str, str]
) -> None:
    found = logged.find(wide["tfidf"])
    assert found.models == ["tfidf"]
    assert found.predictions is None
    assert found.lost.endswith("DVC may have them, name its experiment wide instead")


def test_two_models_are_compared_row_by_row(logged: Logged, wide: dict[str, str]) -> None:
    page = comparison.page([logged.find(wide["rnn-1"][:8]), logged.find(wide["lstm-1"])])
    names = " and ".join(f"{name} ({wide[name][:8]})" for name in ("lstm-1", "rnn-1"))
    assert f"- not shown that {names} differ: 50.0 points" in page  # over four rows


def test_a_model_is_compared_with_the_same_seed_of_a_pipeline(logged: Logged, wide: dict[str, str]) -> None:
    whole, one = logged.find("wide"), logged.find(wide["lstm-2"])
    [sentence] = comparison.differences(whole, [one])
    assert sentence.startswith(f"lstm: {one.name} and {whole.name} score the same on every test row")
    assert sentence.endswith("; over the seed that both have")


def test_a_name_that_several_runs_have_lists_their_ids(logged: Logged, wide: dict[str, str]) -> None:
    again = logged.run("rnn-1", {"kind": "model", "model": "rnn", "seed": "1", "dvc_experiment": "deep"}, {})
    with pytest.raises(UserError, match="rnn-1: 2 MLflow runs have this name; name one by its id: ") as caught:
        logged.find("rnn-1")
    assert f"{again[:8]} (of deep)" in str(caught.value)
    assert f"{wide['rnn-1'][:8]} (of the workspace)" in str(caught.value)


def test_what_holds_no_result_is_refused(logged: Logged) -> None:
    logged.run("rnn-1 (training)", {"kind": "live"}, {})
    logged.run("broken", {"kind": "pipeline"}, {}, status="FAILED")
    logged.run("bare", {"kind": "pipeline"}, {})
    for name in ("rnn-1 (training)", "broken"):
        with pytest.raises(UserError, match="no finished result"):
            logged.find(name)
    with pytest.raises(
        UserError, match=r"bare \(\w{8}\): this MLflow run of a pipeline holds no params\.yaml; name another run"
    ):
        logged.find("bare")


@pytest.mark.parametrize("name", ["absent", "0123456789abcdef", "it's", 'it\'s "it"', "%", "a\\b"])
def test_a_name_that_no_run_has_finds_nothing(logged: Logged, wide: dict[str, str], name: str) -> None:
    assert mlflow_results.find(logged.store, name) is None


def test_a_short_prefix_of_an_id_is_not_taken_for_one(logged: Logged, wide: dict[str, str]) -> None:
    assert mlflow_results.find(logged.store, wide["wide"][:7]) is None


def test_a_run_is_found_after_git_and_close_names_are_told(
    logged: Logged, wide: dict[str, str], root: Path, made_repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_repository.commit("code")
    monkeypatch.setenv("DVC_ROOT", str(root))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert named_results.find("wide", made_repository.folder).kind == "MLflow run of a pipeline"
    with pytest.raises(UserError, match=r"wied: no result has this name \(did you mean wide"):
        named_results.find("wied", made_repository.folder)
