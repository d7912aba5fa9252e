"""The embedded series: a wave whose frequency swings, with noise that no model can predict.

The next value of a sum of sines is a linear function of past ones. Here the weights of that function would have to
change with the swing: a linear model averages over it, while a recurrent one can tell where in the swing it is.
"""

import numpy as np
import numpy.typing as npt

from rnnlab.project.sections.data import Wave

DECIMALS = 6  # processors differ in the last digits of a sine, and the file must not


def wave(params: Wave, seed: int) -> npt.NDArray[np.float64]:
    """Returns a frequency-modulated sine of amplitude 1, plus normal noise, rounded; float64 of shape (rows,)."""
    period, swing = params.periods
    steps = 2 * np.pi * np.arange(params.rows)
    waves = np.sin(steps / period + np.sin(steps / swing))
    noise = np.random.default_rng(seed).normal(0, params.noise, params.rows)
    rounded: npt.NDArray[np.float64] = (waves + noise).round(DECIMALS)
    return rounded
