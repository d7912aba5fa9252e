import numpy as np
import pytest

from rnnlab.data.guesses import LIKELY, Guess
from rnnlab.data.series_profiles import SeriesProfile
from rnnlab.experiments import fitting_series
from rnnlab.project.params import Params
from tests.support.builders import complete


def profile(settings: Params, season: int, rows: int = 400) -> SeriesProfile:
    """A wave that comes again after so many rows."""
    wave = complete(np.sin(np.arange(rows) * 2 * np.pi / season))
    nothing: Guess[None] = Guess(None, LIKELY, "")
    return SeriesProfile(settings.data, {"": wave}, nothing, nothing, False, "", nothing)


@pytest.mark.parametrize(("season", "window", "horizon"), [(9, 18, 9), (16, 16, 16), (20, 31, 1)])
def test_a_window_is_two_seasons_and_a_season_ahead_where_half_a_split_has_room(
    settings: Params, season: int, window: int, horizon: int
) -> None:
    found = fitting_series.shape(settings, profile(settings, season))
    assert (found.season, found.window, found.horizon) == (season, window, horizon)


def test_all_models_are_of_one_size(settings: Params) -> None:
    changes = {each.key: each.value for each in fitting_series.of_series(settings, profile(settings, 9), "mine.csv")}
    for model in settings.compare:
        keys = ("units", "dropout", "output", "pooling", "residual")
        assert [changes[f"models.{model}.{key}"] for key in keys] == [16, 0.0, "auto", "last", False]


def test_a_window_is_at_most_two_hundred_steps(settings: Params) -> None:
    assert fitting_series.shape(settings, profile(settings, 150, rows=4000)).window == 200


@pytest.mark.parametrize(("gaps", "told"), [({"heat": 2}, "no value: 2 of heat"), ({}, "no value: in the first rows")])
def test_gaps_are_filled_and_told(settings: Params, gaps: dict[str, int], told: str) -> None:
    found = profile(settings, 9)
    wave = found.by_name[""]._replace(gaps=gaps, longest_gap=2)
    changes = {
        each.key: each for each in fitting_series.of_series(settings, found._replace(by_name={"": wave}), "a.csv")
    }
    assert (changes["data.missing"].value, changes["data.missing"].why) == ("carry_forward", told)
    assert changes["data.max_gap"].value == 2
