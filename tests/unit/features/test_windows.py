from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from rnnlab.data import series
from rnnlab.features import arrays, series_encoding, series_rows, windows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.features.series_encoding import Scaler
from rnnlab.project.errors import UserError
from tests.support.builders import complete, encoding_of, of_split, table_of, two_shops


def slid(values: npt.NDArray[np.float64], window: int, horizon: int = 1, split: str = "train") -> Any:
    return kept_of(values[:, None], np.zeros(len(values), bool), window, horizon, split)


def kept_of(channels: npt.NDArray[np.float64], filled: npt.NDArray[np.bool_], window: int, *options: Any) -> Any:
    """Inputs, targets and first targets of the windows that are kept."""
    inputs, targets, kept = windows.slide(channels, filled, window, *options)
    return inputs[kept], targets[kept], kept + window


def test_windows_are_followed_by_their_targets() -> None:
    inputs, targets, first = slid(np.arange(5.0), 2)
    assert inputs.tolist() == [[[0], [1]], [[1], [2]], [[2], [3]]]
    assert targets.tolist() == [[2], [3], [4]]
    assert first.tolist() == [2, 3, 4]
    assert inputs.dtype == targets.dtype == "float32"


def test_a_window_is_followed_by_as_many_targets_as_the_horizon_has_steps() -> None:
    inputs, targets, first = slid(np.arange(6.0), 2, horizon=3)
    assert inputs[:, :, 0].tolist() == [[0, 1], [1, 2]]
    assert targets.tolist() == [[2, 3, 4], [3, 4, 5]]
    assert first.tolist() == [2, 3]


def test_of_several_channels_the_first_is_the_target() -> None:
    channels = np.column_stack([np.arange(5.0), np.arange(5.0) * 10])
    inputs, targets, _ = kept_of(channels, np.zeros(5, bool), 2, 1, "train")
    assert inputs[0].tolist() == [[0, 0], [1, 10]]
    assert targets.tolist() == [[2], [3], [4]]


def test_a_filled_value_may_be_seen_but_is_no_target() -> None:
    filled = np.array([False] * 4 + [True] + [False] * 4)
    inputs, targets, first = kept_of(np.arange(9.0)[:, None], filled, 2, 2, "train")
    assert first.tolist() == [2, 5, 6, 7]
    assert 4 not in targets and 4 in inputs


def test_too_many_filled_values_are_a_sentence() -> None:
    with pytest.raises(UserError, match=r"the test split has 0 windows followed by 2 values of the file, as others"):
        windows.slide(np.arange(9.0)[:, None], np.array([False, True] * 4 + [False]), 2, 2, "test")


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 11, 12])
def test_a_window_that_does_not_fit_is_refused(rows: int) -> None:
    with pytest.raises(UserError) as mistake:
        slid(np.arange(float(rows)), 10, 2, "validation")
    assert str(mistake.value) == (
        f"series.window 10 and series.horizon 2 need 13 rows in each split, but the validation split has {rows};"
        " lower series.window, add rows, or change split.test_fraction, split.validation_fraction or split.train_share"
    )


def test_two_windows_are_enough() -> None:
    assert len(slid(np.arange(12.0), 10)[1]) == 2


AS_IT_IS = encoding_of(Scaler(0.0, 1.0))


@pytest.mark.parametrize("horizon", [1, 4])
def test_no_value_is_seen_in_two_splits(horizon: int) -> None:
    # Each value is its own row number, so that windows say where they come from.
    table = table_of(np.arange(1.0, 101))
    parts = {split: of_split(table, split, AS_IT_IS, 5, horizon) for split in SPLITS}
    seen = {split: {*part.inputs.ravel().tolist(), *part.targets.ravel().tolist()} for split, part in parts.items()}
    assert seen == {
        "train": set(range(1, 61)),
        "validation": set(range(61, 81)),
        "test": set(range(81, 101)),
    }


def test_targets_come_after_their_window_and_know_their_row() -> None:
    table = table_of(np.arange(1.0, 101))
    for split in SPLITS:
        part = of_split(table, split, AS_IT_IS, 5, 2)
        assert part.targets[:, 0].tolist() == part.rows.tolist()
        assert (part.targets == part.inputs[:, -1] + [1, 2]).all()
        assert part.rows.dtype == "int64"


def test_of_what_is_known_ahead_a_window_has_the_values_of_the_steps_after_it() -> None:
    covariates = {"wind": pa.array(np.arange(100.0)), "holiday": pa.array(["no", "yes"] * 50)}
    read = complete(np.arange(100.0))._replace(covariates=covariates)
    table = series.to_table(read, series.split_series(100, 0.2, 0.25))
    encoding = series_encoding.fit(series_rows.read_split(table, "train"), "none", 5, known_ahead=("wind",))
    assert encoding.ahead == ("wind",)
    encoding = encoding._replace(covariates={**encoding.covariates, "wind": Scaler(0.0, 1.0)})
    for split in SPLITS:
        part = of_split(table, split, encoding, window=5, horizon=3)
        assert part.inputs.shape[1:] == (5, 5)  # value, wind, two words, wind ahead
        assert (part.inputs[:, :, 1] == part.rows[:, None] - 1 + np.arange(-5, 0)).all()
        assert (part.inputs[:, :, 4] == part.inputs[:, :, 1] + 3).all()
        own = series_rows.read_split(table, split)[""].rows
        assert part.inputs[:, :, 4].max() == own[-1] - 1  # seen in no later split
    plain = of_split(table, "test", encoding._replace(ahead=()), window=5, horizon=3)
    ahead = of_split(table, "test", encoding, window=5, horizon=3)
    assert (plain.inputs == ahead.inputs[:, :, :4]).all() and (plain.targets == ahead.targets).all()


def test_windows_come_back_from_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = of_split(table_of(np.arange(1.0, 101)), "test", encoding_of(Scaler(3.0, 7.0)), 5)
    monkeypatch.setattr(windows, "BATCH_ROWS", 4)
    windows.save(tmp_path, [(part, np.arange(len(part.rows)))])
    for saved, loaded in zip(part, arrays.load_windows(tmp_path), strict=True):
        assert (loaded.tolist(), loaded.dtype) == (saved.tolist(), saved.dtype)
    np.save(tmp_path / "whole.npy", part.inputs)
    assert (tmp_path / "whole.npy").read_bytes() == (tmp_path / "inputs.npy").read_bytes()
    windows.save(tmp_path, [(part, np.array([2, 5])), (part._replace(rows=part.rows + 100), np.array([1]))])
    assert arrays.load_windows(tmp_path).rows.tolist() == [*part.rows[[2, 5]], part.rows[1] + 100]


def test_windows_take_no_memory_until_they_are_written() -> None:
    table = table_of(np.arange(50_000.0))
    views, kept = windows.featurise(series_rows.read_split(table, "train")[""], "train", AS_IT_IS, 200, 50)
    assert len(kept) == len(views.inputs) == len(views.targets) == len(views.rows)
    base: Any = views.inputs
    while base.base is not None:
        base = base.base
    assert base.nbytes < views.inputs.nbytes / 100


def test_no_window_reaches_from_one_series_into_another(tmp_path: Path) -> None:
    table = two_shops()
    encoding = series_encoding.fit(series_rows.read_split(table, "train"), "none", window=5)
    parts = series_rows.read_split(table, "test")
    windows.save(tmp_path, [windows.featurise(rows, "test", encoding, 5, 2, name) for name, rows in parts.items()])
    found = arrays.load_windows(tmp_path)
    assert found.rows.tolist() == [*range(86, 100), *range(154, 160)]
    assert found.series.tolist() == [0] * 14 + [1] * 6
    values = table["value"].to_numpy()
    expected = [values[row - 1 : row + 1] for row in found.rows]
    np.testing.assert_allclose(encoding.undo(np.asarray(found.targets), found.series), expected, rtol=1e-5)


def test_a_series_that_is_too_short_is_named() -> None:
    encoding = series_encoding.fit(series_rows.read_split(two_shops(), "train"), "none", window=5)
    rows = series_rows.read_split(two_shops(), "test")["a"]
    with pytest.raises(
        UserError, match=r"series 'a': series\.window 12 and series\.horizon 2 need 15 rows in each split"
    ):
        windows.featurise(rows, "test", encoding, 12, 2, "a")
