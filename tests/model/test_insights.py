import pandas as pd
import pytest

from rnnlab.evaluation import explanation_tables
from rnnlab.project.params import Params


def test_the_largest_errors_of_a_series_are_averaged_over_seeds_and_ranked(settings: Params) -> None:
    rows = [
        *(("lstm", seed, row, 1.0, guess) for row, guesses in {1: (1.0, 1.0), 2: (3.0, 0.0), 3: (0.0, 0.0)}.items()
          for seed, guess in enumerate(guesses, start=1)),
        ("last_value", -1, 1, 1.0, 9.0),
    ]  # fmt: skip
    predictions = pd.DataFrame(rows, columns=["model", "seed", "row", "target", "predicted"])
    table = explanation_tables.explain_series(settings, predictions)["mistakes"]
    assert table["row"].tolist() == [3, 2, 1]  # row 2's seeds err to both sides
    assert table["error"].tolist() == pytest.approx([1.0, 0.5, 0.0])
    assert set(table["model"]) == {"lstm"}


def test_a_models_probability_is_the_mean_of_its_seeds() -> None:
    table = pd.DataFrame(
        {
            "id": ["a", "b", "a", "b", "a"],
            "label": [1, 0, 1, 0, 1],
            "words": [3, 4, 3, 4, 3],
            "model": ["lstm", "lstm", "lstm", "lstm", "rnn"],
            "probability": [0.2, 0.5, 0.4, 0.7, 1.0],
        }
    )
    means = explanation_tables.average(table, "lstm")
    assert means["id"].tolist() == ["a", "b"]
    assert means["probability"].tolist() == pytest.approx([0.3, 0.6])
    assert explanation_tables.bins(means)["rows"].tolist() == [1, 1]
