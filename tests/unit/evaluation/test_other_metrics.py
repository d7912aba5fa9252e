"""Metrics of others are figures like ours, with intervals that cover; one that does not work is a sentence."""

from pathlib import Path

import numpy as np
import pytest

from rnnlab.evaluation import figure_intervals, metrics, other_metrics, series_metrics, statistics, tables
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS, decide
from tests.support.extensions import recipe, write_extension
from tests.support.results import changed
from tests.unit.evaluation.test_figure_intervals import columns, drawn


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_extension(tmp_path, "metrics", "cost")
    return tmp_path


def figures(settings: Params, *names: str) -> dict[str, metrics.Figure]:
    return other_metrics.find_labelled(changed(settings, evaluate__metrics=list(names)))


def test_ours_are_those_that_the_parameters_name() -> None:
    of_labels = {*metrics.FIGURES, *metrics.OF_TWO, *metrics.OF_MORE}
    assert of_labels == set(TASKS["text"].scores) == set(TASKS["sequences"].scores)
    values = np.arange(4.0)[:, None]
    scored = series_metrics.score(values, values + 1) | series_metrics.interval_figures(values, values, np.ones(1))
    assert set(scored) == set(TASKS["series"].scores)


def test_the_recipe_is_a_figure_beside_ours(settings: Params) -> None:
    labels, probabilities = np.array([0, 0, 1, 1]), np.array([0.1, 0.3, 0.15, 0.9], np.float32)
    found = metrics.score(metrics.answer(labels, probabilities), figures(settings, "cost", "mcc"))
    assert found["cost"] == pytest.approx((0 + 1 + 5 + 0) / 4)  # from 1/6 on, positive is the cheaper answer
    assert set(found) == {*metrics.score(metrics.answer(labels, probabilities)), "cost"}
    assert len(recipe("metrics").splitlines()) < 30


def test_one_of_more_labels_is_given_the_probability_of_each(settings: Params, project: Path) -> None:
    write_extension(project, "metrics", "mine", "def mine(labels, said):\n    return said[labels == 2, 2].sum()\n")
    labels, probabilities = drawn(np.random.default_rng(1), 50, 3, 1.0)
    found = metrics.score(metrics.answer(labels, probabilities), figures(settings, "mine"))
    assert found["mine"] == pytest.approx(probabilities[labels == 2, 2].sum())


def test_intervals_cover(settings: Params, project: Path) -> None:
    """1,000 test sets of 300 rows from one model: 95 % intervals hold the true figure in about 95 of 100."""
    code = "def mine(labels, said):\n    given = said[:, 1] > 0.5\n"
    code += "    return 2 * (given & (labels == 1)).sum() / (given.sum() + labels.sum())\n"
    write_extension(project, "metrics", "mine", code)  # F1, which is no mean over rows
    others, draw, held = figures(settings, "cost", "mine"), np.random.default_rng(3), {"cost": 0, "mine": 0}
    truth = metrics.score(metrics.answer(*drawn(draw, 200_000, 2, 1.5)), others)
    for _ in range(1000):
        labels, probabilities = drawn(draw, 300, 2, 1.5)
        said = metrics.Said(labels, probabilities, decide(probabilities))
        for name, values in figure_intervals.jackknifed(said, others).items():
            ends = figure_intervals.interval(name, values[None])
            held[name] += ends.low <= truth[name] <= ends.high
    assert {name: count / 1000 for name, count in held.items() if not 0.925 <= count / 1000 <= 0.975} == {}


def test_its_interval_is_that_of_a_mean_and_widens_with_seeds_that_differ(settings: Params) -> None:
    others: dict[str, metrics.Figure] = {"right": lambda said: float((said.labels == said.predicted).mean())}
    draw = np.random.default_rng(0)
    labels, one = drawn(draw, 4000, 2, 1.5)
    flat = np.full(4000, 0.4, np.float32)
    for seeds in ([one], [one, one], [one, flat, one]):
        said = {"rnn": [metrics.answer(labels, each) for each in seeds]}
        mine = figure_intervals.table(columns(labels), said, others).query("figure == 'right'").iloc[0]
        right = np.stack([decide(each) == labels for each in seeds]).astype(float)
        ours = statistics.estimate(right).interval()
        assert mine["mean"] == pytest.approx(ours.mean)
        assert mine["high"] - mine["low"] == pytest.approx(ours.high - ours.low, rel=0.25)


def test_a_series_gives_values_and_forecasts(settings: Params, project: Path) -> None:
    write_extension(project, "metrics", "bias", "def bias(true, forecast):\n    return (forecast - true).mean()\n")
    [bias] = other_metrics.find(changed(settings, evaluate__metrics=["bias"])).values()
    assert bias(np.zeros((3, 2)), np.full((3, 2), 0.5)) == 0.5


def test_the_table_has_a_column_for_each(settings: Params) -> None:
    means = {"accuracy": 0.9, "roc_auc": 0.8, "mcc": 0.7, "net_cost": 2.5}
    models = {"rnn": {"mean": means, "sd": dict.fromkeys(means, 0.0), "per_seed": {}, "parameters": None}}
    shown = tables.figures_shown(TASKS["text"], models.values(), {"metrics": ["net_cost", "mcc", "roc_auc", "gone"]})
    assert shown == {"test accuracy": "accuracy", "ROC AUC": "roc_auc", "test net cost": "net_cost", "test mcc": "mcc"}
    [row] = tables.results_rows(models, {}, {"metrics": ["net_cost"]})
    assert (row["test net cost"], row["parameters"]) == ("2.500", "–")


MISTAKES = {
    "an error": ("def bad(labels, said):\n    1 / 0", r"bad raises ZeroDivisionError \(division by zero\)"),
    "no number": ("def bad(labels, said):\n    return said", "bad raises TypeError"),
    "nothing": ("def bad(labels, said):\n    return float('nan')", "bad returns nan; expected a finite number"),
    "no function": ("bad = 1", "defines no functions without an underscore; expected one"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_that_does_not_work_is_a_sentence(settings: Params, project: Path, mistake: str) -> None:
    code, sentence = MISTAKES[mistake]
    write_extension(project, "metrics", "bad", code)
    labels, probabilities = drawn(np.random.default_rng(1), 50, 2, 1.0)
    with pytest.raises(UserError, match=rf"^extensions/metrics/bad\.py: {sentence}"):
        metrics.score(metrics.answer(labels, probabilities), figures(settings, "bad"))


def test_a_name_is_refused_with_its_key(settings: Params, project: Path) -> None:
    with pytest.raises(UserError, match=r"evaluate\.metrics: must be accuracy, .*an entry point NAME of rnnlab\.met"):
        figures(settings, "costs")
    with pytest.raises(UserError, match=r"evaluate\.metrics: has the same entry twice"):
        figures(settings, "cost", "cost")
    write_extension(project, "metrics", "mcc")
    with pytest.raises(UserError, match=r"extensions/metrics/mcc\.py: mcc is the name of one that rnnlab has"):
        figures(settings, "cost")
