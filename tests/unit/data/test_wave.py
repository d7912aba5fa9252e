import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.data.wave import wave
from rnnlab.project.sections.data import Wave


def drawn(
    rows: int = 1000, periods: tuple[float, float] = (20.0, 50.0), noise: float = 0.0, seed: int = 1
) -> npt.NDArray[np.float64]:
    return wave(Wave(rows=rows, periods=periods, noise=noise), seed)


def test_equal_seeds_draw_equal_series() -> None:
    assert drawn(noise=0.1, seed=1).tolist() == drawn(noise=0.1, seed=1).tolist()
    assert drawn(noise=0.1, seed=1).tolist() != drawn(noise=0.1, seed=2).tolist()


def test_a_longer_series_begins_like_a_shorter_one() -> None:
    assert drawn(rows=500, noise=0.1).tolist() == drawn(rows=1000, noise=0.1)[:500].tolist()


def test_rows_are_as_many_as_asked_for() -> None:
    assert (drawn(rows=37).shape, drawn().dtype) == ((37,), "float64")


def test_the_wave_reaches_about_1() -> None:
    values = drawn()
    assert 0.95 < values.max() <= 1
    assert -1 <= values.min() < -0.95


def test_the_frequency_swings_about_its_mean() -> None:
    values = drawn(rows=2000, periods=(20.0, 500.0))
    rises = np.flatnonzero((values[:-1] < 0) & (values[1:] >= 0))
    periods = np.diff(rises)
    assert 2000 / len(periods) == pytest.approx(20, rel=0.05)
    # The phase runs at 1/20 + cos(…)/500 turns a step.
    assert periods.min() == pytest.approx(1 / (1 / 20 + 1 / 500), abs=1.01)
    assert periods.max() == pytest.approx(1 / (1 / 20 - 1 / 500), abs=1.01)


def test_noise_has_the_deviation_asked_for() -> None:
    noise = drawn(rows=20_000, noise=0.3) - drawn(rows=20_000)
    assert noise.mean() == pytest.approx(0, abs=0.01)
    assert noise.std() == pytest.approx(0.3, rel=0.02)


def test_values_have_few_digits_so_that_every_processor_writes_the_same() -> None:
    values = drawn(noise=0.1)
    assert [float(f"{value:.6f}") for value in values] == values.tolist()
