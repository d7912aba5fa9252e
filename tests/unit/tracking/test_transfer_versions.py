from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.tracking.champion import CHAMPION, HISTORY
from rnnlab.tracking.transfer.transfer import transfer
from tests.support.transfers import Stores, fill, make_small, own

pytestmark = pytest.mark.usefixtures("bare_mlflow")


def test_versions_and_their_names_arrive(stores: Stores, tmp_path: Path) -> None:
    fill(stores.source, "named", tmp_path)
    transfer(stores.source, stores.server, "named")
    target = MlflowClient(stores.server)
    first, second = sorted(target.search_model_versions("name = 'named-model'"), key=lambda found: found.version)
    assert (own(first.tags), first.description) == ({"passed": "2"}, "the second")
    assert target.get_run(first.run_id).info.run_name == "child"
    assert second.source == f"runs:/{first.run_id}/extra"
    registered = target.get_registered_model("named-model")
    assert {alias: str(number) for alias, number in registered.aliases.items()} == {CHAMPION: str(first.version)}
    assert registered.tags[HISTORY] == str(first.version)  # the number there, without the deleted version


def test_an_alias_of_the_target_is_never_moved(stores: Stores, tmp_path: Path) -> None:
    fill(stores.source, "theirs", tmp_path)
    target = MlflowClient(stores.server)
    target.create_registered_model("theirs-model")
    theirs = target.create_model_version("theirs-model", "s3://bucket/model")
    target.set_registered_model_alias("theirs-model", CHAMPION, theirs.version)
    summary = transfer(stores.source, stores.server, "theirs")
    registered = target.get_registered_model("theirs-model")
    assert str(registered.aliases[CHAMPION]) == str(theirs.version)
    assert HISTORY not in registered.tags
    assert summary.aliases_kept == ("theirs-model@champion",)
    assert (summary.versions_copied, len(target.search_model_versions("name = 'theirs-model'"))) == (2, 3)


def test_a_version_of_other_runs_is_left_out_and_named(stores: Stores, tmp_path: Path) -> None:
    source = make_small(stores.source, "alone", tmp_path)
    source.create_registered_model("foreign")
    source.create_model_version("foreign", "s3://bucket/model")
    summary = transfer(stores.source, stores.server, "alone")
    assert "foreign/1" in summary.left_out
    assert MlflowClient(stores.server).search_registered_models("name = 'foreign'") == []
