import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from dvc.utils.cli_parse import to_path_overrides
from dvc.utils.hydra import apply_overrides, to_hydra_overrides
from ruamel.yaml import YAML

from rnnlab.experiments import catalogue, dvc_experiments
from rnnlab.experiments.catalogue import Setup
from rnnlab.project import overrides, params
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.builders import named as it

ROOT = Path(__file__).parents[3]
COMMITTED = sorted(file.stem for file in (ROOT / "experiments").glob("*.yaml"))

VALUES = [
    3,
    -1,
    0.001,
    1e-05,
    2.5e20,
    0.0,
    True,
    False,
    None,
    "lstm",
    "mean_max",
    "data/sample/series.csv",
    "/tmp/a b/c.csv",
    "/tmp/x=1,y=2.csv",
    "~/reviews.csv",
    "",
    " padded ",
    "true",
    "Null",
    "nan",
    "inf",
    "1",
    "1e5",
    "0x1",
    "a:b",
    "tab",
    ";",
    ",",
    "|",
    "<unk>",
    "it's",
    'say "so"',
    "both ' and \"",
    "back\\slash",
    "ends in \\",
    'a \\" b',
    "\\\\",
    "[1, 2]",
    "{a: 1}",
    "é – ü",
    "$HOME",
    "${seed}",
    "/tmp/${oc.env:HOME}/c.csv",
    "both $${seed} and ${",
    "\\${seed} then \\\\${seed}\\",
    'quoted "${seed}"',
    "}",
    "data/~a/~b.csv",
    "a(b)",
    "*?#%&!",
    [],
    [1, 2, 3],
    ["rnn", "lstm"],
    ["0", "1"],
    ["very bad", "good, really"],
    ["${seed}", "${"],
    [None, True, 1.5, "x"],
]


def test_dvc_reads_back_every_value_that_is_printed(settings: Params, tmp_path: Path) -> None:
    written = {f"key_{number}": value for number, value in enumerate(VALUES)}
    line = shlex.join(dvc_experiments.command(Setup("x", written, settings), queue=False, csv=None))
    words = shlex.split(line)
    assert words[:6] == ["dvc", "exp", "run", "--name", "x", "--temp"]
    [(file, overrides)] = to_path_overrides(words[7::2]).items()
    parsed = to_hydra_overrides(overrides)
    assert file == "params.yaml"
    assert [change.key_or_group for change in parsed] == [*written]
    assert not any(change.is_sweep_override() for change in parsed)
    (tmp_path / file).write_text("".join(f"{key}: 0\n" for key in written))
    apply_overrides(tmp_path / file, overrides)
    read = YAML(typ="safe").load(tmp_path / file)
    assert read == written
    assert {key: type(value) for key, value in read.items()} == {key: type(value) for key, value in written.items()}


def test_dvc_adds_an_option_that_a_model_has_of_its_own(settings: Params, tmp_path: Path) -> None:
    written = {"models.rnn.train.clip_norm": None, "models.rnn.train.schedule": "cosine", "train.epochs": 3}
    words = dvc_experiments.command(Setup("x", written, settings), queue=True, csv=None)[7::2]
    (tmp_path / "params.yaml").write_text("{train: {epochs: 1}, models: {rnn: {units: 8}}}")
    apply_overrides(tmp_path / "params.yaml", words)
    read = YAML(typ="safe").load(tmp_path / "params.yaml")
    assert read["models"]["rnn"] == {"units": 8, "train": {"clip_norm": None, "schedule": "cosine"}}
    assert read["train"] == {"epochs": 3}


@pytest.mark.parametrize(
    ("value", "text"), [("data/a.csv", "data/a.csv"), ("a b", '"a b"'), (["0", None, True], '["0",null,true]')]
)
def test_what_needs_no_quotes_gets_none(value: Any, text: str) -> None:
    assert overrides.override(value) == text


def test_the_queue_takes_the_same_command(settings: Params) -> None:
    setup = Setup("x", {"train.epochs": 3}, settings)
    assert dvc_experiments.command(setup, queue=True, csv=None) == (
        ["dvc", "exp", "run", "--name", "x", "--queue", "-S", "train.epochs=3"]
    )


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_experiment_sets_exactly_its_keys_and_dvc_makes_them_these_params(
    settings: Params, tmp_path: Path, name: str
) -> None:
    named = catalogue.load(name, settings, ROOT / "experiments")
    csv = "/tmp/my reviews, all=50k.csv" if named.data == "imdb" else None
    for setup in named.setups:
        command = shlex.split(shlex.join(dvc_experiments.command(setup, queue=False, csv=csv)))
        overrides = command[7::2]
        assert command[6::2] == ["-S"] * len(overrides)
        keys = [word.partition("=")[0].removeprefix("++") for word in overrides]
        assert keys == [*setup.changes, *(["data.csv"] if csv else [])]
        shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
        apply_overrides(tmp_path / "params.yaml", overrides)
        data = setup.settings.data.model_copy(update={"csv": csv or setup.settings.data.csv})
        assert params.read(tmp_path / "params.yaml") == setup.settings.model_copy(update={"data": data})


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A repository of Git that is the working directory."""
    place = tmp_path / "project"
    (place / "data/raw").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(place)
    subprocess.run(["git", "init", "--quiet"], check=True)
    return place


def test_reviews_are_named_by_flag_then_environment_then_habit(repository: Path, tmp_path: Path) -> None:
    named = it(data="imdb")
    for name in ("flag.csv", "environment.csv", "project/data/raw/imdb.csv"):
        (tmp_path / name).touch()
    environment = {"IMDB_CSV": str(tmp_path / "environment.csv")}
    assert dvc_experiments.find_reviews(named, "../flag.csv", environment) == str(tmp_path / "flag.csv")
    assert dvc_experiments.find_reviews(named, "", environment) == str(tmp_path / "environment.csv")
    assert dvc_experiments.find_reviews(named, None, {"IMDB_CSV": ""}) == str(repository / "data/raw/imdb.csv")


def test_a_tilde_that_no_shell_has_seen_is_the_home_folder(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = it(data="imdb")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("home/mine.csv", "project/~mine.csv", "project/a~b/~mine.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert dvc_experiments.find_reviews(named, "~/mine.csv", {}) == str(tmp_path / "home/mine.csv")
    assert dvc_experiments.find_reviews(named, None, {"IMDB_CSV": "~/mine.csv"}) == str(tmp_path / "home/mine.csv")
    for place in ("~mine.csv", "a~b/~mine.csv"):
        assert dvc_experiments.find_reviews(named, place, {}) == str(repository / place)
    with pytest.raises(UserError, match=rf"^{tmp_path}/home/no\.csv: no such file; "):
        dvc_experiments.find_reviews(named, "~/no.csv", {})
    (repository / "~").mkdir()
    (repository / "~/mine.csv").touch()
    assert dvc_experiments.find_reviews(named, "~/mine.csv", {}) == str(repository / "~/mine.csv")


@pytest.mark.parametrize("added", ["imdb.csv", "imdb.csv.dvc"])
@pytest.mark.parametrize("given", ["data/raw/imdb.csv", "data/../data/raw/imdb.csv", "whole"])
def test_reviews_that_a_copy_of_the_workspace_holds_are_named_from_its_root(
    repository: Path, added: str, given: str
) -> None:
    (repository / "data/raw/imdb.csv").touch()
    (repository / "data/raw" / added).touch()
    subprocess.run(["git", "add", f"data/raw/{added}"], check=True)
    csv = str(repository / "data/raw/imdb.csv") if given == "whole" else given
    assert dvc_experiments.find_reviews(it(data="imdb"), csv, {}) == "data/raw/imdb.csv"


def test_missing_reviews_are_a_sentence_that_says_where_to_get_them(repository: Path) -> None:
    with pytest.raises(UserError) as mistake:
        dvc_experiments.find_reviews(it(data="imdb"), None, {})
    assert str(mistake.value).startswith("data/raw/imdb.csv: no such file; it reads the 50,000 IMDB reviews (")
    assert "--csv" in str(mistake.value)
    assert "IMDB_CSV" in str(mistake.value)


def test_embedded_data_need_no_reviews() -> None:
    named = it(data="embedded")
    assert dvc_experiments.find_reviews(named, None, {"IMDB_CSV": "/nowhere"}) is None
    with pytest.raises(UserError, match=r"^--csv: it runs on the embedded data; leave it out$"):
        dvc_experiments.find_reviews(named, "mine.csv", {})


def commit(message: str) -> str:
    author = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    command = ["git", *author, "commit", "--quiet", "--allow-empty", "-m", message]
    subprocess.run(command, check=True)
    return subprocess.run(["git", "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()


def test_dvc_s_experiments_are_listed_with_where_they_started(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def record(name: str, baseline: str, found: str) -> None:
        subprocess.run(["git", "update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", found], check=True)

    assert dvc_experiments.recorded() == {}
    first = commit("first")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
    old, elder = commit("old"), commit("elder")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2002-01-01T00:00:00Z")
    new = commit("new")
    record("wide", first, new)
    record("wide", old, elder)
    record("far-10", first, old)
    subprocess.run(["git", "update-ref", "refs/exps/celery/stash", new], check=True)
    found = {"wide": dvc_experiments.Recorded(new, first), "far-10": dvc_experiments.Recorded(old, first)}
    assert dvc_experiments.recorded() == dvc_experiments.recorded(repository) == found


def test_experiments_that_wait_in_dvc_s_queue_are_listed(repository: Path) -> None:
    assert dvc_experiments.queued() == set()
    sha = commit("first")
    for name in ("far-10", "wide"):
        message = f"commit: dvc-exp:{sha}:{sha}:{name}"
        subprocess.run(
            ["git", "update-ref", "--create-reflog", "-m", message, "refs/exps/celery/stash", sha], check=True
        )
        subprocess.run(["git", "update-ref", "--create-reflog", "refs/exps/celery/stash", commit(name)], check=True)
    assert dvc_experiments.queued() == {"far-10", "wide"}


def test_a_name_that_dvc_has_is_not_run_again() -> None:
    named = it("far", variants={"10": {}, "20": {}})
    assert [setup.name for setup in dvc_experiments.pending(named, {"wide"})] == ["far-10", "far-20"]
    assert [setup.name for setup in dvc_experiments.pending(named, {"far-10"})] == ["far-20"]
    with pytest.raises(UserError) as mistake:
        dvc_experiments.pending(named, {"far-20", "far-10"})
    assert str(mistake.value) == "far exists already; `dvc exp remove far-10 far-20` to run it again"


def test_without_a_dvc_project_there_is_no_cache(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^dvc cache dir failed: ERROR: "):
        dvc_experiments.cache(tmp_path)
