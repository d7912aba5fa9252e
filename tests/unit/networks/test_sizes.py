"""Units that are solved for: by cell, layers and direction, and by anything that grows with them."""

from itertools import product
from typing import Any

import pytest

from rnnlab.networks import sizes
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.results import SERIES, changed

UNITS = {f"models.{name}.units": 32 for name in ("rnn", "lstm", "gru")}


def matched(settings: Params, **changes: Any) -> Params:
    return changed(settings, **{"match": "parameters", **UNITS, **changes})


def count(settings: Params, name: str, units: int) -> int:
    return sizes.recurrent_parameters(settings.task, settings.models[name], units)


def test_a_simple_rnn_needs_more_than_twice_the_units_of_the_lstm(settings: Params) -> None:
    assert sizes.solve(matched(settings)) == {"rnn": 76, "lstm": 32}
    assert [count(settings, "rnn", 76), count(settings, "lstm", 32)] == [8284, 8320]
    assert sizes.solve(matched(settings, match="none")) == {"rnn": 32, "lstm": 32}


@pytest.mark.parametrize(
    ("layers", "bidirectional", "other_way"), list(product((1, 2, 3), (False, True), (False, True)))
)
def test_all_come_within_two_percent_of_the_largest_and_no_neighbour_closer(
    settings: Params, layers: int, bidirectional: bool, other_way: bool
) -> None:
    shape = {"models.lstm.layers": layers, "models.lstm.bidirectional": bidirectional}
    three = matched(settings, compare=["rnn", "gru", "lstm"], models__gru__bidirectional=other_way, **shape)
    units = sizes.solve(three)
    own = {name: count(three, name, 32) for name in three.compare}
    largest = max(own, key=own.__getitem__)
    assert units[largest] == 32
    for name, number in units.items():
        gap = abs(count(three, name, number) - own[largest])
        assert gap <= 0.02 * own[largest]
        assert all(abs(count(three, name, other) - own[largest]) >= gap for other in (number - 1, number + 1))


def test_the_first_of_two_equal_ones_is_as_large_as_the_other(settings: Params) -> None:
    same = matched(settings, models__rnn__cell="lstm")
    assert sizes.solve(same) == {"rnn": 32, "lstm": 32}


def test_a_series_is_read_by_one_channel(settings: Params) -> None:
    series = matched(settings, **SERIES)
    assert count(series, "lstm", 32) == 4 * 32 * (1 + 32 + 1)
    assert sizes.solve(series)["rnn"] == 65


def test_networks_too_small_to_match_are_a_sentence(settings: Params) -> None:
    with pytest.raises(UserError) as told:
        sizes.solve(matched(settings, **{"models.lstm.units": 1, "models.rnn.units": 1}))
    assert str(told.value) == (
        "match: no number of units gives rnn as many recurrent parameters as lstm has (136), within 2 %: 4 is"
        " closest and gives 148; change models.lstm.units"
    )


@pytest.mark.parametrize("wanted", [30, 32, 33, 57, 100, 131, 1000])
def test_a_search_ends_within_its_step_and_measures_nothing_twice(wanted: int) -> None:
    asked: list[int] = []

    def ratio(units: int) -> float:
        assert units not in asked and len(asked) < 15  # here, as a search that asks again would not end
        asked.append(units)
        return units / wanted

    found = sizes.search(ratio, 32)
    assert abs(found - wanted) <= sizes.STEP / 2 or found == 32 > wanted


def test_what_a_step_does_not_depend_on_is_left_out(settings: Params) -> None:
    ours = changed(settings, train__epochs=99, train__patience=98)
    ours = changed(ours, **{"models.rnn.train": {"batch_size": 7, "schedule": "cosine", "learning_rate": 0.5}})
    assert sizes.step_options(ours, "lstm") == sizes.step_options(settings, "lstm")
    rnn = sizes.step_options(ours, "rnn")
    assert (rnn.batch_size, rnn.schedule, rnn.learning_rate) == (7, "constant", 1e-6)
    assert rnn.threads == ours.train.threads
