from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from rnnlab.experiments import drift
from rnnlab.experiments.drift import Sample, Verdict
from rnnlab.project.params import Drift
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from tests.support.builders import COMMIT, summary

LIMITS = Drift(tolerance=0.01, significance=0.001)
OUTS = {"ingest": "data/interim/rows.parquet", "tokenize_pad": "data/features/train"}


def judged(
    before: list[float], now: list[float], *, rows: int = 1200, same_rows: bool = True, **changes: Any
) -> Verdict:
    measure = changes.pop("measure", ACCURACY)
    limits = LIMITS.model_copy(update=changes)
    return drift.judge("lstm", Sample(before, rows), Sample(now, rows), limits, measure=measure, same_rows=same_rows)


def result(name: str, metrics: dict[str, Any], version: str = "a" * 32) -> Result:
    stages = {stage: {"outs": [{"path": path, "md5": version}]} for stage, path in OUTS.items()}
    values = {"compare": ["rnn", "lstm"], "baselines": ["tfidf"]}
    return Result(name, "git revision", values, metrics, COMMIT, stages=stages)


def test_the_same_result_is_the_same() -> None:
    assert judged([0.97, 0.98, 0.98], [0.97, 0.98, 0.98]).word == "the same"
    assert judged([0.97], [0.97]).word == "the same"


def test_the_p_value_is_welchs() -> None:
    before, now = [0.98, 0.97, 0.985], [0.93, 0.90, 0.95]
    expected = ttest_ind(before, now, equal_var=False, alternative="greater").pvalue
    assert judged(before, now).p_value == pytest.approx(expected)


def test_a_fall_far_beyond_the_spread_of_seeds_is_worse_and_a_rise_better() -> None:
    assert judged([0.980, 0.981, 0.979], [0.90, 0.902, 0.901]).word == "worse"
    assert judged([0.90, 0.902, 0.901], [0.980, 0.981, 0.979]).word == "better"


def test_a_fall_within_the_spread_of_seeds_is_noise() -> None:
    assert judged([0.65, 0.72, 0.79], [0.60, 0.66, 0.72]).word == "within noise"


def test_a_fall_within_the_tolerance_is_noise_however_sure() -> None:
    assert judged([0.9800, 0.9801, 0.9799], [0.9720, 0.9721, 0.9719]).word == "within noise"
    assert judged([0.9800, 0.9801, 0.9799], [0.9720, 0.9721, 0.9719], tolerance=0.001).word == "worse"


def test_a_model_without_seeds_has_the_tolerance_alone() -> None:
    assert judged([0.97], [0.965]).word == "within noise"
    assert judged([0.97], [0.95]).word == "worse"


def test_other_rows_bring_their_own_noise() -> None:
    assert judged([0.90], [0.87], rows=200, same_rows=False).word == "within noise"
    assert judged([0.90], [0.87], rows=25_000, same_rows=False).word == "worse"
    assert judged([0.90], [0.87], rows=200).word == "worse"


def test_a_larger_error_of_a_series_is_worse() -> None:
    assert judged([0.0100, 0.0101, 0.0099], [0.0200, 0.0201, 0.0199], measure=MEAN_SQUARED_ERROR).word == "worse"
    assert judged([0.0100, 0.0101, 0.0099], [0.0050, 0.0051, 0.0049], measure=MEAN_SQUARED_ERROR).word == "better"
    assert judged([1000.0], [1005.0], measure=MEAN_SQUARED_ERROR).word == "within noise"


@pytest.mark.parametrize("seeds", [1, 3, 5])
def test_false_alarms_are_as_rare_as_the_level_says(seeds: int) -> None:
    # Weekly results that differ by seed and by row, and by nothing else.
    generator, level, alarms, trials = np.random.default_rng(seeds), 0.02, 0, 400
    for _ in range(trials):
        drawn = generator.normal(0.9, 0.01 if seeds > 1 else 0.0, (2, seeds)) + generator.normal(0, 0.0095, (2, 1))
        options = {"rows": 1000, "same_rows": False, "tolerance": 0.0, "significance": level}
        alarms += judged(*map(list, drawn), **options).word == "worse"
    assert alarms <= 2 * level * trials


def test_new_and_gone_models_are_told() -> None:
    before, now = result("HEAD", {"rnn": summary(0.6, 0.7)}), result("workspace", {"lstm": summary(0.9, 0.9)})
    assert [(found.model, found.word) for found in drift.verdicts(before, now, (100, 100), LIMITS)] == [
        ("lstm", "new"),
        ("rnn", "gone"),
    ]


def test_rows_are_the_same_where_the_data_are() -> None:
    before = result("HEAD", {"tfidf": summary(0.90)})
    same, other = (result("workspace", {"tfidf": summary(0.87)}, version) for version in ("a" * 32, "b" * 32))
    assert [found.word for found in drift.verdicts(before, same, (200, 200), LIMITS)] == ["worse"]
    assert [found.word for found in drift.verdicts(before, other, (200, 200), LIMITS)] == ["within noise"]


def test_the_summary_says_what_became_worse_and_what_changed() -> None:
    before = result("HEAD", {"rnn": summary(0.7, 0.7), "lstm": summary(0.98, 0.98)})
    now = result("workspace", {"rnn": summary(0.7, 0.7), "lstm": summary(0.5, 0.5)})
    now = now._replace(values={**now.values, "train": {"epochs": 1}})
    data = {"data": {"rows_kept": 10}}, {"data": {"rows_kept": 12, "rows_rejected": 1}}
    found = drift.verdicts(before, now, (100, 100), LIMITS)
    curves = {"lstm": pd.Series([0.7, 0.65], index=[1, 2])}
    told = drift.summary(before, now, found, data, curves)
    assert told.startswith("# Worse than HEAD: lstm\n")
    assert "| lstm    |" in told
    assert "-0.4800" in told
    assert "- `train.epochs`: – → `1`" in told
    assert "- `data.rows_kept`: `10` → `12`" in told
    assert "- `data.rows_rejected`: – → `1`" in told
    assert "line [0.7, 0.65]" in told


def test_other_texts_are_a_change_of_the_data_where_all_counts_are_the_same() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}, name[0] * 32) for name in ("a", "b"))
    told = drift.summary(before, now, [], ({"data": {"rows": 10}}, {"data": {"rows": 10}}), {})
    assert "- `version.clean rows`: `aaaaaaaa` → `bbbbbbbb`" in told


def test_the_summary_of_no_change_is_short() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}) for name in ("HEAD", "workspace"))
    found = drift.verdicts(before, now, (100, 100), LIMITS)
    told = drift.summary(before, now, found, ({}, {}), {})
    assert told.startswith("# No model is worse than in HEAD\n")
    assert "Parameters: unchanged." in told
    assert "Data: unchanged." in told


def test_many_changes_are_counted() -> None:
    before, now = (result(name, {"tfidf": summary(0.9)}) for name in ("HEAD", "workspace"))
    data = {}, {str(number): number for number in range(drift.SHOWN + 5)}
    assert "- and 5 more" in drift.summary(before, now, [], data, {})
