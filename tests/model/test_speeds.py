"""Steps that are timed, and the units that make networks equally slow."""

from typing import Any

import numpy as np
import pytest

from rnnlab.networks import speeds
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.results import changed


def rows() -> tuple[Any, Any]:
    draw = np.random.default_rng(1)
    return draw.integers(1, 20, (50, 12)).astype(np.int32), draw.integers(0, 2, (50, 1)).astype(np.float32)


def test_real_steps_are_timed_until_networks_take_equally_long(
    settings: Params, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A network takes a second for each of its real weights, so that the search ends where it must."""
    built: list[speeds.Timed] = []

    def seconds(networks: Any) -> list[float]:
        built.extend(networks)
        if built == networks:
            assert all(network.step(0) > 0 for network in networks)
        return [float(network._network.count_params()) for network in networks]

    monkeypatch.setattr(speeds, "epoch_seconds", seconds)
    ours = changed(settings, train__engine="stock", models__rnn__units=3, models__lstm__units=8)
    units = speeds.solve(ours, rows(), 20)
    assert units["lstm"] == 8
    assert 19 <= units["rnn"] <= 29  # 24.6 units have as many weights
    assert f"rnn with {units['rnn']} units: " in capsys.readouterr().out
    monkeypatch.setattr(speeds, "WIDEST", 16)
    with pytest.raises(UserError, match=r"^match: rnn takes less time for an epoch than lstm even with 12 units$"):
        speeds.solve(ours, rows(), 20)


def test_an_epoch_is_the_median_step_times_the_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def __init__(self, batches: int, seconds: float) -> None:
            self.batches, self.asked, self.seconds = range(batches), 0, seconds

        def step(self, number: int) -> float:
            self.asked += 1
            return 60.0 if self.asked <= speeds.STEPS or number == 3 else self.seconds  # compiling, and a disturbance

    assert speeds.epoch_seconds([Fake(10, 0.5), Fake(20, 0.25)]) == [5.0, 5.0]  # type: ignore[list-item]
