from pathlib import Path

import pandas as pd
import pytest

from rnnlab.project.params import Params
from rnnlab.report import readings
from tests.support.results import changed

LABELS = ("negative", "positive")


@pytest.fixture(scope="module")
def two(settings: Params) -> Params:
    return changed(settings, train__seeds=[1, 2])


def trace(model: str, *probabilities: float, seed: int = 1) -> pd.DataFrame:
    places = range(1, len(probabilities) + 1)
    words = [f"word{place}" for place in places]
    columns = {"text_id": "a", "model": model, "seed": seed, "label": "positive"}
    return pd.DataFrame({**columns, "position": places, "word": words, "probability": probabilities})


def test_a_reading_is_that_of_the_network_of_the_first_seed(settings: Params) -> None:
    rows = pd.concat([trace("rnn", 0.4, 0.1, seed=1), trace("rnn", 0.2, 0.9, seed=2)])
    (text,) = readings.traced(changed(settings, compare=["rnn"], train__seeds=[2, 1]), rows, LABELS)
    (read,) = text.readings
    assert [(word.text, word.probability, word.shade, word.is_low) for word in read.words] == [
        ("word1", "0.20", 2, True),
        ("word2", "0.90", 9, False),
    ]
    assert (read.said, read.probability) == ("positive", "0.90")
    assert read.verdict == "right; changes its mind once, last at word 2"


def test_numbers_stand_at_the_ends_at_changes_of_mind_and_at_every_tenth_word() -> None:
    rows = trace("rnn", *[0.6] * 13, 0.4, *[0.4] * 8)
    read = readings.reading("rnn", rows, LABELS, "positive")
    assert [place for place, word in enumerate(read.words, start=1) if word.number] == [1, 10, 14, 20, 22]
    assert read.verdict == "wrong; changes its mind once, last at word 14"


def test_of_three_labels_the_number_is_named_at_the_ends_and_at_changes_of_mind() -> None:
    steps = [readings.Step("word", place > 11, 0.6) for place in range(8, 14)]
    numbers = [word.number for word in readings.walk(steps, ("a", "b", "c"), first=8)]
    assert numbers == ["a 0.60", "", "0.60", "", "b 0.60", "b 0.60"]


@pytest.mark.parametrize(("labels", "shades"), [(LABELS, [0, 4, 10]), (("a", "b", "c"), [5, 7, 10])])
def test_words_are_shaded_by_their_probability(labels: tuple[str, ...], shades: list[int]) -> None:
    steps = [readings.Step("word", 0, probability) for probability in (0.0, 0.4, 1.0)]
    assert [word.shade for word in readings.walk(steps, labels)] == shades


def test_networks_stand_in_the_order_of_the_parameters(two: Params) -> None:
    rows = pd.concat([trace("lstm", 0.9), trace("rnn", 0.1)])
    (text,) = readings.traced(two, rows, LABELS)
    assert [read.model for read in text.readings] == ["rnn", "lstm"]
    assert text.readings[0].verdict == "wrong; never changes its mind"


def test_texts_stand_in_the_order_of_the_table(two: Params) -> None:
    both = pd.concat([trace("lstm", 0.9), trace("rnn", 0.1)])
    later = both.assign(text_id="0", label="negative")
    assert [text.label for text in readings.traced(two, pd.concat([both, later]), LABELS)] == ["positive", "negative"]


def predictions(seed: int = 1, **models: list[float]) -> pd.DataFrame:
    """Rows a, b, …, of label 1, 0, 1, …, by model."""
    tables = [
        pd.DataFrame(
            {
                "id": list("abcdef"[: len(values)]),
                "label": [1, 0, 1, 0, 1, 0][: len(values)],
                "words": 3,
                "model": model,
                "seed": seed,
                "probability": values,
            }
        )
        for model, values in models.items()
    ]
    return pd.concat(tables, ignore_index=True)


def test_disagreements_are_the_widest_of_both_kinds(two: Params) -> None:
    table = predictions(rnn=[0.1, 0.9, 0.4, 0.2, 0.8, 0.1], lstm=[0.9, 0.4, 0.7, 0.9, 0.2, 0.2])
    said = readings.opinions(two, table)
    assert readings.disagreements(said, "rnn", "lstm", 1) == ["d", "a"]
    assert readings.disagreements(said, "rnn", "lstm", 9) == ["d", "e", "a", "b", "c"]


def test_disagreements_of_more_seeds_come_first(two: Params) -> None:
    one, other = (
        predictions(rnn=[0.1, 0.6, 0.1], lstm=[0.9, 0.4, 0.1]),
        predictions(2, rnn=[0.6] * 3, lstm=[0.6, 0.4, 0.9]),
    )
    said = readings.opinions(two, pd.concat([one, other]))
    assert readings.disagreements(said, "rnn", "lstm", 9) == ["b", "a"]


def test_each_row_is_listed_once_with_what_every_network_says(two: Params, tmp_path: Path) -> None:
    table = pd.concat([predictions(rnn=[0.1, 0.9], lstm=[0.8, 0.7]), predictions(2, rnn=[0.7, 0.6], lstm=[0.9, 0.8])])
    rows = tmp_path / "rows.parquet"
    pd.DataFrame({"id": ["a", "b"], "text": ["first text", "second " * 200]}).to_parquet(rows)
    first, second = readings.mistakes(two, table, pd.DataFrame({"id": ["a", "b", "b"]}), LABELS, rows, 5)
    assert (first.id, first.label, first.groups, first.rest) == ("a", "positive", ["wrong-rnn", "differ"], "")
    assert first.opinions == [("rnn", ["0.10", "0.70"], 1), ("lstm", ["0.80", "0.90"], 0)]
    assert second.groups == ["wrong-rnn", "wrong-lstm"]
    assert len(second.lead) <= 300 and f"{second.lead}{second.rest}" == "second " * 200


def test_a_word_without_end_is_cut(two: Params, tmp_path: Path) -> None:
    rows = tmp_path / "rows.parquet"
    pd.DataFrame({"id": ["a"], "text": ["x" * 10_000]}).to_parquet(rows)
    (row,) = readings.mistakes(two, predictions(rnn=[0.1], lstm=[0.2]), pd.DataFrame({"id": ["a"]}), LABELS, rows, 5)
    assert len(row.lead) == 300
    assert row.rest.endswith("x …") and len(row.rest) == 3_702


def test_of_three_labels_the_page_says_which_each_network_gives(two: Params, tmp_path: Path) -> None:
    table = predictions(rnn=[0.4, 0.5], lstm=[0.8, 0.7]).assign(label=[2, 0] * 2, predicted=[1, 0, 2, 1])
    pd.DataFrame({"id": ["a", "b"], "text": ["one", "two"]}).to_parquet(tmp_path / "rows.parquet")
    wrong = pd.DataFrame({"id": ["a"]})
    only = changed(two, train__seeds=[1])
    rows = readings.mistakes(only, table, wrong, ("food", "sport", "weather"), tmp_path / "rows.parquet", 5)
    assert [(row.id, row.label) for row in rows] == [("a", "weather"), ("b", "food")]
    assert rows[0].opinions == [("rnn", ["sport 0.40"], 1), ("lstm", ["weather 0.80"], 0)]
    assert rows[1].groups == ["wrong-lstm", "differ"]
