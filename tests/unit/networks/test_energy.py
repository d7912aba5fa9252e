"""What a training takes from the grid, with a stand-in for codecarbon."""

import os
import sys

import pytest

from rnnlab.networks.energy import COUNTRY, measured
from tests.support import energy
from tests.support.energy import Tracker


@pytest.fixture
def trackers(monkeypatch: pytest.MonkeyPatch) -> list[Tracker]:
    return energy.install(monkeypatch)


def test_a_training_is_measured(trackers: list[Tracker]) -> None:
    with measured() as taken:
        assert taken == {} and trackers[0].calls == ["start"]
    assert taken == {"energy_kwh": energy.KWH, "co2_grams": energy.GRAMS}
    assert trackers[0].calls == ["start", "stop"]
    assert trackers[0].options["country_iso_code"] == "DEU"


def test_no_file_is_written_and_no_network_asked(trackers: list[Tracker]) -> None:
    with measured():
        pass
    options = trackers[0].options
    assert options["output_methods"] == []  # neither files nor codecarbon's or other servers
    assert not options["emissions_endpoint"] and not options["electricitymaps_api_token"]


@pytest.mark.parametrize(("chosen", "level"), [(None, "error"), ("debug", "debug")])
def test_only_errors_are_told_unless_more_is_wanted(
    trackers: list[Tracker], monkeypatch: pytest.MonkeyPatch, chosen: str | None, level: str
) -> None:
    monkeypatch.setenv("CODECARBON_LOG_LEVEL", chosen or "")  # is put back to what it was, also where that is nothing
    if chosen is None:
        monkeypatch.delenv("CODECARBON_LOG_LEVEL")
    with measured():
        assert os.environ["CODECARBON_LOG_LEVEL"] == level


def test_a_measurement_that_failed_leaves_nothing(trackers: list[Tracker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tracker, "answer", None)
    with measured() as taken:
        pass
    assert taken == {}


def test_the_tracker_ends_with_a_training_that_fails(trackers: list[Tracker]) -> None:
    with pytest.raises(ZeroDivisionError), measured():
        raise ZeroDivisionError
    assert trackers[0].calls == ["start", "stop"]


def test_without_a_country_nothing_is_measured(trackers: list[Tracker], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(COUNTRY)
    with measured() as taken:
        pass
    assert taken == {} and not trackers


def test_without_the_package_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codecarbon", None)
    monkeypatch.setenv(COUNTRY, "DEU")
    with measured() as taken:
        pass
    assert taken == {}
