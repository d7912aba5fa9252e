from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rnnlab.experiments import catalogue
from rnnlab.experiments.catalogue import Named
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params

ROOT = Path(__file__).parents[3]
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
        catalogue.load(name, settings, folder)
    assert "\n" not in str(mistake.value)
    return str(mistake.value)


def committed(name: str, settings: Params) -> Named:
    return catalogue.load(name, settings, ROOT / "experiments")


def test_an_experiment_is_its_params_on_top_of_the_project_s(folder: Path, settings: Params) -> None:
    write(folder, "wide", params={"models.lstm.units": 64, "train.clip_norm": None, "compare": ["lstm"]})
    named = catalogue.load("wide", settings, folder)
    [setup] = named.setups
    assert setup.name == named.name == "wide"
    assert setup.settings.models["lstm"].units == 64
    assert setup.settings.train.clip_norm is None
    assert setup.settings.compare == ("lstm",)
    assert setup.settings.model_copy(update={"compare": settings.compare}).runs == settings.runs
    assert named.runs == len(settings.train.seeds)
    assert settings.models["lstm"].units != 64


def test_a_model_may_be_trained_in_its_own_way(folder: Path, settings: Params) -> None:
    write(folder, "slow", params={"models.gru.train.learning_rate": 0.0001, "compare": ["gru"]})
    [setup] = catalogue.load("slow", settings, folder).setups
    assert setup.settings.training_of("gru").learning_rate == 0.0001
    write(folder, "wrong", params={"models.gru.train.learning": 0.0001})
    assert "did you mean learning_rate?" in complaint(folder, "wrong", settings)
    write(folder, "nobody", params={"models.gur.train.epochs": 1})
    assert "did you mean gru?" in complaint(folder, "nobody", settings)


def test_variants_are_experiments_of_their_own(folder: Path, settings: Params) -> None:
    variants = {"10": {"sample.distance": 10}, 400: {"sample.distance": 400, "train.epochs": 2}}
    write(folder, "far", params={"train.seeds": [1], "train.epochs": 3}, variants=variants)
    named = catalogue.load("far", settings, folder)
    assert [setup.name for setup in named.setups] == ["far-10", "far-400"]
    assert [setup.settings.train.epochs for setup in named.setups] == [3, 2]
    assert [setup.settings.sample.distance for setup in named.setups] == [10, 400]
    assert named.runs == 2 * len(settings.compare)


def test_an_experiment_starts_from_the_one_it_extends(folder: Path, settings: Params) -> None:
    write(folder, "root", data="imdb", params={"train.epochs": 3, "train.seeds": [1, 2]})
    write(folder, "middle", data=None, extends="root", params={"train.epochs": 4})
    write(folder, "a-leaf", data=None, extends="middle", params={"train.seeds": [5]})
    leaf = catalogue.load("a-leaf", settings, folder)
    assert leaf.params == {"train.epochs": 4, "train.seeds": [5]}
    assert leaf.data == "imdb"
    assert leaf.lineage == ("root", "middle", "a-leaf")
    assert [named.name for named in catalogue.load_all(settings, folder)] == ["root", "middle", "a-leaf"]


def test_a_sweep_hands_on_what_its_variants_share(folder: Path, settings: Params) -> None:
    write(folder, "sweep", params={"train.epochs": 3}, variants={"a": {"sample.distance": 10}})
    write(folder, "heir", data=None, extends="sweep")
    assert [setup.changes for setup in catalogue.load("heir", settings, folder).setups] == [{"train.epochs": 3}]


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
        ({"data": "mnist"}, "data: must be 'embedded', 'imdb' or 'own', not 'mnist'"),
        ({"data": None}, "data: missing; name embedded, imdb or own, or an experiment in extends"),
        ({"extends": "wrong"}, "data: comes from what the experiment extends; leave it out"),
        ({"original": {"accuracy": 0.5}}, "original.model: missing"),
        ({"original": {"model": "rnn", "accuracy": float("nan")}}, "original.accuracy: must be a finite number"),
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
        f"{source}: at_least: names accuracies, and the series task has none"
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
        catalogue.load(name, settings, folder)


def test_extending_nothing_or_oneself_is_refused(folder: Path, settings: Params) -> None:
    orphan = write(folder, "orphan", data=None, extends="loop-c")
    for name, heir in {"loop-a": "loop-b", "loop-b": "loop-a", "self": "self"}.items():
        write(folder, name, data=None, extends=heir)
    assert complaint(folder, "orphan", settings).startswith(f"{orphan}: extends: no experiment loop-c; did you mean")
    assert complaint(folder, "loop-a", settings) == (
        f"{folder / 'loop-a.yaml'}: extends: goes in a circle, loop-a → loop-b → loop-a"
    )
    assert complaint(folder, "self", settings).endswith("goes in a circle, self → self")


def test_the_committed_experiments_are_those_of_the_folder(settings: Params) -> None:
    found = catalogue.load_all(settings, ROOT / "experiments")
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


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "../mine.csv", "data/../../mine.csv", "~/x.csv", "https://host/x.csv"]
)
def test_an_experiment_reads_nothing_outside_of_the_project(folder: Path, settings: Params, place: str) -> None:
    source = write(folder, "stranger", params={"data.csv": place})
    message = f"{source}: data.csv: {place!r} leads out of the project; name a file inside it"
    assert complaint(folder, "stranger", settings) == message
    write(folder, "stranger", variants={"a": {"data.csv": place}})
    assert complaint(folder, "stranger", settings) == message
    write(folder, "stranger", params={"data.csv": "data/raw/..mine.csv"})
    assert catalogue.load("stranger", settings, folder).setups[0].settings.data.csv == "data/raw/..mine.csv"


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
    assert [named.name for named in catalogue.load_all(settings, folder)] == ["real"]
    assert complaint(folder, "link", settings).startswith("no experiment link")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("title: !!python/object/apply:os.system ['touch pwned']", "could not determine a constructor for the tag"),
        ("title: &a [*a]", "an alias contains itself"),
        ("- " * 5000, "maximum recursion depth exceeded"),
        ("# " + "x" * 300_000, "300,002 bytes, more than the limit of 262,144"),
    ],
    ids=["tag", "circle", "deep", "long"],
)
def test_hostile_yaml_is_a_sentence(folder: Path, settings: Params, content: str, reason: str) -> None:
    source = folder / "stranger.yaml"
    source.write_text(content)
    assert complaint(folder, "stranger", settings).startswith(f"{source}: not readable as YAML: {reason}")
