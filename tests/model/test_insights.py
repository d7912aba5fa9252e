import pandas as pd
import pytest

from rnnlab.evaluation import explanation_tables
from rnnlab.project.params import Params


def test_the_largest_errors_of_a_series_are_those_of_the_networks_of_the_first_seed(settings: Params) -> None:
    rows = [
        *(("lstm", seed, row, 1.0, guess) for row, guesses in {1: (1.0, 9.0), 2: (3.0, 0.0), 3: (0.0, 0.0)}.items()
          for seed, guess in enumerate(guesses, start=1)),
        ("last_value", -1, 1, 1.0, 9.0),
    ]  # fmt: skip
    predictions = pd.DataFrame(rows, columns=["model", "seed", "row", "target", "predicted"])
    table = explanation_tables.explain_series(settings, predictions)["mistakes"]
    assert table[["row", "predicted"]].to_numpy().tolist() == [[2, 3.0], [3, 0.0], [1, 1.0]]
    assert table["error"].tolist() == pytest.approx([2.0, 1.0, 0.0])
    assert set(table["model"]) == {"lstm"} and set(table["seed"]) == {1}
