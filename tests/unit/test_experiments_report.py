import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest
from ruamel.yaml import YAML

from rnnlab import experiments, experiments_report
from rnnlab.experiments import Experiment, Named, Recorded, Setup
from rnnlab.experiments_report import Gain, Outcome
from rnnlab.params import Params, Run
from rnnlab.statistics import ACCURACY, MEAN_SQUARED_ERROR, Interval

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def named(name: str = "it", parent: str = "", **values: Any) -> Named:
    """An experiment as it would be loaded; its parameters are not checked."""
    source = {"extends": parent} if parent else {"data": "embedded"}
    texts = {"title": f"The title of {name}", "reproduces": "a thing", "expects": "a result"}
    file = Experiment.model_validate({**texts, **source, **values})
    variants = {f"{name}-{variant}": changes for variant, changes in file.variants.items()} or {name: {}}
    setups = tuple(Setup(place, {**file.params, **changes}, None) for place, changes in variants.items())  # type: ignore[arg-type]
    return Named(name, (parent, name) if parent else (name,), file, "embedded", file.params, setups)


def summary(*accuracies: float, figure: str = "accuracy") -> dict[str, Any]:
    """Figures of a model as reports/metrics.json has them, one a seed; a single one is a baseline's."""
    others = {"accuracy": ("f1", "roc_auc", "log_loss"), "mse": ("mae", "r2")}[figure]
    mean = {figure: sum(accuracies) / len(accuracies), **dict.fromkeys(others, 0.25)}
    seeds = {str(seed): {figure: value, "log_loss": 0.25} for seed, value in enumerate(accuracies, start=1)}
    return {"mean": mean, "per_seed": seeds if len(accuracies) > 1 else {}, "parameters": 1234}


def predictions(hits: Mapping[str, str], model: str = "rnn", seed: int = 1) -> pd.DataFrame:
    """One row a test row: ``hits`` has an o for each row found and an x for each missed, one letter a row."""
    tables = []
    for place, (_, letters) in enumerate(hits.items()):
        rows = pd.DataFrame({"id": [f"r{row}" for row in range(len(letters))], "found": list(letters)})
        rows = rows[rows["found"] != "."]
        label = rows.index % 2
        right = rows["found"] == "o"
        probability = right.eq(label == 1).map({True: 0.9, False: 0.1})
        tables.append(rows.assign(label=label, model=model, seed=seed + place, probability=probability))
    return pd.concat(tables, ignore_index=True).drop(columns="found")


def outcome(hits: Mapping[str, str] | None = None, **changes: Any) -> Outcome:
    """A run of rnn alone, with two seeds."""
    values = {
        "task": "text",
        "seed": 42,
        "compare": ["rnn"],
        "baselines": ["tfidf"],
        "train": {"seeds": [1, 2], "keep": "best", "epochs": 3},
        "intervals": {"resamples": 200},
        **changes.pop("values", {}),
    }
    whole: dict[str, Any] = {
        "baseline": COMMIT,
        "values": values,
        "metrics": {"rnn": summary(0.6, 0.7), "tfidf": summary(0.8)},
        "comparison": {},
        "histories": {},
        "seconds": {},
        "predictions": predictions(hits) if hits else None,
        "lengths": None,
    }
    return Outcome(**{**whole, **changes})


def series(predicted: Sequence[Sequence[float]], **changes: Any) -> Outcome:
    """A run of rnn on a series of zeros, one list of predictions a seed."""
    tables = [
        pd.DataFrame({"row": range(len(values)), "target": 0.0, "model": "rnn", "seed": seed, "predicted": values})
        for seed, values in enumerate(predicted)
    ]
    metrics = {"rnn": summary(0.5, 0.6, figure="mse"), "last_value": summary(0.8, figure="mse")}
    values = {"task": "series", "baselines": ["last_value"]}
    return outcome(values=values, metrics=metrics, predictions=pd.concat(tables, ignore_index=True), **changes)


def test_rows_are_scored_by_id_and_seed() -> None:
    scores = experiments_report.row_scores(predictions({"1": "oxo", "2": "xxo"}), "rnn")
    assert scores.loc["r0"].tolist() == [1.0, 0.0]
    assert scores.loc["r1"].tolist() == [0.0, 0.0]
    assert scores[2].tolist() == [0.0, 0.0, 1.0]


def test_values_of_a_series_are_scored_by_squared_error() -> None:
    predicted = series([[0.0, 2.0], [1.0, -3.0]]).predictions
    assert predicted is not None
    assert experiments_report.row_scores(predicted, "rnn").to_numpy().tolist() == [[0.0, 1.0], [4.0, 9.0]]


def test_a_gain_is_the_difference_over_the_same_rows() -> None:
    first = outcome({"1": "oooo", "2": "ooxo"})
    second = outcome({"1": "oxxo", "2": "oxxo"})
    found = experiments_report.gain(first, second, "rnn")
    assert found is not None
    assert found.difference.mean == pytest.approx((0.5 + 0.25) / 2)
    assert found.difference.low <= found.difference.mean <= found.difference.high
    assert (found.won, found.rows, found.of, found.measure) == ((2, 2), 4, 4, ACCURACY)


def test_rows_are_joined_whatever_their_order_and_only_shared_ones_count() -> None:
    first = outcome({"1": ".ooo", "2": ".oxo"})
    turned = predictions({"1": "oxx.", "2": "oxx."}).iloc[::-1]
    found = experiments_report.gain(first, outcome(predictions=turned), "rnn")
    assert found is not None
    assert (found.rows, found.of) == (2, 4)
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)
    assert experiments_report.gain_sentence("a", "b", found).endswith("(over the 2 test rows that both have)")


def test_seeds_are_paired_by_position() -> None:
    first = outcome({"1": "oo", "2": "oo", "3": "xx"})
    second = outcome(predictions=predictions({"7": "xx", "8": "ox"}, seed=7))
    found = experiments_report.gain(first, second, "rnn")
    assert found is not None
    assert found.won == (2, 2)
    assert found.difference.mean == pytest.approx((1.0 + 0.5) / 2)


def test_a_single_seed_gives_an_interval_over_rows() -> None:
    found = experiments_report.gain(outcome({"1": "oooo"}), outcome({"1": "oxox"}), "rnn")
    assert found is not None
    assert found.difference.mean == 0.5
    assert found.won == (1, 1)


def test_a_smaller_error_is_a_gain() -> None:
    found = experiments_report.gain(series([[1.0] * 9] * 2), series([[2.0] * 9] * 2), "rnn")
    assert found == Gain(Interval(-3.0, -3.0, -3.0), (2, 2), MEAN_SQUARED_ERROR, 9, 9)
    assert found.clear
    assert experiments_report.gain_sentence("new", "old", found) == (
        "new's mean squared error is 3.0000 lower than old's, 95 % interval 3.0000 to 3.0000; "
        "better in two seeds of two"
    )


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (outcome(), outcome({"1": "ox"})),
        (outcome({"1": "ox"}), outcome()),
        (outcome({"1": "ox.."}), outcome({"1": "..ox"})),
        (outcome({"1": "ox"}), series([[1.0, 2.0]])),
        (outcome({"1": "ox"}), outcome({"1": "ox"}, values={"compare": ["lstm"]})),
    ],
    ids=["ours lost", "theirs lost", "no shared row", "another task", "another model"],
)
def test_what_cannot_be_compared_has_no_gain(first: Outcome, second: Outcome) -> None:
    assert experiments_report.gain(first, second, "rnn") is None


def test_an_experiment_is_compared_with_what_it_extends() -> None:
    family = [named("root"), named("child", "root"), named("absent", "root"), named("alone")]
    outcomes = {"root": outcome({"1": "oxxx"}), "child": outcome({"1": "oooo"}), "alone": outcome({"1": "oooo"})}
    gains = experiments_report.all_gains(family, outcomes)
    assert {key: found.difference.mean for key, found in gains.items()} == {("child", "rnn"): 0.75}
    [setup] = family[1].setups
    first = experiments_report.findings(family[1], setup, outcomes["child"], gains)[0]
    assert first.startswith("child is 75.0 points better than root, 95 % interval ")
    lonely = experiments_report.findings(family[1], setup, outcomes["child"], {})[0]
    assert lonely == "no comparison with root: it was not run, or DVC's cache has lost predictions"


def change(mean: float, low: float, high: float) -> Gain:
    return Gain(Interval(mean, low, high), (2, 2), ACCURACY, 10, 10)


def test_causes_are_ranked_by_a_gain_that_is_clear() -> None:
    family = [named("root"), *(named(name, "root") for name in ("clip", "mask", "pre", "late")), named("other", "x")]
    gains = {
        ("clip", "rnn"): change(0.004, -0.008, 0.017),
        ("pre", "rnn"): change(0.25, 0.24, 0.26),
        ("mask", "rnn"): change(0.273, 0.261, 0.285),
        ("other", "rnn"): change(0.9, 0.9, 0.9),
    }
    assert experiments_report.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: mask (+27.3 points, interval +26.1 to +28.5), "
        "pre (+25.0 points, interval +24.0 to +26.0); "
        "without a clear gain: clip (+0.4 points, interval -0.8 to +1.7); not compared yet: late"
    ]


def test_no_cause_is_named_without_a_clear_gain() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {("a", "rnn"): change(-0.2, -0.3, -0.1), ("b", "rnn"): change(0.0, -0.1, 0.1)}
    assert experiments_report.causes(family[0], family, gains) == [
        "No change to root has a clear gain: b (+0.0 points, interval -10.0 to +10.0), "
        "a (-20.0 points, interval -30.0 to -10.0)"
    ]
    assert experiments_report.causes(family[0], family, {}) == []
    assert experiments_report.causes(family[1], family, gains) == []


def test_causes_in_a_series_are_smaller_errors() -> None:
    family = [named("root"), named("a", "root"), named("b", "root")]
    gains = {
        ("a", "rnn"): Gain(Interval(-0.1, -0.2, -0.05), (2, 2), MEAN_SQUARED_ERROR, 5, 5),
        ("b", "rnn"): Gain(Interval(-0.3, -0.4, -0.2), (2, 2), MEAN_SQUARED_ERROR, 5, 5),
    }
    assert experiments_report.causes(family[0], family, gains) == [
        "What held root back, by what each change to it gains: b (-0.3000, interval -0.4000 to -0.2000), "
        "a (-0.1000, interval -0.2000 to -0.0500)"
    ]


@pytest.mark.parametrize(
    ("original", "place"),
    [(0.6815, "within"), (0.65, "1.0 points below"), (0.70, "2.0 points above"), (0.66, "within"), (0.68, "within")],
)
def test_an_original_is_inside_or_outside_of_our_interval(original: float, place: str) -> None:
    ends = Interval(0.67, 0.66, 0.68 if original != 0.6815 else 0.69)
    found = experiments_report.inside_sentence("rnn", original, ends, "accuracy")
    assert found == (
        f"rnn's accuracy was {100 * original:.1f} % in the original, {place} our interval of "
        f"66.0 % to {100 * ends.high:.1f} %"
    )


def test_an_original_error_is_told_in_its_own_unit() -> None:
    assert experiments_report.inside_sentence("rnn", 0.02, Interval(0.015, 0.014, 0.016), "mse") == (
        "rnn's mse was 0.0200 in the original, 0.0040 above our interval of 0.0140 to 0.0160"
    )


def history(*losses: float) -> pd.DataFrame:
    return pd.DataFrame({"epoch": range(1, len(losses) + 1), "loss": [x / 2 for x in losses], "val_loss": losses})


@pytest.mark.parametrize(
    ("keep", "validation", "training"),
    [("best", [0.010, 0.012], [0.005, 0.006]), ("last", [0.02, 0.012], [0.01, 0.006])],
)
def test_losses_are_those_of_the_epoch_that_was_kept(keep: str, validation: list[float], training: list[float]) -> None:
    histories = {
        Run("rnn", 1): history(0.03, 0.01, 0.02),
        Run("rnn", 2): history(0.04, 0.012),
        Run("lstm", 1): history(9),
    }
    ours = outcome(values={"train": {"seeds": [1, 2], "keep": keep}}, histories=histories)
    assert experiments_report.seed_values(ours, "rnn", "validation_loss") == pytest.approx(validation)
    assert experiments_report.seed_values(ours, "rnn", "training_loss") == pytest.approx(training)


def test_every_figure_of_the_original_is_compared() -> None:
    ours = outcome(
        histories={Run("rnn", 1): history(0.014), Run("rnn", 2): history(0.016)},
        comparison={"intervals": {"rnn": {"mean": 0.65, "low": 0.6, "high": 0.7}}},
    )
    originals = {"accuracy": 0.8, "log_loss": 0.5, "validation_loss": 0.0153, "mse": 1.0}
    assert experiments_report.original_sentences("rnn", originals, ours) == [
        "rnn's accuracy was 80.0 % in the original, 10.0 points above our interval of 60.0 % to 70.0 %",
        "rnn's log loss was 0.5 in the original and is 0.2500 ± 0.0000 here, 0.2500 lower",
        "rnn's validation loss was 0.0153 in the original and is 0.0150 ± 0.0014 here, 0.0003 lower",
    ]
    without = experiments_report.original_sentences("rnn", {"accuracy": 0.6}, outcome())
    assert without == ["rnn's accuracy was 0.6 in the original and is 0.6500 ± 0.0707 here, 0.0500 higher"]


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [
        (0.872, "rnn reaches the 85.0 % asked for: 87.2 %, 2.2 points more"),
        (0.85, "rnn reaches the 85.0 % asked for: 85.0 %, 0.0 points more"),
        (0.84, "rnn misses the 85.0 % asked for: 84.0 %, 1.0 points too few"),
    ],
)
def test_an_accuracy_that_is_asked_for_is_reached_or_missed(mean: float, verdict: str) -> None:
    assert experiments_report.least_sentence("rnn", 0.85, mean) == verdict


def pairs(*names: tuple[str, str]) -> list[dict[str, Any]]:
    return [{"first": first, "second": second, "sentence": f"{first} or {second}"} for first, second in names]


EVERY_PAIR = pairs(("tfidf", "rnn"), ("lstm", "rnn"), ("nbsvm", "rnn"), ("nbsvm", "lstm"), ("tfidf", "lstm"))


def test_networks_are_compared_with_each_other_then_with_the_best_baseline() -> None:
    ends = {"rnn": {"mean": 0.7}, "lstm": {"mean": 0.8}, "tfidf": {"mean": 0.85}, "nbsvm": {"mean": 0.86}}
    ours = outcome(
        values={"compare": ["rnn", "lstm"], "baselines": ["tfidf", "nbsvm"]},
        metrics=dict.fromkeys(ends, summary(0.5, 0.6)),
        comparison={"intervals": ends, "pairs": EVERY_PAIR},
    )
    assert experiments_report.pair_sentences(ours) == ["lstm or rnn", "nbsvm or rnn", "nbsvm or lstm"]
    assert experiments_report.pair_sentences(outcome()) == []


def test_a_series_is_compared_with_every_baseline() -> None:
    ours = outcome(
        values={"task": "series", "baselines": ["last_value", "linear"]},
        metrics=dict.fromkeys(("rnn", "last_value", "linear"), summary(0.5, 0.6, figure="mse")),
        comparison={
            "intervals": {"rnn": {"mean": 0.1}, "last_value": {"mean": 0.3}, "linear": {"mean": 0.2}},
            "pairs": pairs(("last_value", "rnn"), ("linear", "rnn")),
        },
    )
    assert experiments_report.pair_sentences(ours) == ["last_value or rnn", "linear or rnn"]


def lengths(*rows: tuple[str, int, float, float, int]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["model", "seed", "words", "accuracy", "rows"])


def test_far_verdicts_are_the_two_longest_groups_weighted_by_rows() -> None:
    table = lengths(
        ("rnn", 1, 90, 0.5, 100),
        ("rnn", 1, 10, 1.0, 100),
        ("rnn", 1, 80, 0.8, 300),
        ("rnn", 2, 80, 0.6, 100),
        ("rnn", 2, 90, 0.6, 100),
        ("rnn", 2, 10, 1.0, 100),
        ("tfidf", -1, 90, 0.9, 100),
    )
    found = experiments_report.far_accuracy(table, ["rnn"])
    assert found.to_dict("list") == {"model": ["rnn", "rnn"], "seed": [1, 2], "accuracy": pytest.approx([0.725, 0.6])}


def curve(**accuracies: dict[int, Sequence[float]]) -> pd.DataFrame:
    """Accuracies by model, distance and seed."""
    rows = [
        (model, seed, value, distance)
        for model, by_distance in accuracies.items()
        for distance, values in by_distance.items()
        for seed, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy", "distance"])


SWEEP = curve(
    rnn={10: [0.98, 0.96], 100: [0.94, 0.95], 200: [0.99, 0.97], 400: [0.52, 0.56]},
    lstm={10: [0.99, 0.99], 100: [0.98, 0.97], 200: [0.97, 0.96], 400: [0.8, 0.9]},
)


def test_a_sweep_names_the_distance_held_and_the_one_at_chance() -> None:
    assert experiments_report.range_sentence(SWEEP) == (
        "rnn holds a verdict over 10 words (above 95 %) and is first within 5 points of chance at 400 words; "
        "lstm holds a verdict over 200 words (above 95 %) and is never within 5 points of chance"
    )


def test_a_model_that_holds_nothing_is_said_to() -> None:
    assert experiments_report.range_sentence(curve(rnn={10: [0.5], 20: [0.4]})) == (
        "rnn holds none of the distances (above 95 %) and is first within 5 points of chance at 10 words"
    )


def test_a_sweep_is_a_table_of_means_and_seeds() -> None:
    table = experiments_report.range_table(pd.concat([SWEEP, curve(rnn={800: [0.5]})]))
    lines = table.splitlines()
    assert lines[0] == "| distance | rnn | lstm |"
    assert lines[2] == "| 10 | 97.0 ± 1.4 % (98.0, 96.0) | 99.0 ± 0.0 % (99.0, 99.0) |"
    assert lines[-1] == "| 800 | 50.0 % (50.0) | – |"


def test_a_sweep_is_drawn_over_a_logarithmic_distance() -> None:
    figure = experiments_report.draw_range(SWEEP)
    [panel] = figure.axes
    assert panel.get_xscale() == "log"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["10", "100", "200", "400"]
    drawn = {container.get_label(): container.lines[0].get_ydata().tolist() for container in panel.containers}
    assert drawn == {
        "rnn (2 seeds)": pytest.approx([0.97, 0.945, 0.98, 0.54]),
        "lstm (2 seeds)": pytest.approx([0.99, 0.975, 0.965, 0.85]),
    }
    styles = {(line.get_linestyle(), line.get_marker()) for line in (box.lines[0] for box in panel.containers)}
    assert len(styles) == 2
    assert "chance" in [text.get_text() for text in panel.get_legend().get_texts()]


def far(distance: int) -> Outcome:
    return outcome(
        values={"sample": {"distance": distance}}, lengths=lengths(("rnn", 1, 9, 0.9, 10), ("rnn", 1, 8, 0.9, 10))
    )


def test_only_a_sweep_over_the_distance_has_a_range() -> None:
    sweep = named(variants={"10": {"sample.distance": 10}, "20": {"sample.distance": 20}})
    points = experiments_report.range_points(sweep, {"it-20": far(20)})
    assert points is not None
    assert points.to_dict("list") == {"model": ["rnn"], "seed": [1], "accuracy": [0.9], "distance": [20]}
    assert experiments_report.range_points(sweep, {}) is None
    assert experiments_report.range_points(named(), {"it": far(20)}) is None
    other = named(variants={"a": {"train.epochs": 2}})
    assert experiments_report.range_points(other, {"it-a": far(20)}) is None


def test_minutes_are_the_mean_over_the_seeds_that_are_known() -> None:
    ours = outcome(seconds={Run("rnn", 1): [60.0, 30.0], Run("rnn", 2): [150.0], Run("lstm", 1): [9e9]})
    assert experiments_report.minutes(ours, "rnn") == "2.0"
    assert experiments_report.minutes(ours, "tfidf") == "–"


def test_a_score_has_its_interval_where_there_is_one() -> None:
    ends = {"intervals": {"rnn": {"mean": 0.65, "low": 0.601, "high": 0.7049}}}
    assert experiments_report.score(outcome(comparison=ends), "rnn") == "65.0 % (60.1 to 70.5)"
    assert experiments_report.score(outcome(comparison=ends), "tfidf") == "80.0 %"
    assert experiments_report.score(series([[1.0]]), "rnn") == "0.5500"


def test_the_table_of_models_ends_with_the_baselines() -> None:
    lines = experiments_report.models_table({"it": outcome(seconds={Run("rnn", 1): [120.0]})}).splitlines()
    assert lines[2:] == [
        "| rnn | 65.0 % | 60.0, 70.0 | 0.250 | 0.250 | 0.250 | 1,234 | 2.0 |",
        "| tfidf | 80.0 % | – | 0.250 | 0.250 | 0.250 | 1,234 | – |",
    ]
    both = experiments_report.models_table({"it-a": outcome(), "it-b": outcome()}).splitlines()
    assert both[0].startswith("| experiment | model | accuracy")
    assert [line.split(" | ")[0] for line in both[2:]] == ["| it-a", "| it-a", "| it-b", "| it-b"]
    assert experiments_report.models_table({"it": series([[1.0]])}).splitlines()[2] == (
        "| rnn | 0.5500 | 0.5000, 0.6000 | 0.250 | 0.250 | 1,234 | – |"
    )


def test_a_result_that_its_file_no_longer_describes_is_marked() -> None:
    setup = Setup("it", {"train.epochs": 3, "train.seeds": [1, 2], "seed": 42}, None)  # type: ignore[arg-type]
    assert experiments_report.drift(setup, outcome()) == []
    changed = Setup("it", {"train.epochs": 4, "no.such": None, "compare": ["lstm"]}, None)  # type: ignore[arg-type]
    assert experiments_report.drift(changed, outcome(edited=["rnnlab/models.py", "dvc.yaml"])) == [
        "it ran with other parameters than its file names now: train.epochs 3, not 4; compare [rnn], not [lstm]",
        "it ran with changes that were not committed: rnnlab/models.py, dvc.yaml",
    ]


def test_what_was_not_run_shows_its_command() -> None:
    text = experiments_report.markdown([named("one"), named("two")], {}, "experiments")
    assert "| [one](#one) | – | – | – | – | – | not run yet: `rnnlab experiments run one` |" in text
    assert text.count("Not run yet: `rnnlab experiments run two`.") == 1
    assert "commit" not in text


def test_the_report_shows_every_experiment_from_the_same_results_alike() -> None:
    original = {"model": "rnn", "accuracy": 0.57}
    sweep = named("far", variants={"10": {"sample.distance": 10}, "20": {"sample.distance": 20}})
    family = [sweep, named("root", original=original, reproduces="<unk>"), named("child", "root")]
    ends = {"rnn": {"mean": 0.65, "low": 0.6, "high": 0.7}}
    outcomes = {
        "root": outcome({"1": "oxxx"}, comparison={"intervals": ends}),
        "child": outcome({"1": "oooo"}, baseline="f" * 40),
        "far-10": far(10),
    }
    text = experiments_report.markdown(family, outcomes, "experiments")
    assert "- Code of commit `0123456789ab`: root, far-10.\n- Code of commit `ffffffffffff`: child." in text
    assert (
        "| [root](#root) | rnn | 57.0 % | 65.0 % (60.0 to 70.0) | 2 | – | "
        "rnn's accuracy was 57.0 % in the original, 3.0 points below our interval of 60.0 % to 70.0 % |"
    ) in text
    assert "| [child](#child) | rnn | – | 65.0 % | 2 | – | child is 75.0 points better than root, " in text
    assert "| [far](#far) | – | – | – | – | – | rnn holds none of the distances" in text
    assert "![Accuracy over distance](experiments/far.png)" in text
    assert "Not run yet (far-20): `rnnlab experiments run far`." in text
    assert r"Reproduces: \<unk>" in text
    assert text == experiments_report.markdown(family, outcomes, "experiments")
    assert not text.endswith("\n\n")


class Repository:
    """A small project in Git, with experiments made by plumbing and a cache like DVC's."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = folder / ".dvc" / "cache"
        folder.mkdir()
        self.git("init", "--quiet")
        (folder / ".git/info/exclude").write_text(".dvc/cache\n")

    def git(self, *words: str) -> str:
        author = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
        done = subprocess.run(("git", *author, *words), cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def write(self, path: str, value: Any) -> None:
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, str):
            target.write_text(value)
            return
        with target.open("w") as stream:  # JSON is YAML, but not the other way round
            json.dump(value, stream) if path.endswith(".json") else YAML(typ="safe").dump(value, stream)

    def commit(self, message: str) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", message)
        return self.git("rev-parse", "HEAD")

    def store(self, content: bytes) -> str:
        digest = hashlib.md5(content).hexdigest()
        file = self.cache / "files" / "md5" / digest[:2] / digest[2:]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        return digest

    def record(self, name: str, baseline: str) -> Recorded:
        """Makes the working tree a DVC experiment and goes back to where it started."""
        found = self.commit(name)
        self.git("update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/{name}", found)
        self.git("reset", "--quiet", "--hard", baseline)
        return Recorded(found, baseline)


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Repository:
    for name in [name for name in os.environ if name.startswith(("GIT_", "DVC_"))]:
        monkeypatch.delenv(name)
    return Repository(tmp_path / "project")


def lay_out(repository: Repository, settings: Params, hits: Mapping[str, str]) -> None:
    """Writes what a run of rnn with seeds 1 and 2 leaves behind; the timings of seed 2 are not in the cache."""
    values = settings.model_dump(mode="json", by_alias=True)
    values["compare"], values["baselines"], values["train"]["seeds"] = ["rnn"], ["tfidf"], [1, 2]
    parquet = repository.folder / "p.parquet"
    predictions(hits).to_parquet(parquet)
    timings = repository.store(json.dumps({"epoch_seconds": [30.0, 60.0]}).encode())
    outs = {
        "evaluate": {"data/predictions.parquet": repository.store(parquet.read_bytes())},
        "train@rnn-1": {"models/rnn-1.keras": "0" * 32, "reports/timings/rnn-1.json": timings},
        "train@rnn-2": {"reports/timings/rnn-2.json": "1" * 32},
        "train@rnn-9": {"reports/timings/rnn-9.json": timings},
        "left-over": {"data/predictions.parquet": timings},
    }
    parquet.unlink()
    stages = {
        name: {"cmd": name, "outs": [{"path": path, "md5": md5} for path, md5 in files.items()]}
        for name, files in outs.items()
    }
    repository.write("dvc.lock", {"schema": "2.0", "stages": stages})
    repository.write("params.yaml", values)
    repository.write("reports/metrics.json", {"rnn": summary(0.6, 0.7), "tfidf": summary(0.8)})
    repository.write("reports/history/rnn-1.csv", history(0.3, 0.2).to_csv(index=False))
    table = lengths(("rnn", 1, 9, 0.9, 10), ("rnn", 2, 9, 0.7, 10)).assign(run="x")
    repository.write("reports/tables/accuracy_by_length.csv", table.to_csv(index=False))


def test_an_experiment_is_read_from_git_and_dvc_s_cache(repository: Repository, settings: Params) -> None:
    repository.write("rnnlab/models.py", "# as committed\n")
    baseline = repository.commit("code")
    lay_out(repository, settings, {"1": "oxo", "2": "oxx"})
    repository.write("rnnlab/models.py", "# not committed\n")
    found = repository.record("wide", baseline)
    assert experiments.recorded(repository.folder) == {"wide": found}
    outcomes = experiments_report.read_outcomes(
        [named("wide"), named("absent")], {"wide": found}, repository.cache, repository.folder
    )
    assert list(outcomes) == ["wide"]
    wide = outcomes["wide"]
    assert wide.baseline == baseline
    assert wide.values["train"]["seeds"] == [1, 2]
    assert wide.metrics["rnn"]["mean"]["accuracy"] == pytest.approx(0.65)
    assert wide.comparison == {}
    assert wide.seconds == {Run("rnn", 1): [30.0, 60.0]}
    assert list(wide.histories) == [Run("rnn", 1)]
    assert wide.histories[Run("rnn", 1)]["val_loss"].tolist() == [0.3, 0.2]
    assert wide.predictions is not None
    assert experiments_report.row_scores(wide.predictions, "rnn").mean().tolist() == pytest.approx([2 / 3, 1 / 3])
    assert wide.lengths is not None
    assert wide.lengths["accuracy"].tolist() == [0.9, 0.7]
    assert wide.edited == ["rnnlab/models.py"]


def test_an_experiment_without_results_counts_as_not_run(repository: Repository, settings: Params) -> None:
    baseline = repository.commit("code")
    repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    found = repository.record("wide", baseline)
    assert experiments_report.read_outcome(found, repository.cache, repository.folder) is None


def test_an_empty_cache_costs_dashes_only(repository: Repository, settings: Params, tmp_path: Path) -> None:
    baseline = repository.commit("code")
    lay_out(repository, settings, {"1": "oxo", "2": "oxx"})
    found = repository.record("wide", baseline)
    wide = experiments_report.read_outcome(found, tmp_path / "no cache", repository.folder)
    assert wide is not None
    assert wide.predictions is None
    assert experiments_report.minutes(wide, "rnn") == "–"
    assert "| rnn | 65.0 % | 60.0, 70.0 |" in experiments_report.markdown([named("wide")], {"wide": wide}, "x")


def test_the_report_is_written_twice_with_the_same_bytes(
    repository: Repository, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repository.folder
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["dvc", "init", "--quiet"], check=True)
    repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    texts = {"title": "Far", "reproduces": "a", "expects": "b", "data": "embedded"}
    variants = {"10": {"sample.distance": 10}, "20": {"sample.distance": 20}}
    repository.write("experiments/far.yaml", {**texts, "params": {"train.seeds": [1, 2]}, "variants": variants})
    repository.write("experiments/wide.yaml", texts)
    baseline = repository.commit("code")
    for name in ("far-10", "wide"):
        lay_out(repository, settings, {"1": "oxo", "2": "oxx"})
        repository.record(name, baseline)
    target = folder / "reports" / "mine.md"
    written = experiments_report.write(target)
    assert written == [target, folder / "reports/mine/far.png"]
    before = [file.read_bytes() for file in written]
    assert b"](mine/far.png)" in before[0]
    assert b"Not run yet (far-20)" in before[0]
    assert before[1].startswith(b"\x89PNG")
    experiments_report.write(target)
    assert [file.read_bytes() for file in written] == before
