"""What a training takes from the grid, as codecarbon estimates it where that is installed and the country is named."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any

COUNTRY = "CODECARBON_COUNTRY_ISO_CODE"  # codecarbon's own variable, three letters: what a kWh emits differs by country


@contextmanager
def measured() -> Iterator[dict[str, float]]:
    """Yields what has ``energy_kwh`` and ``co2_grams`` of this process after the block; nothing where unmeasured."""
    taken: dict[str, float] = {}
    if not os.environ.get(COUNTRY) or not find_spec("codecarbon"):
        yield taken
        return
    tracker = _tracker(os.environ[COUNTRY])
    tracker.start()
    try:
        yield taken
    finally:
        kilograms = tracker.stop()
    if kilograms is not None:  # codecarbon logs its own failures, and ends no training
        energy = tracker.final_emissions_data.energy_consumed
        taken |= {"energy_kwh": round(energy, 9), "co2_grams": round(1000 * kilograms, 6)}


def _tracker(country: str) -> Any:
    """Returns a tracker that writes no file and asks no network, whatever a configuration of codecarbon says."""
    os.environ.setdefault("CODECARBON_LOG_LEVEL", "error")  # read when it is imported; the option below comes too late
    from codecarbon import OfflineEmissionsTracker

    return OfflineEmissionsTracker(
        country_iso_code=country,
        output_methods=[],
        output_dir=tempfile.gettempdir(),  # of the meters of some processors
        emissions_endpoint="",
        electricitymaps_api_token="",
        tracking_mode="process",  # others may train beside it
        allow_multiple_runs=True,
        log_level="error",
    )
