import copy
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rnnlab.project import dvc_lock
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

MD5_OF_HELLO = "5d41402abc4b2a76b9719d911017c592"


@pytest.fixture
def two_runs(settings: Params) -> Params:
    train = settings.train.model_copy(update={"seeds": (1,)})
    return settings.model_copy(update={"compare": ("rnn", "lstm"), "train": train})


def stage(name: str, epochs: int = 3) -> dict[str, Any]:
    return {
        "cmd": f"python -m stages.{name}",
        "deps": [{"path": "in", "md5": "0"}],
        "params": {"params.yaml": {"train.epochs": epochs}},
        "outs": [{"path": f"models/{name}", "md5": f"md5 of {name}", "size": 1}],
    }


def lock(**changes: Any) -> dict[str, Any]:
    names = ("sample", "ingest", "tokenize_pad", "train@rnn-1", "train@lstm-1", "evaluate", "compare", "plot")
    return {"schema": "2.0", "stages": {**{name: stage(name) for name in names}, **changes}}


def text(values: Any, tmp_path: Path) -> str:
    with (tmp_path / "dvc.lock").open("w") as stream:
        YAML(typ="safe").dump(values, stream)
    return (tmp_path / "dvc.lock").read_text()


def key(values: Any, settings: Params, tmp_path: Path) -> str:
    return dvc_lock.result_key(dvc_lock.read_lock(text(values, tmp_path), settings))


def test_the_lock_is_read_for_the_stages_in_use(two_runs: Params, tmp_path: Path) -> None:
    recorded = dvc_lock.read_lock(text(lock(), tmp_path), two_runs)
    assert list(recorded) == ["ingest", "tokenize_pad", "train@rnn-1", "train@lstm-1", "evaluate", "compare"]
    assert recorded["train@rnn-1"] == {
        "params": {"params.yaml": {"train.epochs": 3}},
        "outs": {"models/train@rnn-1": "md5 of train@rnn-1"},
    }


def test_a_stage_without_parameters_is_taken(two_runs: Params, tmp_path: Path) -> None:
    ingest = stage("ingest")
    del ingest["params"]
    assert dvc_lock.read_lock(text(lock(ingest=ingest), tmp_path), two_runs)["ingest"]["params"] == {}


def test_the_key_is_16_hex_digits(two_runs: Params, tmp_path: Path) -> None:
    recorded = key(lock(), two_runs, tmp_path)
    assert len(recorded) == 16
    assert int(recorded, 16) >= 0


@pytest.mark.parametrize("name", ["ingest", "tokenize_pad", "train@rnn-1", "evaluate", "compare"])
@pytest.mark.parametrize("part", ["params", "outs"])
def test_the_key_changes_with_parameters_and_outputs(two_runs: Params, tmp_path: Path, name: str, part: str) -> None:
    changed = stage(name, epochs=4) if part == "params" else stage(name)
    if part == "outs":
        changed["outs"][0]["md5"] = "another"
    assert key(lock(**{name: changed}), two_runs, tmp_path) != key(lock(), two_runs, tmp_path)


def with_timings(md5: str) -> dict[str, Any]:
    train = stage("train@rnn-1")
    train["outs"].append({"path": "reports/timings/rnn-1.json", "md5": md5})
    return train


@pytest.mark.parametrize(
    "changes",
    [
        {"train@rnn-9": stage("left behind")},
        {"plot": stage("another look")},
        {"train@rnn-1": with_timings("slower")},
        {"ingest": {**stage("ingest"), "cmd": "another command", "deps": []}},
    ],
    ids=["dropped seed", "presentation", "timings", "command"],
)
def test_the_key_does_not_change_with_what_makes_no_result(
    two_runs: Params, tmp_path: Path, changes: dict[str, Any]
) -> None:
    assert key(lock(**changes), two_runs, tmp_path) == key(lock(), two_runs, tmp_path)


def test_the_key_does_not_depend_on_the_order_in_the_lock(two_runs: Params, tmp_path: Path) -> None:
    turned = copy.deepcopy(lock())
    turned["stages"] = dict(reversed(turned["stages"].items()))
    assert key(turned, two_runs, tmp_path) == key(lock(), two_runs, tmp_path)


@pytest.mark.parametrize("missing", ["ingest", "train@lstm-1", "evaluate"])
def test_an_unfinished_pipeline_is_refused(two_runs: Params, tmp_path: Path, missing: str) -> None:
    values = lock()
    del values["stages"][missing]
    with pytest.raises(UserError) as mistake:
        dvc_lock.read_lock(text(values, tmp_path), two_runs)
    assert str(mistake.value) == f"dvc.lock: no stage {missing}; run `dvc repro` first"


def test_an_empty_lock_is_an_unfinished_pipeline(two_runs: Params) -> None:
    with pytest.raises(UserError, match=r"dvc\.lock: no stage ingest"):
        dvc_lock.read_lock("", two_runs)


@pytest.mark.parametrize("torn", ["stages:\n  ingest:\n    outs: [", "<<<<<<< HEAD\nstages:\n=======\nstages: {}\n"])
def test_a_torn_or_unmerged_lock_is_a_sentence(two_runs: Params, torn: str) -> None:
    with pytest.raises(UserError, match=r"^dvc\.lock: "):
        dvc_lock.read_lock(torn, two_runs)


def test_a_file_s_digest_is_dvc_s(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"hello")
    assert dvc_lock.file_digest(tmp_path / "a") == MD5_OF_HELLO
