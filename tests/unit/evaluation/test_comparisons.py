import re
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.evaluation import comparisons
from rnnlab.project.errors import UserError
from rnnlab.project.params import NO_SEED
from rnnlab.project.tasks import TASKS

RIGHT = {  # of six rows with the labels 1 0 1 0 1 0
    ("rnn", 1): [1, 0, 0, 1, 1, 1],
    ("rnn", 2): [1, 0, 1, 1, 0, 0],
    ("lstm", 1): [1, 1, 1, 1, 1, 1],
    ("lstm", 2): [1, 1, 1, 1, 1, 0],
    ("majority", NO_SEED): [1, 0, 1, 0, 1, 0],
    ("tfidf", NO_SEED): [1, 1, 1, 1, 0, 0],
}


TEXT, SERIES = TASKS["text"], TASKS["series"]
NAMES = ("rnn", "lstm", "majority", "tfidf")
BASELINES = ("majority", "tfidf")


def predictions() -> pd.DataFrame:
    labels = np.array([1, 0, 1, 0, 1, 0])
    tables = [
        pd.DataFrame(
            {
                "id": [f"r{row}" for row in range(6)],
                "label": labels,
                "model": model,
                "seed": seed,
                "probability": np.where(right, labels, 1 - labels) * 0.8 + 0.1,
            }
        )
        for (model, seed), right in RIGHT.items()
    ]
    return pd.concat(tables, ignore_index=True)


def pair(comparison: dict[str, Any], first: str, second: str) -> dict[str, Any]:
    return next(each for each in comparison["pairs"] if (each["first"], each["second"]) == (first, second))


def compared(scores: dict[str, Any] | None = None) -> dict[str, Any]:
    scores = scores or comparisons.scores_by_model(TEXT, predictions(), NAMES)
    return comparisons.compare(TEXT, scores, BASELINES, 0.01)


def test_what_was_matched_comes_before_the_verdicts() -> None:
    sizes = [
        {"model": "rnn", "units": 76, "recurrent_parameters": 8284},
        {"model": "lstm", "units": 32, "recurrent_parameters": 8320},
    ]
    by = {"parameters": "recurrent parameters", "time": "seconds per epoch"}
    for match, words in by.items():
        told = comparisons.sentences(compared() | {"matched": {"by": match, "networks": sizes}})
        sentence = f"Matched by {words}: rnn has 76 units and 8,284 recurrent parameters, lstm 32 and 8,320."
        assert told == [sentence, *comparisons.sentences(compared())]
    assert comparisons.match_sentence(compared()) == ""


def test_scores_are_right_or_wrong_by_seed_and_row() -> None:
    scores = comparisons.scores_by_model(TEXT, predictions(), NAMES)
    assert scores["rnn"].tolist() == [RIGHT["rnn", 1], RIGHT["rnn", 2]]
    assert scores["tfidf"].tolist() == [RIGHT["tfidf", NO_SEED]]


def test_rows_of_a_seed_that_has_no_prediction_are_told() -> None:
    lacking = predictions().drop(index=9)  # of the second seed of rnn
    with pytest.raises(
        UserError, match=r"^rnn, seed 2: some test rows have no prediction; run the evaluate stage again"
    ):
        comparisons.scores_by_model(TEXT, lacking, NAMES)


def test_every_pair_but_two_baselines_is_compared() -> None:
    comparison = compared()
    pairs = {(each["first"], each["second"]) for each in comparison["pairs"]}
    assert pairs == {("lstm", "rnn"), ("rnn", "majority"), ("rnn", "tfidf"), ("lstm", "majority"), ("lstm", "tfidf")}
    assert set(comparison["intervals"]) == set(NAMES)
    assert (comparison["seeds"], comparison["rows"]) == (2, 6)


def test_a_pair_has_its_difference_and_a_sentence() -> None:
    found = pair(compared(), "lstm", "rnn")
    assert found["difference"]["mean"] == pytest.approx(11 / 12 - 7 / 12)
    assert found["difference"]["low"] <= found["difference"]["mean"] <= found["difference"]["high"]
    assert "two seeds are too few to tell" in found["sentence"]


def test_one_seed_gives_intervals_over_rows() -> None:
    one = predictions()[lambda rows: rows["seed"] != 2]
    comparison = compared(comparisons.scores_by_model(TEXT, one, NAMES))
    assert comparison["seeds"] == 1
    assert pair(comparison, "lstm", "rnn")["sentence"].endswith("; another seed may differ")
    assert comparisons.basis(comparison).startswith(
        "95 % intervals over 6 test rows, but not over seeds, as there is one"
    )


def test_an_accuracy_stays_between_0_and_1() -> None:
    scores = {"rnn": np.ones((3, 50)), "lstm": np.tile([[1.0] * 49 + [0.0]], (3, 1)), "tfidf": np.zeros((1, 50))}
    ends = compared(scores)["intervals"]
    assert ends["rnn"]["high"] == 1.0
    assert 0.9 < ends["rnn"]["low"] < 0.96
    assert ends["lstm"]["high"] < 1.0
    assert ends["tfidf"]["low"] == 0.0


def test_seeds_in_two_groups_are_found_and_told() -> None:
    solved = np.array([[0.98], [0.5], [0.97], [0.51], [0.98]])
    row = (np.arange(1, 201) - 0.5) / 200
    scores = {"rnn": (row < solved).astype(float), "lstm": np.tile(row < 0.9, (5, 1)).astype(float)}
    comparison = compared(scores)
    assert list(comparison["groups"]) == ["rnn"]
    [sentence] = comparisons.group_sentences(comparison)
    assert sentence == (
        "The seeds of rnn fall into two groups: 3 of 5 reach about 97.7 % (15 to 95 % of such seeds, by exact 95 %"
        " limits), the others 50.5 %."
    )
    assert f"- {sentence}" in comparisons.markdown(comparison)


def test_a_pair_remarks_on_seeds_that_had_not_converged() -> None:
    found = {"rnn": {"seeds": 2, "reasons": {"1": "best epoch 12 of 12"}}, "lstm": {"seeds": 2, "reasons": {}}}
    scores = comparisons.scores_by_model(TEXT, predictions(), NAMES)
    comparison = comparisons.compare(TEXT, scores, BASELINES, 0.01, found)
    remark = "not converged: 1 of 2 seeds of rnn"
    assert comparison["convergence"] == found
    assert sum(remark in each["remarks"] for each in comparison["pairs"]) == 3  # all that have the rnn
    assert pair(comparison, "lstm", "rnn")["sentence"].endswith(f"; {remark}")
    assert "converged" not in pair(comparison, "lstm", "tfidf")["sentence"]
    sentence = "1 of 2 seeds of rnn had not converged: longer or other training may change this."
    assert f"- {sentence}" in comparisons.markdown(comparison)
    older = {key: value for key, value in comparison.items() if key != "convergence"}
    assert sentence not in comparisons.sentences(older)


def test_a_series_is_compared_by_squared_errors_in_the_order_of_its_steps() -> None:
    generator = np.random.default_rng(1)
    errors = {("rnn", 1): 0.2, ("rnn", 2): 0.4, ("lstm", 1): 0.1, ("lstm", 2): 0.1, ("last_value", NO_SEED): 1.0}
    tables = [
        pd.DataFrame({"row": range(4), "target": 0.0, "predicted": error, "model": name, "seed": seed})
        for (name, seed), error in errors.items()
    ]
    shuffled = pd.concat(tables, ignore_index=True).sample(frac=1, random_state=generator)
    scores = comparisons.scores_by_model(SERIES, shuffled, ("rnn", "lstm", "last_value"))
    comparison = comparisons.compare(SERIES, scores, ("last_value",), 0.01)
    assert comparison["measure"] == "mse"
    assert comparison["intervals"]["rnn"]["mean"] == pytest.approx((0.04 + 0.16) / 2)
    found = pair(comparison, "lstm", "rnn")
    assert found["components"]["dependent"] is True
    assert found["margin"] == pytest.approx(0.001)
    assert "0.0900" in found["sentence"]


def test_steps_of_a_series_keep_their_order() -> None:
    steps = pd.DataFrame({"row": [2, 0, 1], "target": 0.0, "predicted": [3.0, 1.0, 2.0], "model": "rnn", "seed": 1})
    assert comparisons.scores_by_model(SERIES, steps, ["rnn"])["rnn"].tolist() == [[1.0, 4.0, 9.0]]


def test_the_score_of_a_forecast_is_the_mean_over_its_steps() -> None:
    rows = [("lstm", 1, row, step, 0.0, float(row * step)) for row in (1, 2) for step in (1, 2)]
    table = pd.DataFrame(rows, columns=["model", "seed", "row", "step", "target", "predicted"])
    scores = comparisons.scores_by_model(TASKS["series"], table, ["lstm"])
    assert scores["lstm"].tolist() == [[(1 + 4) / 2, (4 + 16) / 2]]
    two = pd.concat([table, table.iloc[:3].assign(seed=2)])
    with pytest.raises(UserError, match="lstm, seed 2: some test rows have no prediction"):
        comparisons.scores_by_model(TASKS["series"], two, ["lstm"])


def test_people_read_intervals_and_sentences() -> None:
    page = comparisons.markdown(compared())
    assert "| rnn " in page
    assert "58.33 % (" in page
    assert "95 % intervals over 2 seeds and 6 test rows; all pairs are judged together. The split and the test" in page
    assert "- Not shown that rnn and majority differ: 8.3 points (95 % interval " in page
    assert " To see a difference of 1.0 points, it takes about " in page


def test_each_slice_of_the_test_rows_is_a_line_of_a_table() -> None:
    one = {"column": "place", "value": "far", "rows": 1200, "intervals": compared()["intervals"], "pairs": []}
    page = comparisons.markdown(compared() | {"slices": [one]})
    assert re.search(r"\| place +\| test rows +\| rnn +\|", page)
    assert re.search(r"\| far +\| 1,200 +\| 58\.33 % \(", page)


def test_models_that_say_the_same_are_called_the_same_without_an_undefined_number() -> None:
    rows = np.tile([[1.0, 0.0, 1.0, 1.0]], (2, 1))
    page = comparisons.markdown(compared({"rnn": rows, "lstm": rows}))
    assert "- Lstm and rnn score the same on every test row." in page
    assert "nan" not in page


def panel(errors: "np.ndarray[Any, Any]", first_row: int = 1) -> pd.DataFrame:
    """Forecasts of several series one after the other; errors of shape (series, windows) as multiples of their unit."""
    series, windows = errors.shape
    units = np.repeat(10.0 ** np.arange(series), windows)
    return pd.DataFrame(
        {
            "row": np.concatenate([first_row + 1000 * number + np.arange(windows) for number in range(series)]),
            "step": 1,
            "series": np.repeat([f"s{number}" for number in range(series)], windows),
            "unit": units,
            "target": 0.0,
            "predicted": errors.ravel() * units,
            "model": "lstm",
            "seed": 1,
        }
    )


def test_windows_of_several_series_that_end_together_count_as_one() -> None:
    table = panel(np.array([[1.0, 2.0, 3.0], [1.0, 4.0, 5.0]])).drop(index=0)  # the first series begins later
    scores = comparisons.row_scores(SERIES, table)[1]
    assert len(scores) == 3
    assert scores.mean() == pytest.approx((4 + 9 + 1 + 16 + 25) / 5)  # of all windows
    assert scores.tolist() == pytest.approx([3 / 5 * 1, 3 / 5 * (4 + 16), 3 / 5 * (9 + 25)])


def test_intervals_of_several_series_hold_the_truth_though_they_move_together() -> None:
    draw, held, repetitions = np.random.default_rng(5), 0, 300
    for _ in range(repetitions):
        shared = draw.normal(size=(1, 150))
        table = panel(0.9 * shared + np.sqrt(1 - 0.81) * draw.normal(size=(6, 150)))
        ends = comparisons.interval(SERIES, comparisons.scores_by_model(SERIES, table, ["lstm"])["lstm"])
        held += ends.low <= 1.0 <= ends.high
    assert 0.91 <= held / repetitions <= 0.985
