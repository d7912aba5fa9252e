"""Sequences become arrays that are standardised by training steps, padded in front, and masked without doubt."""

import numpy as np
import pytest

from rnnlab.features import sequences
from rnnlab.features.arrays import used_steps
from rnnlab.project.errors import UserError

SHORT, LONG = np.array([[1.0, 5.0], [3.0, 5.0]]), np.array([[5.0, 5.0], [7.0, 5.0], [9.0, 5.0], [2.0, 5.0]])


def test_the_end_of_a_sequence_is_kept_behind_padding() -> None:
    scaler = sequences.Scaler(("a", "b"), (1.0, 0.0), (2.0, 1.0), 3)
    inputs = scaler.encode([SHORT, LONG])
    assert inputs.dtype == np.float32
    np.testing.assert_allclose(inputs[0], [[0, 0], [0, 5], [1, 5]])
    np.testing.assert_allclose(inputs[1], [[3, 5], [4, 5], [0.5, 5]])
    assert used_steps(inputs).tolist() == [[False, True, True], [True, True, True]]


def test_a_step_at_the_mean_of_every_channel_is_no_padding() -> None:
    scaler = sequences.Scaler(("a", "b"), (1.0, 5.0), (2.0, 1.0), 3)
    inputs = scaler.encode([SHORT])
    assert used_steps(inputs).tolist() == [[False, True, True]]
    np.testing.assert_allclose(inputs[0], [[0, 0], [0, 0], [1, 0]], atol=1e-5)


def test_a_scaler_standardises_each_channel_and_leaves_a_constant_alone() -> None:
    scaler = sequences.fit_scaler(("a", "b"), [SHORT, LONG], 4)
    values = np.concatenate([SHORT, LONG])
    assert scaler.mean == pytest.approx([values[:, 0].mean(), 5.0])
    assert scaler.scale == pytest.approx([values[:, 0].std(), 1.0])
    with pytest.raises(UserError, match=r"no channel \(b\) changes in any of the 2 training sequences"):
        sequences.fit_scaler(("b",), [SHORT[:, 1:], LONG[:, 1:]], 4)
