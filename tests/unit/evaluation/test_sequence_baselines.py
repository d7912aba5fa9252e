"""What networks on sequences must beat: the majority, a summary of each channel, and the nearest after time warping."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.evaluation import sequence_baselines
from rnnlab.features.arrays import Sequences
from rnnlab.project.errors import UserError


def padded(values: list[list[float]], length: int = 12) -> npt.NDArray[np.float32]:
    """Sequences of one channel."""
    inputs = np.zeros((len(values), length, 1), np.float32)
    for row, steps in zip(inputs, values, strict=True):
        row[length - len(steps) :, 0] = steps
    return inputs


def rows(values: list[list[float]], labels: list[int]) -> Sequences:
    lengths, ids = np.array([len(steps) for steps in values], np.int32), np.arange(len(values)).astype("S16")
    return Sequences(padded(values), np.array(labels, np.int16), lengths, ids)


def made(count: int, labels: int, seed: int) -> Sequences:
    """Noise around a level that grows with the label."""
    generator = np.random.default_rng(seed)
    numbers = [number % labels for number in range(count)]
    values = [(label + 0.2 * generator.normal(size=generator.integers(2, 13))).tolist() for label in numbers]
    return rows(values, numbers)


def plain_warping(one: list[float], other: list[float]) -> float:
    """The textbook's two loops, without a band."""
    sums = np.full((len(one) + 1, len(other) + 1), np.inf)
    sums[0, 0] = 0
    for i, a in enumerate(one, start=1):
        for j, b in enumerate(other, start=1):
            sums[i, j] = (a - b) ** 2 + min(sums[i - 1, j], sums[i, j - 1], sums[i - 1, j - 1])
    return float(np.sqrt(sums[-1, -1]))


def test_warping_is_that_of_the_textbook_where_the_band_is_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_baselines, "BAND", 1.0)
    generator = np.random.default_rng(1)
    one = generator.normal(size=9).round(2).tolist()
    others = [generator.normal(size=size).round(2).tolist() for size in (1, 4, 9, 12)]
    left = np.zeros((4, 12, 1), np.float32)
    for row, steps in zip(left, others, strict=True):
        row[: len(steps), 0] = steps
    found = sequence_baselines.warped(np.array(one, np.float32)[:, None], left, [len(steps) for steps in others])
    assert found == pytest.approx([plain_warping(one, other) for other in others], abs=1e-5)


def test_a_narrow_band_finds_a_way_between_any_lengths_and_no_shorter_one() -> None:
    generator = np.random.default_rng(2)
    for size in (1, 2, 5, 12):
        one = generator.normal(size=size).astype(np.float32)
        other = generator.normal(size=12).astype(np.float32)
        (found,) = sequence_baselines.warped(one[:, None], other[None, :, None], [12])
        assert np.isfinite(found) and found >= plain_warping(one.tolist(), other.tolist()) - 1e-6


@pytest.mark.parametrize("labels", [2, 3])
@pytest.mark.parametrize("name", ["majority", "summary", "dtw"])
def test_a_baseline_learns_what_it_can(name: str, labels: int, tmp_path: Path) -> None:
    train, unseen = made(60, labels, 1), made(30, labels, 2)
    sequence_baselines.fit(name, train, made(30, labels, 3), tmp_path)
    found, parameters, penalty = sequence_baselines.predict(name, tmp_path, unseen)
    assert found.shape == ((30,) if labels == 2 else (30, labels)) and found.dtype == np.float32
    given = (found >= 0.5).astype(int) if labels == 2 else found.argmax(axis=1)
    assert (given == unseen.labels).mean() > (0.9 if name != "majority" else 0.3)
    outputs = 1 if labels == 2 else labels
    assert parameters == {"majority": outputs, "summary": 9 * outputs, "dtw": 0}[name]
    assert (penalty is None) == (name == "dtw")


def test_a_summary_says_what_a_sequence_does() -> None:
    described = sequence_baselines.summarise(rows([[1, 2, 3], [4]], [0, 1]))
    assert described[0] == pytest.approx([2, np.sqrt(2 / 3), 1, 3, 1, 3, 1, 3])
    assert described[1] == pytest.approx([4, 0, 4, 4, 4, 4, 0, 1])


def test_too_many_sequences_for_time_warping_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_baselines, "MOST_SEQUENCES", 59)
    with pytest.raises(UserError, match=r"dtw compares each test row with all 60 training sequences; .* leave it out"):
        sequence_baselines.fit("dtw", made(60, 2, 1), made(9, 2, 1), tmp_path)


def test_a_line_is_summarised_by_its_numbers_and_slope() -> None:
    mean, deviation, least, most, first, last, slope, length = sequence_baselines.summarise(rows([[1, 3, 5]], [0]))[0]
    assert (mean, least, most, first, last, slope, length) == (3, 1, 5, 1, 5, 2, 3)
    assert deviation == pytest.approx(np.sqrt(8 / 3))
