from typing import Any

from rnnlab.experiments import comparison_tables
from rnnlab.project.params import Run
from rnnlab.project.results import Result
from tests.support import builders
from tests.support.builders import summary, timings


def result(name: str, **changes: Any) -> Result:
    return builders.result(name=name, **changes)


def test_only_parameters_that_differ_are_shown() -> None:
    first = result("a", values={"models": {"rnn": {"units": 32, "mask": True}}})
    other = result("b", values={"models": {"rnn": {"units": 64, "mask": True}}, "new": None})
    *_, units, new = comparison_tables.origins_rows([first, other])
    assert (units, new) == (["models.rnn.units", "32", "64"], ["new", "–", "null"])


def test_what_the_last_alone_has_otherwise_is_shown() -> None:
    assert comparison_tables.differing([{"a": 1}, {"a": 1}, {"a": 2}]) == {"a": [1, 1, 2]}
    assert comparison_tables.differing([{"a": 1}, {"a": 2}, {"a": 2}]) == {"a": [1, 2, 2]}


def test_data_and_code_of_each_result_are_named() -> None:
    rows = {"path": "data/interim/rows.parquet", "md5": "fe286f4c4b2db09b07a371e9f62d46f6"}
    both = [result("a", stages={"ingest": {"outs": [rows]}}), result("b", baseline="abcdef0123")]
    assert comparison_tables.origins_rows(both) == [
        ["kind", "DVC experiment", "DVC experiment"],
        ["git commit", "0123456789", "abcdef0123"],
        ["clean rows", "fe286f4c", "–"],
        ["features", "–", "–"],
    ]


def test_every_model_has_a_row_with_differences_to_the_first() -> None:
    first = result(
        "a", metrics={"rnn": summary(0.6, 0.7), "tfidf": summary(0.8)}, timings={Run("rnn", 1): timings(1.0, 1.5)}
    )
    other = result(
        "b", metrics={"rnn": summary(0.7, 0.9), "lstm": summary(0.9, 0.9)}, timings={Run("rnn", 1): timings(2.5)}
    )
    third = result("c", metrics={"tfidf": {**summary(0.75), "parameters": 9}})
    headings, rows = comparison_tables.scores_rows([first, other, third])
    assert headings[:-2] == ["test accuracy of", "a", "b", "difference", "c", "difference"]
    assert rows == [
        ["rnn", "0.650 ± 0.071", "0.800 ± 0.141", "+0.150", "–", "–", "1.2 / 2.5 / –", "1,234 / 1,234 / –"],
        ["tfidf", "0.800", "–", "–", "0.750", "-0.050", "–", "1,234 / – / 9"],
        ["lstm", "–", "0.900 ± 0.000", "–", "–", "–", "–", "– / 1,234 / –"],
    ]
