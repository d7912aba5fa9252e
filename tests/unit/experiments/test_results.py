from pathlib import Path

import pytest

from rnnlab.experiments import dvc_experiments, outcomes
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from tests.support.builders import named, outcome, predictions, summary
from tests.support.repository import Repository, lay_out


def test_an_experiment_is_read_from_git_and_dvc_s_cache(made_repository: Repository, settings: Params) -> None:
    made_repository.write("rnnlab/networks/models.py", "# as committed\n")
    baseline = made_repository.commit("code")
    lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
    made_repository.write("rnnlab/networks/models.py", "# not committed\n")
    found = made_repository.record("wide", baseline)
    assert dvc_experiments.recorded(made_repository.folder) == {"wide": found}
    every = [named("wide"), named("absent")]
    read = outcomes.read_outcomes(every, {"wide": found}, made_repository.cache, made_repository.folder)
    assert list(read) == ["wide"]
    wide = read["wide"]
    assert wide.baseline == baseline
    assert wide.values["train"]["seeds"] == [1, 2]
    assert wide.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)
    assert wide.comparison == {}
    assert wide.seconds == {Run("rnn", 1): [30.0, 60.0]}
    assert list(wide.histories) == [Run("rnn", 1)]
    assert wide.histories[Run("rnn", 1)]["val_loss"].tolist() == [0.3, 0.2]
    assert wide.predictions is not None
    assert wide.predictions["id"].tolist() == ["r0", "r1", "r2"] * 2
    assert wide.lengths is not None
    assert wide.lengths["accuracy"].tolist() == [0.9, 0.7]
    assert wide.edited == ["rnnlab/networks/models.py"]


def test_an_experiment_without_results_counts_as_not_run(made_repository: Repository, settings: Params) -> None:
    baseline = made_repository.commit("code")
    made_repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    found = made_repository.record("wide", baseline)
    assert outcomes.read_outcome(found, made_repository.cache, made_repository.folder) is None


def test_an_empty_cache_costs_predictions_and_times_only(
    made_repository: Repository, settings: Params, tmp_path: Path
) -> None:
    baseline = made_repository.commit("code")
    lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
    found = made_repository.record("wide", baseline)
    wide = outcomes.read_outcome(found, tmp_path / "no cache", made_repository.folder)
    assert wide is not None
    assert wide.predictions is None
    assert wide.seconds == {}
    assert list(wide.histories) == [Run("rnn", 1)]
    assert wide.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)


def test_an_experiment_has_the_outcomes_of_its_setups() -> None:
    sweep = named(variants={"a": {}, "b": {}})
    found = {"it-b": outcome(), "another": outcome()}
    assert outcomes.of_experiment(sweep, found) == [(sweep.setups[1], found["it-b"])]
    assert outcomes.of_experiment(named(), found) == []


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
    wide = outcomes.read_outcome(found, made_repository.cache, made_repository.folder)
    assert wide is not None
    assert wide.predictions is None


@pytest.mark.parametrize("content", ["[", "- 1", "&a [*a]", "compare: 3", "compare: [rnn]\ntrain: 1"])
def test_an_experiment_of_something_else_is_a_sentence(made_repository: Repository, content: str) -> None:
    baseline = made_repository.commit("code")
    made_repository.write("reports/metrics.json", {"rnn": {}})
    made_repository.write("params.yaml", content)
    found = made_repository.record("odd", baseline)
    with pytest.raises(UserError, match="odd: what this experiment holds is no result; `dvc exp remove odd`"):
        outcomes.read_outcomes([named("odd")], {"odd": found}, made_repository.cache, made_repository.folder)
