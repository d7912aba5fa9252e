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

from rnnlab import experiments, params
from rnnlab.errors import UserError
from rnnlab.experiments import Named, Setup
from rnnlab.params import Params

ROOT = Path(__file__).parents[2]
COMMITTED = sorted(file.stem for file in (ROOT / "experiments").glob("*.yaml"))
TEXTS = {"title": "A title", "reproduces": "something", "expects": "something else"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder of experiments."""
    place = tmp_path / "experiments"
    place.mkdir()
    return place


def write(folder: Path, name: str, **values: Any) -> Path:
    """Writes an experiment on embedded data; None leaves a key out."""
    whole = {key: value for key, value in {**TEXTS, "data": "embedded", **values}.items() if value is not None}
    source = folder / f"{name}.yaml"
    with source.open("w") as stream:
        YAML(typ="safe").dump(whole, stream)
    return source


def complaint(folder: Path, name: str, settings: Params) -> str:
    with pytest.raises(UserError) as mistake:
        experiments.load(name, settings, folder)
    assert "\n" not in str(mistake.value)
    return str(mistake.value)


def committed(name: str, settings: Params) -> Named:
    return experiments.load(name, settings, ROOT / "experiments")


def test_an_experiment_is_its_params_on_top_of_the_project_s(folder: Path, settings: Params) -> None:
    write(folder, "wide", params={"models.lstm.units": 64, "train.clip_norm": None, "compare": ["lstm"]})
    named = experiments.load("wide", settings, folder)
    [setup] = named.setups
    assert setup.name == named.name == "wide"
    assert setup.settings.models["lstm"].units == 64
    assert setup.settings.train.clip_norm is None
    assert setup.settings.compare == ("lstm",)
    assert setup.settings.model_copy(update={"compare": settings.compare}).runs == settings.runs
    assert named.runs == len(settings.train.seeds)
    assert settings.models["lstm"].units != 64


def test_variants_are_experiments_of_their_own(folder: Path, settings: Params) -> None:
    variants = {"10": {"sample.distance": 10}, 400: {"sample.distance": 400, "train.epochs": 2}}
    write(folder, "far", params={"train.seeds": [1], "train.epochs": 3}, variants=variants)
    named = experiments.load("far", settings, folder)
    assert [setup.name for setup in named.setups] == ["far-10", "far-400"]
    assert [setup.settings.train.epochs for setup in named.setups] == [3, 2]
    assert [setup.settings.sample.distance for setup in named.setups] == [10, 400]
    assert named.runs == 2 * len(settings.compare)


def test_an_experiment_starts_from_the_one_it_extends(folder: Path, settings: Params) -> None:
    write(folder, "root", data="imdb", params={"train.epochs": 3, "train.seeds": [1, 2]})
    write(folder, "middle", data=None, extends="root", params={"train.epochs": 4})
    write(folder, "a-leaf", data=None, extends="middle", params={"train.seeds": [5]})
    leaf = experiments.load("a-leaf", settings, folder)
    assert leaf.params == {"train.epochs": 4, "train.seeds": [5]}
    assert leaf.data == "imdb"
    assert leaf.lineage == ("root", "middle", "a-leaf")
    assert [named.name for named in experiments.load_all(settings, folder)] == ["root", "middle", "a-leaf"]


def test_a_sweep_hands_on_what_its_variants_share(folder: Path, settings: Params) -> None:
    write(folder, "sweep", params={"train.epochs": 3}, variants={"a": {"sample.distance": 10}})
    write(folder, "heir", data=None, extends="sweep")
    assert [setup.changes for setup in experiments.load("heir", settings, folder).setups] == [{"train.epochs": 3}]


@pytest.mark.parametrize(
    ("params_", "sentence"),
    [
        ({"models.rnn.unit": 3}, "models.rnn.unit: unknown key; did you mean units?"),
        ({"trian.epochs": 3}, "trian.epochs: unknown key; did you mean train?"),
        ({"models.big.units": 3}, "models.big.units: unknown key (known: rnn, lstm, gru)"),
        ({"train.epochs.most": 3}, "train.epochs.most: unknown key"),
        ({"validate.severity.leekage": "warning"}, "validate.severity.leekage: unknown key; did you mean leakage?"),
        ({"train.epochs": "ten"}, "train.epochs: must be a valid integer, not 'ten'"),
        ({"train.epochs": 2.0}, "train.epochs: must be a valid integer, not 2.0"),
        ({"models.rnn.dropout": 1.0}, "models.rnn.dropout: must be less than 1, not 1.0"),
        ({"compare": ["rnn", "transformer"]}, "compare: no model transformer under models"),
        ({"task": "series"}, "split.method: the series task splits chronological, not random"),
        (
            {
                "task": "series",
                "split.method": "chronological",
                "baselines": [],
                "models.rnn.output": "linear",
                "models.lstm.output": "linear",
                "models.rnn.pooling": "mean",
            },
            "models.rnn.pooling: the series task predicts from the last state, not mean",
        ),
        ({"train": {"epochs": 3}}, "params.train: must be a value or a list of values"),
        ({"train.seeds": [[1]]}, "params.train.seeds: must be a value or a list of values, not [[1]]"),
    ],
)
def test_a_parameter_that_cannot_be_is_named_with_its_file(
    folder: Path, settings: Params, params_: dict[str, Any], sentence: str
) -> None:
    source = write(folder, "wrong", params=params_)
    assert complaint(folder, "wrong", settings).startswith(f"{source}: {sentence}")


def test_a_variant_is_checked_too(folder: Path, settings: Params) -> None:
    source = write(folder, "wrong", variants={"10": {}, "20": {"sample.distances": 20}})
    message = complaint(folder, "wrong", settings)
    assert message == f"{source}: sample.distances: unknown key; did you mean distance?"


def test_a_wrong_parameter_is_blamed_on_the_file_that_has_it(folder: Path, settings: Params) -> None:
    source = write(folder, "root", params={"train.epoch": 3})
    write(folder, "leaf", data=None, extends="root")
    assert complaint(folder, "leaf", settings).startswith(f"{source}: train.epoch: unknown key")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"titel": "x"}, "titel: unknown key; did you mean title?"),
        ({"original": {"model": "rnn", "acuracy": 0.5}}, "original.acuracy: unknown key; did you mean accuracy?"),
        ({"title": None}, "title: missing"),
        ({"title": 3}, "title: must be a valid string, not 3"),
        ({"data": "mnist"}, "data: must be 'embedded' or 'imdb', not 'mnist'"),
        ({"data": None}, "data: missing; name embedded or imdb, or an experiment in extends"),
        ({"extends": "wrong"}, "data: comes from what the experiment extends; leave it out"),
        ({"original": {"accuracy": 0.5}}, "original.model: missing"),
        ({"original": {"model": "rnn", "accuracy": "high"}}, "original.accuracy: must be a valid number, not 'high'"),
        ({"at_least": {"rnn": 85}}, "at_least.rnn: must be less than 1, not 85"),
        ({"at_least": {"gru": 0.8}}, "at_least: wrong scores no gru (it scores: rnn, lstm"),
        ({"original": {"model": "gru"}}, "original.model: wrong scores no gru (it scores: rnn, lstm"),
        ({"variants": {"A b": {}}}, "variants.A b."),
        ({"params": "x"}, "params: must be a valid dictionary, not 'x'"),
    ],
)
def test_a_file_that_is_not_an_experiment_is_named_with_the_key(
    folder: Path, settings: Params, values: dict[str, Any], sentence: str
) -> None:
    source = write(folder, "wrong", **values)
    assert complaint(folder, "wrong", settings).startswith(f"{source}: {sentence}")


def test_an_accuracy_cannot_be_asked_of_a_series(folder: Path, settings: Params) -> None:
    series = committed("sequence-regression", settings)
    source = write(folder, "wrong", params=dict(series.params), at_least={"rnn": 0.9})
    assert complaint(folder, "wrong", settings) == (
        f"{source}: at_least: names accuracies, which the series task has none of"
    )


@pytest.mark.parametrize("content", [b"title: [1, 2", b"title: a\ntitle: b\n", b"title: \xff\n"], ids=repr)
def test_a_file_that_is_not_yaml_is_named(folder: Path, settings: Params, content: bytes) -> None:
    (folder / "torn.yaml").write_bytes(content)
    assert complaint(folder, "torn", settings).startswith(f"{folder / 'torn.yaml'}: not readable as YAML: ")


def test_an_empty_file_is_named(folder: Path, settings: Params) -> None:
    (folder / "empty.yaml").touch()
    assert complaint(folder, "empty", settings).startswith(f"{folder / 'empty.yaml'}: must be a valid dictionary")


def test_an_unknown_name_meets_the_near_one_or_all(folder: Path, settings: Params) -> None:
    write(folder, "fix-padding-mask")
    write(folder, "long-range")
    assert complaint(folder, "fix-paddin-mask", settings) == (
        "no experiment fix-paddin-mask; did you mean fix-padding-mask?"
    )
    assert complaint(folder, "zzz", settings) == "no experiment zzz (known: fix-padding-mask, long-range)"


@pytest.mark.parametrize("name", ["../params", "/etc/passwd", "UPPER", "a b", "", ".", "-x", "a.yaml", "a\n"])
def test_a_name_leads_nowhere_else(folder: Path, settings: Params, name: str) -> None:
    write(folder, "a")
    (folder.parent / "params.yaml").write_text("{}")
    with pytest.raises(UserError, match=r"^no experiment "):
        experiments.load(name, settings, folder)


def test_extending_nothing_or_oneself_is_refused(folder: Path, settings: Params) -> None:
    orphan = write(folder, "orphan", data=None, extends="loop-c")
    for name, heir in {"loop-a": "loop-b", "loop-b": "loop-a", "self": "self"}.items():
        write(folder, name, data=None, extends=heir)
    assert complaint(folder, "orphan", settings).startswith(f"{orphan}: extends: no experiment loop-c; did you mean")
    assert complaint(folder, "loop-a", settings) == (
        f"{folder / 'loop-a.yaml'}: extends: goes in a circle, loop-a → loop-b → loop-a"
    )
    assert complaint(folder, "self", settings).endswith("goes in a circle, self → self")


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


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_dvc_reads_back_every_value_that_is_printed(settings: Params, tmp_path: Path, value: Any) -> None:
    line = shlex.join(experiments.command(Setup("x", {"data.csv": value}, settings), queue=False, csv=None))
    words = shlex.split(line)
    assert words[:-1] == ["dvc", "exp", "run", "--name", "x", "--temp", "-S"]
    [(file, overrides)] = to_path_overrides(words[-1:]).items()
    [parsed] = to_hydra_overrides(overrides)
    assert file == "params.yaml"
    assert parsed.key_or_group == "data.csv"
    assert not parsed.is_sweep_override()
    shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
    apply_overrides(tmp_path / "params.yaml", overrides)
    read = YAML(typ="safe").load(tmp_path / "params.yaml")["data"]["csv"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("value", "text"), [("data/a.csv", "data/a.csv"), ("a b", '"a b"'), (["0", None, True], '["0",null,true]')]
)
def test_what_needs_no_quotes_gets_none(value: Any, text: str) -> None:
    assert experiments.override(value) == text


def test_the_queue_takes_the_same_command(settings: Params) -> None:
    setup = Setup("x", {"train.epochs": 3}, settings)
    assert experiments.command(setup, queue=True, csv=None) == (
        ["dvc", "exp", "run", "--name", "x", "--queue", "-S", "train.epochs=3"]
    )


@pytest.mark.parametrize("name", COMMITTED)
def test_a_committed_experiment_sets_exactly_its_keys_and_dvc_makes_them_these_params(
    settings: Params, tmp_path: Path, name: str
) -> None:
    named = committed(name, settings)
    csv = "/tmp/my reviews, all=50k.csv" if named.data == "imdb" else None
    for setup in named.setups:
        command = shlex.split(shlex.join(experiments.command(setup, queue=False, csv=csv)))
        overrides = command[7::2]
        assert command[6::2] == ["-S"] * len(overrides)
        assert [word.partition("=")[0] for word in overrides] == [*setup.changes, *(["data.csv"] if csv else [])]
        shutil.copy(ROOT / "params.yaml", tmp_path / "params.yaml")
        apply_overrides(tmp_path / "params.yaml", overrides)
        data = setup.settings.data.model_copy(update={"csv": csv or setup.settings.data.csv})
        assert params.read(tmp_path / "params.yaml") == setup.settings.model_copy(update={"data": data})


def test_the_committed_experiments_are_those_of_the_folder(settings: Params) -> None:
    found = experiments.load_all(settings, ROOT / "experiments")
    assert sorted(named.name for named in found) == COMMITTED
    taken = [setup.name for named in found for setup in named.setups]
    assert len(set(taken)) == len(taken)


@pytest.mark.parametrize("name", [name for name in COMMITTED if name.startswith("fix-padding-")])
def test_a_fix_changes_one_parameter(settings: Params, name: str) -> None:
    def flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
        parts: dict[str, Any] = {}
        for key, value in values.items():
            parts |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
        return parts

    broken, fixed = (flat(committed(which, settings).setups[0].settings.model_dump()) for which in (PARENT, name))
    assert committed(name, settings).lineage == (PARENT, name)
    assert len([key for key in broken if broken[key] != fixed[key]]) == 1


PARENT = "torch-imdb-postpad"


def on(data: str, folder: Path, settings: Params) -> Named:
    write(folder, "it", data=data)
    return experiments.load("it", settings, folder)


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


def test_reviews_are_named_by_flag_then_environment_then_habit(
    repository: Path, folder: Path, settings: Params, tmp_path: Path
) -> None:
    named = on("imdb", folder, settings)
    for name in ("flag.csv", "environment.csv", "project/data/raw/imdb.csv"):
        (tmp_path / name).touch()
    environment = {"IMDB_CSV": str(tmp_path / "environment.csv")}
    assert experiments.find_reviews(named, "../flag.csv", environment) == str(tmp_path / "flag.csv")
    assert experiments.find_reviews(named, "", environment) == str(tmp_path / "environment.csv")
    assert experiments.find_reviews(named, None, {"IMDB_CSV": ""}) == str(repository / "data/raw/imdb.csv")


def test_a_tilde_that_no_shell_has_seen_is_the_home_folder(
    repository: Path, folder: Path, settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = on("imdb", folder, settings)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("home/mine.csv", "project/~mine.csv", "project/a~b/~mine.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert experiments.find_reviews(named, "~/mine.csv", {}) == str(tmp_path / "home/mine.csv")
    assert experiments.find_reviews(named, None, {"IMDB_CSV": "~/mine.csv"}) == str(tmp_path / "home/mine.csv")
    for place in ("~mine.csv", "a~b/~mine.csv"):
        assert experiments.find_reviews(named, place, {}) == str(repository / place)
    with pytest.raises(UserError, match=rf"^{tmp_path}/home/no\.csv: no such file; "):
        experiments.find_reviews(named, "~/no.csv", {})
    (repository / "~").mkdir()
    (repository / "~/mine.csv").touch()
    assert experiments.find_reviews(named, "~/mine.csv", {}) == str(repository / "~/mine.csv")


@pytest.mark.parametrize("added", ["imdb.csv", "imdb.csv.dvc"])
@pytest.mark.parametrize("given", ["data/raw/imdb.csv", "data/../data/raw/imdb.csv", "whole"])
def test_reviews_that_a_copy_of_the_workspace_holds_are_named_from_its_root(
    repository: Path, folder: Path, settings: Params, added: str, given: str
) -> None:
    (repository / "data/raw/imdb.csv").touch()
    (repository / "data/raw" / added).touch()
    subprocess.run(["git", "add", f"data/raw/{added}"], check=True)
    csv = str(repository / "data/raw/imdb.csv") if given == "whole" else given
    assert experiments.find_reviews(on("imdb", folder, settings), csv, {}) == "data/raw/imdb.csv"


def test_missing_reviews_are_a_sentence_that_says_where_to_get_them(
    repository: Path, folder: Path, settings: Params
) -> None:
    with pytest.raises(UserError) as mistake:
        experiments.find_reviews(on("imdb", folder, settings), None, {})
    assert str(mistake.value).startswith("data/raw/imdb.csv: no such file; it reads the 50,000 IMDB reviews (")
    assert "--csv" in str(mistake.value)
    assert "IMDB_CSV" in str(mistake.value)


def test_embedded_data_need_no_reviews(folder: Path, settings: Params) -> None:
    named = on("embedded", folder, settings)
    assert experiments.find_reviews(named, None, {"IMDB_CSV": "/nowhere"}) is None
    with pytest.raises(UserError, match=r"^--csv: it runs on the embedded data; leave it out$"):
        experiments.find_reviews(named, "mine.csv", {})


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

    assert experiments.recorded() == {}
    first = commit("first")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2001-01-01T00:00:00Z")
    old, elder = commit("old"), commit("elder")
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2002-01-01T00:00:00Z")
    new = commit("new")
    record("wide", first, new)
    record("wide", old, elder)
    record("far-10", first, old)
    subprocess.run(["git", "update-ref", "refs/exps/celery/stash", new], check=True)
    found = {"wide": experiments.Recorded(new, first), "far-10": experiments.Recorded(old, first)}
    assert experiments.recorded() == experiments.recorded(repository) == found


def test_experiments_that_wait_in_dvc_s_queue_are_listed(repository: Path) -> None:
    assert experiments.queued() == set()
    sha = commit("first")
    for name in ("far-10", "wide"):
        message = f"commit: dvc-exp:{sha}:{sha}:{name}"
        subprocess.run(
            ["git", "update-ref", "--create-reflog", "-m", message, "refs/exps/celery/stash", sha], check=True
        )
        subprocess.run(["git", "update-ref", "--create-reflog", "refs/exps/celery/stash", commit(name)], check=True)
    assert experiments.queued() == {"far-10", "wide"}


def test_a_name_that_dvc_has_is_not_run_again(folder: Path, settings: Params) -> None:
    write(folder, "far", variants={"10": {}, "20": {}})
    named = experiments.load("far", settings, folder)
    assert [setup.name for setup in experiments.pending(named, {"wide"})] == ["far-10", "far-20"]
    assert [setup.name for setup in experiments.pending(named, {"far-10"})] == ["far-20"]
    with pytest.raises(UserError) as mistake:
        experiments.pending(named, {"far-20", "far-10"})
    assert str(mistake.value) == "far exists already; `dvc exp remove far-10 far-20` to run it again"


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../mine.csv", "data/../../mine.csv", "~/x.csv", "https://host/x.csv"]
)
def test_an_experiment_reads_nothing_outside_of_the_project(folder: Path, settings: Params, place: str) -> None:
    source = write(folder, "stranger", params={"data.csv": place})
    message = f"{source}: data.csv: {place!r} leads out of the project; name a file inside of it"
    assert complaint(folder, "stranger", settings) == message
    write(folder, "stranger", variants={"a": {"data.csv": place}})
    assert complaint(folder, "stranger", settings) == message
    write(folder, "stranger", params={"data.csv": "data/raw/..mine.csv"})
    assert experiments.load("stranger", settings, folder).setups[0].settings.data.csv == "data/raw/..mine.csv"


@pytest.mark.parametrize("name", ["../outside", "..", "", "a/b", "/etc/passwd", "a\n", "A", "x" * 5000, "a\0"])
def test_a_name_leads_to_no_file_elsewhere(folder: Path, settings: Params, name: str) -> None:
    write(folder.parent, "outside")
    write(folder, "a")
    assert complaint(folder, name, settings).startswith("no experiment ")
    source = write(folder, "heir", data=None, extends=name)
    assert complaint(folder, "heir", settings).startswith(f"{source}: extends: ")


def test_a_link_or_an_odd_file_in_the_folder_is_no_experiment(folder: Path, settings: Params) -> None:
    write(folder, "real")
    (folder / "link.yaml").symlink_to(write(folder.parent, "outside"))
    (folder / "folder.yaml").mkdir()
    write(folder, "line\n")
    assert [named.name for named in experiments.load_all(settings, folder)] == ["real"]
    assert complaint(folder, "link", settings).startswith("no experiment link")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("title: !!python/object/apply:os.system ['touch pwned']", "could not determine a constructor for the tag"),
        ("title: &a [*a]", "an alias stands for what holds it"),
        ("- " * 5000, "maximum recursion depth exceeded"),
        ("# " + "x" * 300_000, "300,002 bytes, more than the 262,144 that are read at most"),
    ],
    ids=["tag", "circle", "deep", "long"],
)
def test_hostile_yaml_is_a_sentence(folder: Path, settings: Params, content: str, reason: str) -> None:
    source = folder / "stranger.yaml"
    source.write_text(content)
    assert complaint(folder, "stranger", settings).startswith(f"{source}: not readable as YAML: {reason}")
