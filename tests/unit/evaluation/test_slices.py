"""Results by the values of a column."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.evaluation import comparisons, slices, tables
from rnnlab.project.errors import UserError
from rnnlab.project.params import NO_SEED
from rnnlab.project.tasks import ORIGIN, SLICE, TASKS
from rnnlab.report import result_page

TEXT, SERIES = TASKS["text"], TASKS["series"]
ROWS = 400


def predictions(rare: int = 0) -> pd.DataFrame:
    """Where rows are near, both networks are right; where they are far, the rnn guesses."""
    draw = np.random.default_rng(3)
    label = np.arange(ROWS) % 2
    place = np.where(np.arange(ROWS) < ROWS // 2, "far", "near").astype(object)
    place[:rare] = "rare"
    parts = []
    for model, seeds in {"rnn": [1, 2, 3], "lstm": [1, 2, 3], "tfidf": [NO_SEED]}.items():
        for seed in seeds:
            right = np.ones(ROWS, bool)
            if model == "rnn":
                right = (place != "far") | (draw.random(ROWS) < 0.5)
            probability = np.where(right, label, 1 - label).astype(np.float32)
            columns = {"id": [f"{row:04}" for row in range(ROWS)], "label": label, "slice_place": place}
            parts.append(pd.DataFrame({**columns, "model": model, "seed": seed, "probability": probability}))
    return pd.concat(parts, ignore_index=True)


def compared(table: pd.DataFrame) -> list[dict[str, Any]]:
    return slices.compare(TEXT, table, ["rnn", "lstm", "tfidf"], ["tfidf"], 0.01)


def test_each_slice_has_its_own_figures_the_worst_first() -> None:
    far, near = compared(predictions())
    assert (far["column"], far["value"], far["rows"]) == ("place", "far", ROWS // 2)
    assert near["value"] == "near"
    assert near["intervals"]["rnn"]["mean"] == 1.0
    assert far["intervals"]["lstm"]["mean"] == far["intervals"]["tfidf"]["mean"] == 1.0
    own = far["intervals"]["rnn"]
    assert own["low"] < 0.5 < own["high"] and own["low"] < own["mean"] < own["high"] < 0.7


def test_the_networks_are_judged_in_each_slice() -> None:
    far, near = compared(predictions())
    [there], [here] = far["pairs"], near["pairs"]
    assert there["shown"] and {there["first"], there["second"]} == {"rnn", "lstm"}
    assert not here["shown"]
    assert there["significance"] == 0.05 / 2  # both slices are one family


def test_a_slice_of_few_rows_and_a_column_of_one_value_are_left_out() -> None:
    assert [each["value"] for each in compared(predictions(rare=9))] == ["far", "near"]
    assert compared(predictions().assign(slice_place="(blank)")) == []
    assert compared(predictions().drop(columns="slice_place")) == []


def test_slices_are_told_in_words_and_tables() -> None:
    comparison = {"measure": "accuracy", "pairs": [], "slices": compared(predictions())}
    first, second = comparisons.sentences(comparison)
    assert first.startswith("Where place is far (200 test rows), lstm beats rnn by ")
    assert second.startswith("Where place is near (200 test rows), lstm and rnn score the same on every test row.")
    [far, near] = comparisons.slice_tables(comparison)["place"]
    assert (far["place"], far["test rows"], near["place"]) == ("far", "200", "near")
    assert far["lstm"].startswith("100.00 % (")
    assert comparisons.slice_tables({"measure": "accuracy"}) == {}  # of an earlier version


def test_a_few_slices_stand_in_the_table_of_results() -> None:
    comparison = {"measure": "accuracy", "slices": compared(predictions())}
    figures = {"accuracy": 0.75, "f1": 0.7, "roc_auc": 0.8, "log_loss": 0.5}
    metrics = {name: {"mean": figures, "per_seed": {}, "parameters": 3} for name in ("rnn", "lstm")}
    rnn, lstm = tables.results_rows(metrics, {}, comparison)
    assert lstm["place far"] == lstm["place near"] == rnn["place near"] == "1.000"
    assert rnn["place far"] == f"{comparison['slices'][0]['intervals']['rnn']['mean']:.3f}"
    many = [{**each, "value": str(number)} for number, each in enumerate(comparison["slices"] * 3)]
    assert "place 0" not in tables.results_rows(metrics, {}, {**comparison, "slices": many})[0]


def forecasts(rows: int = 90) -> pd.DataFrame:
    """Two steps from each row: the rnn is worse than the last value in the last third alone."""
    first, step = np.divmod(np.arange(2 * rows), 2)
    noise = np.random.default_rng(4).normal(size=2 * rows)
    parts = []
    for model, seed in (("rnn", 1), ("rnn", 2), ("lstm", 1), ("lstm", 2), ("last_value", NO_SEED)):
        size = {"rnn": np.where(first < 60, 1.0, 9.0), "lstm": 1.0 + 0.01 * seed, "last_value": 2.0}[model]
        columns = {"row": 1001 + first, "step": step + 1, "target": 0.0, "predicted": size * noise}
        parts.append(pd.DataFrame({**columns, "model": model, "seed": seed}))
    return pd.concat(parts, ignore_index=True)


def by_origin(origins: int) -> list[dict[str, Any]]:
    cut = slices.by_origin(SERIES, forecasts(), origins)
    return slices.compare(SERIES, cut, ["rnn", "lstm", "last_value"], ["last_value"], 0.01)


def test_a_series_is_scored_in_stretches_of_its_test_rows_in_the_order_of_time() -> None:
    found = by_origin(3)
    assert [each["value"] for each in found] == ["rows 1,001 to 1,030", "rows 1,031 to 1,060", "rows 1,061 to 1,090"]
    assert [each["rows"] for each in found] == [30, 30, 30]
    errors = forecasts().query("model == 'rnn' and row > 1060")["predicted"] ** 2
    assert found[2]["intervals"]["rnn"]["mean"] == pytest.approx(errors.mean())
    assert found[0]["intervals"]["rnn"]["mean"] < found[2]["intervals"]["rnn"]["mean"]
    ahead = ["lstm" if pair["difference"]["mean"] < 0 else "rnn" for each in found for pair in each["pairs"]]
    assert ahead == ["rnn", "rnn", "lstm"]


def test_each_window_is_in_one_stretch_with_all_its_steps_whatever_their_number() -> None:
    for origins in (2, 4, 7):
        cut = slices.by_origin(SERIES, forecasts(), origins)
        [column] = set(cut) - set(forecasts())
        assert (cut.groupby("row")[column].nunique() == 1).all()
        sizes = cut.groupby(column)["row"].nunique()
        assert len(sizes) == origins and sizes.max() - sizes.min() <= 1


def test_one_stretch_is_no_slice() -> None:
    assert slices.by_origin(SERIES, table := forecasts(), 1) is table
    assert by_origin(1) == []


def test_stretches_of_few_rows_are_refused() -> None:
    with pytest.raises(UserError, match=r"evaluate.origins: 90 test rows cannot be cut into 10: expected 10 in each"):
        by_origin(10)


def test_it_is_told_whether_a_ranking_holds_over_time_and_that_nothing_was_refitted() -> None:
    comparison = {"measure": "mse", "pairs": [], "slices": by_origin(3)}
    ranking, first, *_ = comparisons.sentences(comparison)
    assert ranking == (
        "Of 3 stretches of the test rows, one after the other, the least mean squared error is that of rnn in 2,"
        " lstm in 1; no model was fitted again between them."
    )
    assert first.startswith("In rows 1,001 to 1,030 (30 test rows), ")
    [table] = result_page.slices_tables(comparison, ["rnn", "lstm", "last_value"])
    assert table.caption.startswith("Test mean squared error by origin, not refitted, with")
    assert comparisons.slice_means(comparison, 4) == {}


def test_several_series_are_slices_and_cut_into_stretches_by_their_ends() -> None:
    rows = [*range(1, 41), *range(101, 121)]
    table = pd.DataFrame({"row": rows, "step": 1, "series": ["z"] * 40 + ["a"] * 20, "unit": 1.0})
    assert slices.by_series(table)["slice_series"].tolist() == table["series"].tolist()
    assert "slice_series" not in slices.by_series(table.drop(columns="series"))
    cut = slices.by_origin(TASKS["series"], table, 2)[f"{SLICE}{ORIGIN}"]
    assert cut.unique().tolist() == ["windows 21 to 40 from the end", "windows 1 to 20 from the end"]
    assert (cut[40:] == "windows 1 to 20 from the end").all()
