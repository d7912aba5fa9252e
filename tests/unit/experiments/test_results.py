from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from rnnlab.experiments import dvc_experiments, results
from rnnlab.project import yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from tests.support.builders import named, predictions, result, summary
from tests.support.repository import Repository, lay_out


def test_an_experiment_is_read_from_git_and_dvc_s_cache(made_repository: Repository, settings: Params) -> None:
    made_repository.write("rnnlab/networks/models.py", "# as committed\n")
    baseline = made_repository.commit("code")
    lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
    made_repository.write("rnnlab/networks/models.py", "# not committed\n")
    found = made_repository.record("wide", baseline)
    assert dvc_experiments.recorded(made_repository.folder) == {"wide": found}
    every = [named("wide"), named("absent")]
    read = results.read_experiments(every, {"wide": found}, made_repository.cache, made_repository.folder)
    assert list(read) == ["wide"]
    wide = read["wide"]
    assert wide.baseline == baseline
    assert wide.values["train"]["seeds"] == [1, 2]
    assert wide.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)
    assert list(wide.comparison["intervals"]) == ["rnn"]  # of its predictions, by the rules of today
    assert wide.comparison["convergence"] == {"rnn": {"seeds": 1, "reasons": {}}}  # of the one history
    assert wide.timings == {Run("rnn", 1): {"epoch_seconds": [30.0, 60.0]}}
    assert wide.epoch_seconds == {"rnn": 45.0}
    assert list(wide.histories) == [Run("rnn", 1)]
    assert wide.histories[Run("rnn", 1)]["val_loss"].tolist() == [0.3, 0.2]
    assert wide.predictions is not None
    assert wide.predictions["id"].tolist() == ["r0", "r1", "r2"] * 2
    assert wide.lengths is not None
    assert wide.lengths["accuracy"].tolist() == [0.9, 0.7]
    assert wide.edited == ["rnnlab/networks/models.py"]


def test_an_experiment_from_before_is_judged_by_its_own_parameters(
    made_repository: Repository, settings: Params
) -> None:
    baseline = made_repository.commit("code")
    lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
    values = yaml_files.load((made_repository.folder / "params.yaml").read_text())
    del values["train"]["schedule"]  # which had no other value once
    values["models"]["rnn"]["train"] = {"epochs": 2}
    made_repository.write("params.yaml", values)
    found = made_repository.record("wide", baseline)
    read = results.read_experiments([named("wide")], {"wide": found}, made_repository.cache, made_repository.folder)
    assert read["wide"].comparison["convergence"]["rnn"]["reasons"] == {"1": "best epoch 2 of 2"}


def test_an_experiment_without_results_counts_as_not_run(made_repository: Repository, settings: Params) -> None:
    baseline = made_repository.commit("code")
    made_repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    found = made_repository.record("wide", baseline)
    read = results.read_experiments([named("wide")], {"wide": found}, made_repository.cache, made_repository.folder)
    assert read == {}


@pytest.mark.parametrize("lost", ["params.yaml", "reports/metrics.json"])
def test_a_result_without_parameters_or_metrics_is_a_sentence(settings: Params, lost: str) -> None:
    kept = {"params.yaml": settings.model_dump_json(by_alias=True), "reports/metrics.json": '{"rnn": {}}', lost: ""}
    with pytest.raises(
        UserError, match=f"old: this git revision holds no {lost}; name one that was made by `dvc repro`"
    ):
        results.read(lambda path: kept.get(str(path), "").encode(), "old", results.REVISION)


def test_an_empty_cache_costs_predictions_and_times_only(
    made_repository: Repository, settings: Params, tmp_path: Path
) -> None:
    baseline = made_repository.commit("code")
    lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
    found = made_repository.record("wide", baseline)
    wide = results.read_commit("wide", "DVC experiment", found, tmp_path / "no cache", made_repository.folder)
    assert wide.predictions is None
    assert wide.timings == {}
    assert list(wide.histories) == [Run("rnn", 1)]
    assert wide.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)


def test_an_experiment_has_the_results_of_its_setups() -> None:
    sweep = named(variants={"a": {}, "b": {}})
    found = {"it-b": result(), "another": result()}
    assert results.of_experiment(sweep, found) == [(sweep.setups[1], found["it-b"])]
    assert results.of_experiment(named(), found) == []


@pytest.mark.parametrize("start", ["", "..", "ab/../", "files/md5/"])
def test_a_hash_leads_to_no_file_outside_of_the_cache(
    made_repository: Repository, settings: Params, tmp_path: Path, start: str
) -> None:
    outside = tmp_path / "outside.parquet"
    predictions({"1": "oxo"}).to_parquet(outside)
    baseline = made_repository.commit("code")
    made_repository.write("reports/metrics.json", {"rnn": summary(0.6)})
    made_repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    out = {"path": "data/predictions.parquet", "md5": start + "../" * 30 + str(outside)[1:]}
    made_repository.write("dvc.lock", {"stages": {"evaluate": {"outs": [out]}}})
    found = made_repository.record("wide", baseline)
    made_repository.store(b"")  # so that the cache is there
    wide = results.read_commit("wide", "DVC experiment", found, made_repository.cache, made_repository.folder)
    assert wide.predictions is None


@pytest.mark.parametrize("content", ["[", "- 1", "&a [*a]", "compare: 3", "compare: [rnn]\ntrain: 1"])
def test_an_experiment_of_something_else_is_a_sentence(made_repository: Repository, content: str) -> None:
    baseline = made_repository.commit("code")
    made_repository.write("reports/metrics.json", {"rnn": {}})
    made_repository.write("params.yaml", content)
    found = made_repository.record("odd", baseline)
    with pytest.raises(
        UserError,
        match=r"odd: params\.yaml of this DVC experiment cannot be read .*; run it again, after `dvc exp remove`",
    ):
        results.read_experiments([named("odd")], {"odd": found}, made_repository.cache, made_repository.folder)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, []),
        ({"tokenize_pad": {"max_length": 9}}, ["tokenize_pad.max_length"]),
        ({"tokenize_pad": {}}, ["tokenize_pad.max_length"]),
        ({"promote": {"name": "x"}}, []),
        ({"train": {"seeds": [1], "epochs": 4}}, ["train.epochs"]),
        ({"train": {"seeds": [2], "epochs": 4}}, []),
    ],
    ids=["unchanged", "changed", "removed", "read by no stage", "of a training", "of a training not in use"],
)
def test_parameters_changed_since_the_result_are_found(changes: Mapping[str, Any], keys: Sequence[str]) -> None:
    values = {"compare": ["rnn"], "train": {"seeds": [1], "epochs": 3}, "tokenize_pad": {"max_length": 5}, **changes}
    stages = {
        "tokenize_pad": {"params": {"params.yaml": {"tokenize_pad": {"max_length": 5}}}},
        "train@rnn-1": {"params": {"params.yaml": {"train.epochs": 3}}},
    }
    assert results.outdated(values, stages) == keys
