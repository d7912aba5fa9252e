import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from rnnlab.project.params import Params
from rnnlab.project.results import Result
from rnnlab.report import known_sweeps, learning_curve
from tests.support.builders import named, result, summary
from tests.unit.experiments.test_catalogue import committed

SHARES = (0.05, 0.1, 0.25, 0.5, 1.0)


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def trained(means: Mapping[str, float], width: float = 0.02, shown: Sequence[str] = (), **values: Any) -> Result:
    """A result with these accuracies; ``shown`` names pairs, such as "lstm nbsvm", that a verdict is shown of."""
    baselines = [name for name in means if name not in ("rnn", "lstm")]
    intervals = {name: {"mean": mean, "low": mean - width, "high": mean + width} for name, mean in means.items()}
    pairs = [
        {"first": first, "second": second, "shown": f"{first} {second}" in shown}
        for first, second in combinations(means, 2)
        if not {first, second} <= set(baselines)
    ]
    metrics = {name: summary(mean) for name, mean in means.items()}
    compare = [name for name in means if name not in baselines]
    return result(
        values={"compare": compare, "baselines": baselines, **values},
        metrics=metrics,
        comparison={"intervals": intervals, "pairs": pairs},
    )


def points(by_model: Mapping[str, Sequence[float]], **options: Any) -> pd.DataFrame:
    tables = []
    for place, share in enumerate(SHARES):
        found = learning_curve.rows(trained({name: means[place] for name, means in by_model.items()}, **options))
        assert found is not None
        tables.append(found.assign(train_share=share))
    return pd.concat(tables, ignore_index=True)


def test_a_model_overtakes_another_between_the_shares_where_either_lead_is_shown() -> None:
    # At 25 % the intervals of lstm and nbsvm overlap.
    found = points({"lstm": [0.5, 0.7, 0.83, 0.9, 0.95], "nbsvm": [0.8, 0.8, 0.82, 0.82, 0.82]})
    assert learning_curve.sentence(found) == "lstm overtakes nbsvm between 10 and 50 % of the training rows"


def test_a_verdict_shows_a_lead_where_the_intervals_overlap() -> None:
    means = {"lstm": [0.5, 0.7, 0.83, 0.9, 0.95], "nbsvm": [0.8, 0.8, 0.82, 0.82, 0.82]}
    found = points(means, shown=["lstm nbsvm"])
    assert learning_curve.sentence(found) == "lstm overtakes nbsvm between 10 and 25 % of the training rows"


def test_who_never_overtakes_and_who_leads_from_where_on_is_told() -> None:
    found = points(
        {
            "rnn": [0.5, 0.6, 0.65, 0.7, 0.7],
            "lstm": [0.5, 0.61, 0.8, 0.9, 0.95],
            "majority": [0.5] * 5,
            "tfidf": [0.75] * 5,
            "nbsvm": [0.96] * 5,
        }
    )
    assert learning_curve.sentence(found) == (
        "lstm overtakes tfidf between 10 and 25 % of the training rows; rnn is behind lstm from 25 % on;"
        " rnn leads majority from 10 % on; rnn never overtakes tfidf and nbsvm; lstm leads majority from 10 % on;"
        " lstm is behind nbsvm up to 50 %"
    )


def test_what_is_not_shown_is_said_to_be_so() -> None:
    found = points({"rnn": [0.6, 0.61, 0.6, 0.61, 0.6], "lstm": [0.61] * 5, "tfidf": [0.6] * 5})
    assert learning_curve.sentence(found) == (
        "not shown at any share that rnn differs from lstm and tfidf;"
        " not shown at any share that lstm differs from tfidf"
    )


def test_a_lead_at_some_shares_only_names_them_and_two_baselines_are_not_compared() -> None:
    found = points({"lstm": [0.6, 0.7, 0.6, 0.7, 0.6], "majority": [0.6] * 5, "tfidf": [0.3] * 5})
    assert learning_curve.sentence(found) == "lstm leads majority at 10, 50 %; lstm leads tfidf at every share"


def test_a_rise_and_a_fall_are_two_overtakings() -> None:
    found = points({"lstm": [0.5, 0.9, 0.9, 0.9, 0.5], "tfidf": [0.7] * 5})
    assert learning_curve.sentence(found) == (
        "lstm overtakes tfidf between 5 and 10 % of the training rows;"
        " tfidf overtakes lstm between 50 and 100 % of the training rows"
    )


def test_of_errors_the_smaller_is_ahead() -> None:
    measured = trained({"rnn": 0.2, "last_value": 0.4}, task="series")
    found = learning_curve.rows(measured._replace(metrics={n: summary(0.2, figure="mse") for n in measured.metrics}))
    assert found is not None
    assert found.set_index("model")["ahead_of"].to_dict() == {"rnn": "last_value", "last_value": ""}


def test_the_sentence_is_the_same_from_the_file_that_the_page_reads() -> None:
    found = points({"lstm": [0.5, 0.7, 0.83, 0.9, 0.95], "nbsvm": [0.8] * 5, "majority": [0.4] * 5})
    read = pd.read_csv(io.StringIO(found.to_csv(index=False)))
    assert learning_curve.sentence(read) == learning_curve.sentence(found)
    swept = known_sweeps.of_points(read)
    assert swept is not None and swept.sweep is learning_curve.SWEEP
    assert known_sweeps.of_points(pd.DataFrame({"model": ["rnn"]})) is None


def test_a_learning_curve_is_drawn_with_its_intervals_over_a_logarithmic_share() -> None:
    found = points({"lstm": [0.5, 0.7, 0.83, 0.9, 0.95], "nbsvm": [0.8] * 5})
    [panel] = learning_curve.draw(found).axes
    assert panel.get_xscale() == "log"
    assert [text.get_text() for text in panel.get_xticklabels()] == ["5 %", "10 %", "25 %", "50 %", "100 %"]
    drawn = {line.get_label(): line for line in panel.lines}
    assert np.asarray(drawn["lstm"].get_ydata()).tolist() == [0.5, 0.7, 0.83, 0.9, 0.95]
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["lstm", "nbsvm"]
    marks = [each.lines[0] for each in panel.containers]  # type: ignore[attr-defined]
    assert len({mark.get_marker() for mark in marks}) == len({mark.get_color() for mark in marks}) == 2
    bars = [np.asarray(segment) for each in panel.containers for segment in each.lines[2][0].get_segments()]  # type: ignore[attr-defined]
    assert np.ptp(bars[0][:, 1]) == pytest.approx(0.04)


def test_only_a_sweep_over_the_training_rows_is_a_learning_curve() -> None:
    experiment = named(variants={"10": {"split.train_share": 0.1}, "100": {"split.train_share": 1.0}})
    tenth = trained({"lstm": 0.8, "tfidf": 0.7}, split={"train_share": 0.1})
    lost = result(values={"split": {"train_share": 1.0}})  # without a comparison
    swept = known_sweeps.of_experiment(experiment, {"it-10": tenth, "it-100": lost})
    assert swept is not None
    assert swept.points[["model", "train_share", "network", "ahead_of"]].values.tolist() == [
        ["lstm", 0.1, True, "tfidf"],
        ["tfidf", 0.1, False, ""],
    ]
    assert swept.sentence == "lstm leads tfidf at 10 %"
    assert known_sweeps.of_experiment(named(variants={"a": {"train.epochs": 2}}), {"it-a": tenth}) is None


def test_the_committed_experiment_gives_each_share_about_as_many_steps(settings: Params) -> None:
    setups = committed("learning-curve", settings).setups
    assert [setup.settings.split.train_share for setup in setups] == list(SHARES)
    assert {len(setup.settings.train.seeds) for setup in setups} == {5}
    rows = 0.72 * settings.sample.rows
    steps = [
        setup.settings.train.epochs * np.ceil(rows * setup.settings.split.train_share / setup.settings.train.batch_size)
        for setup in setups
    ]
    assert max(steps) / min(steps) < 1.2
    assert {setup.settings.train.epochs / setup.settings.train.patience for setup in setups} == {4.0}
