from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rnnlab.evaluation import explanation_tables, gradients
from rnnlab.features.series_encoding import Scaler
from rnnlab.networks import models
from rnnlab.project import layout
from rnnlab.project.params import Params
from tests.support.builders import encoding_of, windows_of
from tests.support.networks import plain
from tests.support.results import SERIES, changed


def test_the_largest_errors_of_a_series_are_those_of_the_networks_of_the_first_seed(settings: Params) -> None:
    rows = [
        *(("lstm", seed, row, 1.0, guess) for row, guesses in {1: (1.0, 9.0), 2: (3.0, 0.0), 3: (0.0, 0.0)}.items()
          for seed, guess in enumerate(guesses, start=1)),
        ("last_value", -1, 1, 1.0, 9.0),
    ]  # fmt: skip
    predictions = pd.DataFrame(rows, columns=["model", "seed", "row", "target", "predicted"]).assign(step=1)
    past = np.array([[[0.5], [9.0]], [[1.5], [9.0]], [[2.5], [9.0]]], np.float32)
    test = windows_of(past, np.ones((3, 1), np.float32), np.array([1, 2, 3]))
    encoding = encoding_of(Scaler(0.0, 2.0))
    tables = explanation_tables.explain_series(settings, predictions, test, encoding, {("lstm", 1): np.array([0.25])})
    table = tables["mistakes"]
    assert table[["row", "predicted"]].to_numpy().tolist() == [[2, 3.0], [3, 0.0], [1, 1.0]]
    assert table["error"].tolist() == pytest.approx([2.0, 1.0, 0.0])
    assert set(table["model"]) == {"lstm"} and set(table["seed"]) == {1}
    windows = tables["windows"].set_index("window")
    assert windows.loc["best", "value"].tolist() == [1, 18, 1]
    assert windows.loc["median", "value"].tolist() == [5, 18, 1]
    assert windows.loc["worst", "row"].tolist() == [0, 1, 2]
    assert windows.loc["worst", "predicted"].dropna().tolist() == [3]
    assert windows.loc["worst", "half_width"].dropna().tolist() == [0.5]  # in the unit of the data


def test_attributions_are_of_windows_spread_over_all_test_rows_in_the_unit_of_the_data(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = {"compare": ["lstm"], "train.seeds": [1], "explain.gradient_rows": 3}
    ours = changed(settings, **SERIES, **options)
    network = models.build_forecaster(plain(5, 4, output="linear"), 2)
    layout.network(ours.runs[0]).parent.mkdir(parents=True)
    models.save(network, layout.network(ours.runs[0]))
    inputs = np.random.default_rng(1).normal(size=(9, 2, 1)).astype(np.float32)
    test = windows_of(inputs, np.ones((9, 1), np.float32), np.arange(9))
    table = explanation_tables.attributions_of(ours, test, encoding_of(Scaler(0.0, 2.0)))
    expected = 2 * gradients.attributions(network, inputs[[0, 4, 8]], 3)
    assert table["lag"].tolist() == [2, 1]
    np.testing.assert_allclose(table["attribution"], expected[:, 0], rtol=1e-5)
