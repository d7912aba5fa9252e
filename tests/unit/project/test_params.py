import copy
import math
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from rnnlab.project import params
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run

COMMITTED = YAML(typ="safe").load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))


def changed(key: str, value: Any) -> dict[str, Any]:
    """The committed parameters with one key set."""
    values: dict[str, Any] = copy.deepcopy(COMMITTED)
    *sections, name = key.split(".")
    section = values
    for part in sections:
        section = section[part]
    section[name] = value
    return values


def complaint(values: Any) -> str:
    with pytest.raises(UserError) as mistake:
        params.parse(values)
    return str(mistake.value)


def of_a_series(values: dict[str, Any]) -> dict[str, Any]:
    """The same values, but of the task without labels."""
    split = {**values["split"], "method": "chronological"}
    return {**values, "task": "series", "split": split, "ensemble": [], "baselines": ["last_value"]}


def test_committed_parameters_are_valid(settings: Params) -> None:
    assert settings.validate_.severity.schema_ in ("critical", "warning")
    assert set(settings.compare) <= set(settings.models)


def test_parsed_parameters_cannot_be_changed(settings: Params) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.train.epochs = 1  # type: ignore[misc]


def test_runs_pair_every_model_with_every_seed() -> None:
    values = changed("train.seeds", [7, 3])
    values["compare"] = ["lstm", "rnn"]
    assert params.parse(values).runs == [Run("lstm", 7), Run("lstm", 3), Run("rnn", 7), Run("rnn", 3)]


@pytest.mark.parametrize(
    ("ensemble", "joined", "sentence"),
    [
        (["lstm"], 1, "ensemble: name at least two members, or none; or join several seeds of one: ensemble_seeds"),
        (["majority", "nbsvm"], 2, "ensemble_seeds: 2 seeds of no network; name one in ensemble, or set 1"),
        (["lstm"], 3, "ensemble_seeds: train.seeds has 4, which do not make ensembles of 3; set a divisor"),
        (["lstm"], 0, "ensemble_seeds: must be greater than or equal to 1, not 0"),
    ],
)
def test_ensembles_have_members(ensemble: list[str], joined: int, sentence: str) -> None:
    values = changed("train.seeds", [1, 2, 3, 4]) | {"ensemble": ensemble, "ensemble_seeds": joined}
    assert sentence in complaint(values)


def test_a_run_is_named_by_model_and_seed() -> None:
    assert Run("lstm", 3).name == "lstm-3"


def test_a_model_is_trained_as_all_are_but_for_options_of_its_own() -> None:
    values = changed("models.lstm.train", {"learning_rate": 0.5, "clip_norm": None})
    values["train"] |= {"learning_rate": 0.25, "clip_norm": 2.0, "epochs": 7}
    values["models"]["rnn"].pop("train", None)
    settings = params.parse(values)
    lstm, rnn = settings.training_of("lstm"), settings.training_of("rnn")
    assert (lstm.learning_rate, lstm.clip_norm, lstm.epochs) == (0.5, None, 7)
    assert (rnn.learning_rate, rnn.clip_norm, rnn.epochs) == (0.25, 2.0, 7)
    assert settings.options_of("lstm")["train"]["learning_rate"] == 0.5
    assert params.parse(settings.model_dump(mode="json", by_alias=True)) == settings


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"epochs": 0}, "models.lstm.train.epochs: must be greater than or equal to 1, not 0"),
        ({"epochs": None}, "models.lstm.train.epochs: must be a valid integer, not None"),
        ({"schedule": "linear"}, "models.lstm.train.schedule: must be 'constant' or 'cosine', not 'linear'"),
        ({"seeds": [1]}, "models.lstm.train.seeds: unknown key"),
        ([], "models.lstm.train: must be a valid dictionary"),
    ],
)
def test_an_option_of_one_model_is_checked_like_those_of_all(options: Any, sentence: str) -> None:
    assert sentence in complaint(changed("models.lstm.train", options))


def test_an_unknown_option_of_one_model_is_named_with_the_closest_of_train() -> None:
    sentence = "models.lstm.train.epoch: unknown key; did you mean epochs?"
    assert sentence in complaint(changed("models.lstm.train", {"epoch": 3}))


def test_numeric_labels_are_compared_as_text() -> None:
    assert params.parse(changed("data.labels", [0, 1])).data.labels == ("0", "1")


@pytest.mark.parametrize("labels", [["a, b", 'say "no"'], ["👎🏽", "👨\u200d👩"], ["$x_1$", "#%{}"], ["否", "x" * 100]])
def test_unusual_labels_are_labels(labels: list[str]) -> None:
    assert params.parse(changed("data.labels", labels)).data.labels == tuple(labels)


@pytest.mark.parametrize("delimiter", [",", ";", "|", "tab", "\t"])
def test_usual_delimiters_are_accepted(delimiter: str) -> None:
    assert params.parse(changed("data.delimiter", delimiter)).data.delimiter == delimiter


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [
        ("models.lstm.unit", "units"),
        ("train.epoch", "epochs"),
        ("tokenize_pad.max_len", "max_length"),
        ("validate.severity.leekage", "leakage"),
        ("validate.severity.schema_", "schema"),
        ("split.test_fractoin", "test_fraction"),
        ("trian", "train"),
        ("validate_", "validate"),
    ],
)
def test_an_unknown_key_is_named_with_the_closest_known_one(key: str, suggestion: str) -> None:
    assert complaint(changed(key, 1)) == f"params.yaml: {key}: unknown key; did you mean {suggestion}?"


@pytest.mark.parametrize(("key", "known"), [("zzz", "compare"), ("models.rnn.zzz", "embedding_dropout")])
def test_an_unknown_key_without_a_close_one_lists_what_there_is(key: str, known: str) -> None:
    message = complaint(changed(key, 1))
    assert message.startswith(f"params.yaml: {key}: unknown key (known: ")
    assert known in message


@pytest.mark.parametrize(
    ("key", "value", "wanted"),
    [
        ("train.epochs", "ten", "must be a valid integer, not 'ten'"),
        ("train.epochs", 2.0, "must be a valid integer, not 2.0"),
        ("train.epochs", None, "must be a valid integer, not None"),
        ("train.batch_size", 0, "must be greater than or equal to 1, not 0"),
        ("train.patience", 0, "must be greater than or equal to 1, not 0"),
        ("train.workers", 65, "65 are more than the rows of a batch, 64; lower it, or raise train.batch_size"),
        ("train.learning_rate", 0, "must be greater than 0, not 0"),
        ("train.learning_rate", math.inf, "must be a finite number, not inf"),
        ("tokenize_pad.max_length", 0, "must be greater than or equal to 1, not 0"),
        ("tokenize_pad.max_length", 10**6, "must be less than or equal to 100000, not 1000000"),
        ("train.epochs", 10**30, "must be less than or equal to 2147483647, not 1000"),
        ("data.max_megabytes", 0, "must be greater than or equal to 1, not 0"),
        ("tokenize_pad.vocabulary_size", 2, "must be greater than or equal to 3, not 2"),
        ("tokenize_pad.padding", "left", "must be 'pre' or 'post', not 'left'"),
        ("split.test_fraction", 1.0, "must be less than 1, not 1.0"),
        ("split.test_fraction", 0.0, "must be greater than 0, not 0.0"),
        ("split.validation_fraction", 1.5, "must be less than 1, not 1.5"),
        ("split.validation_fraction", math.nan, "must be less than 1, not nan"),
        ("split.method", "rows", "must be 'random', 'column' or 'chronological', not 'rows'"),
        ("models.lstm.dropout", 1.0, "must be less than 1, not 1.0"),
        ("models.lstm.cell", "transformer", "not 'transformer'"),
        ("models.lstm.mask", "yes", "must be a valid boolean, not 'yes'"),
        ("sample.label_noise", 0.5, "must be less than 0.5, not 0.5"),
        ("validate.max_rejected_share", 1.1, "must be less than or equal to 1, not 1.1"),
        ("validate.severity.leakage", "fatal", "must be 'critical' or 'warning', not 'fatal'"),
        ("data.csv", None, "must be a valid string, not None"),
        ("data.text_column", "", "must have at least 1 character, not ''"),
        ("split.seed", -1, "must be greater than or equal to 0, not -1"),
        ("sample.seed", True, "must be a valid integer, not True"),
        ("series.horizon", 0, "must be greater than or equal to 1, not 0"),
        ("data.missing", "interpolate", "must be 'refuse' or 'carry_forward', not 'interpolate'"),
        ("data.max_gap", 0, "must be greater than or equal to 1, not 0"),
        ("data.time_column", "", "must have at least 1 character, not ''"),
        ("data.covariates", "wind", "must be a valid tuple, not 'wind'"),
        ("evaluate.coverage", 1.0, "must be less than 1, not 1.0"),
    ],
)
def test_a_wrong_value_is_named_by_its_full_key(key: str, value: object, wanted: str) -> None:
    message = complaint(changed(key, value))
    assert message.startswith(f"params.yaml: {key}: ")
    assert wanted in message


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("compare", ["rnn", "transformer"], "no model transformer under models (there are: rnn, lstm"),
        ("compare", ["rnn", "rnn"], "compare: has the same entry twice"),
        ("compare", [], "compare: "),
        ("match", "weights", "match: must be 'none', 'parameters' or 'time', not 'weights'"),
        ("compare", "lstm", "not 'lstm'"),
        ("train.seeds", [1, 2, 1], "train.seeds: has the same entry twice"),
        ("evaluate.slices", ["a", "a"], "evaluate.slices: has the same entry twice"),
        ("figures", ["a", "a"], "figures: has the same entry twice"),
        ("train.seeds", [], "train.seeds: "),
        ("train.seeds", [1, 2**32], "train.seeds.1: must be less than 4294967296"),
        ("series.season", 31, "season: 31 steps are more than a window has (30); raise window"),
        ("data.known_ahead", ["calendar"], "data.known_ahead: names the calendar; set series.calendar to true"),
        ("series.calendar", True, "series.calendar: needs a column of dates; name it in data.time_column"),
        ("series.season", "yearly", "series.season: must be a number of steps from 2 on, auto or none"),
        ("series.season", 1, "series.season: must be a number of steps from 2 on, auto or none"),
        ("data.max_labels", 1_001, "data.max_labels"),
        ("data.text_column", "re\nview", "data.text_column: must be visible characters"),
        ("data.label_column", "\u2066sentiment", "data.label_column: must be visible characters"),
        ("data.value_column", "value\u2028", "data.value_column: must be visible characters"),
        ("split.column", "split\x85", "split.column: must be visible characters"),
        ("split.until", 0.9, "split: until: only rows in the order of time can end earlier, not by method random"),
        ("models.LSTM", COMMITTED["models"]["lstm"], "models.LSTM"),
        ("models.lstm.bigrams", -1, "models.lstm.bigrams"),
        ("baselines", ["guess"], "params.yaml: baselines: "),
    ],
)
def test_values_that_contradict_each_other_are_refused(key: str, value: object, hint: str) -> None:
    assert hint in complaint(changed(key, value))


def test_an_output_for_two_labels_is_refused_where_there_are_three() -> None:
    values = changed("data.labels", ["bad", "so so", "good"])
    assert params.parse(values).models["lstm"].output == "auto"
    values["models"]["lstm"]["output"] = "sigmoid"
    assert "models.lstm.output: sigmoid is for two labels, not 3; set auto" in complaint(values)


def test_thresholds_are_chosen_of_labels() -> None:
    values = changed("evaluate.threshold", "f1")
    assert params.parse(values).evaluate.threshold == "f1"
    assert "evaluate.threshold: the series task has no labels" in complaint(of_a_series(values))


def test_labels_are_weighed_where_there_are_some() -> None:
    values = changed("train.class_weights", "balanced")
    assert params.parse(values).train.class_weights == "balanced"
    assert "train.class_weights: the series task has no labels to weigh" in complaint(of_a_series(values))


def test_only_texts_have_pairs_of_words() -> None:
    values = changed("task", "sequences")
    values["baselines"] = ["majority"]
    values["models"]["lstm"]["bigrams"] = 100
    sentence = "models.lstm: bigrams and nb_channels are of words, and the sequences task has none; set 0"
    assert sentence in complaint(values)


@pytest.mark.parametrize("delimiter", ['"', "\n", "\r"])
def test_a_delimiter_that_csv_itself_uses_is_refused(delimiter: str) -> None:
    assert "delimiter" in complaint(changed("data.delimiter", delimiter))


def test_every_mistake_is_reported_at_once() -> None:
    values = changed("train.epochs", 0)
    values["intervals"]["margin"] = "x"
    message = complaint(values)
    assert "train.epochs: must be" in message
    assert "params.yaml: intervals.margin: must be" in message


def test_the_one_seed_of_older_files_says_where_its_value_belongs() -> None:
    message = complaint({**COMMITTED, "seed": 7})
    assert message == "params.yaml: seed: is now sample.seed and split.seed; move the value to these"


def test_a_missing_key_is_named() -> None:
    values = copy.deepcopy(COMMITTED)
    del values["train"]["clip_norm"]
    assert "params.yaml: train.clip_norm: missing" in complaint(values)


@pytest.mark.parametrize("values", [None, [], "text"])
def test_parameters_that_are_no_mapping_are_refused(values: object) -> None:
    assert complaint(values).startswith("params.yaml: must be")


def test_a_missing_file_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml: no such file; run from the project's root"):
        params.read(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    "content", [b"train: [1, 2", b"a: 1\na: 2\n", b"seed: \xff\n", b"seed: 1\n<<<<<<< HEAD\nx\n"], ids=repr
)
def test_a_file_that_is_not_yaml_is_named(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "params.yaml"
    source.write_bytes(content)
    with pytest.raises(UserError) as mistake:
        params.read(source)
    assert str(mistake.value).startswith(f"{source}: not readable as YAML: ")
    assert "\n" not in str(mistake.value)


def test_an_answer_of_any_size_to_a_wrong_value_is_a_short_line() -> None:
    message = complaint(changed("train.epochs", ["x\n" * 100] * 1000))
    assert len(message) < 5000
    assert "\n" not in message


def test_an_empty_file_is_refused_by_name(tmp_path: Path) -> None:
    source = tmp_path / "params.yaml"
    source.touch()
    with pytest.raises(UserError, match=r"params\.yaml: must be"):
        params.read(source)
