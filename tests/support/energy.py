"""A stand-in for codecarbon, with the interface that its documentation describes."""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from rnnlab.networks.energy import COUNTRY

KWH, GRAMS = 0.000123, 0.0456  # of every tracker


class Tracker:
    """Remembers its options and what was asked of it; ``answer`` None is of a measurement that failed."""

    answer: float | None = GRAMS / 1000

    def __init__(self, **options: Any) -> None:
        self.options, self.calls = options, list[str]()

    def start(self) -> None:
        """Begins to measure."""
        self.calls.append("start")

    def stop(self) -> float | None:
        """Returns kilograms of CO₂."""
        self.calls.append("stop")
        if self.answer is not None:
            self.final_emissions_data = SimpleNamespace(energy_consumed=KWH, emissions=self.answer)
        return self.answer


def install(patch: pytest.MonkeyPatch) -> list[Tracker]:
    """Puts it in the place of the package, names a country, and returns the list that trackers will be in."""
    made: list[Tracker] = []

    def tracker(**options: Any) -> Tracker:
        made.append(Tracker(**options))
        return made[-1]

    package = ModuleType("codecarbon")
    package.__spec__ = ModuleSpec("codecarbon", None)
    package.OfflineEmissionsTracker = tracker  # type: ignore[attr-defined]
    patch.setitem(sys.modules, "codecarbon", package)
    patch.setenv(COUNTRY, "DEU")
    return made
