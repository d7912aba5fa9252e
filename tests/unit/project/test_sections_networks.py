import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.networks import Range
from tests.support.results import changed


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("models.lstm.nb_channels", 33, "nb_channels: 33 are more than the embedding has (32)"),
        ("tune.space", {"units": 32}, "tune.space.units: must be a list of values, or a range {low: …, high: …}"),
        ("tune.space", {"units": [[32], [64]]}, "tune.space.units: must be a list of values, or a range"),
        ("tune.space", {"units": []}, "tune.space.units: must name at least one value, and each once"),
        ("tune.space", {"units": [32, 32]}, "tune.space.units: must name at least one value, and each once"),
        ("tune.space", {"units": {"low": 3, "high": 3}}, "tune.space.units: is empty: low must be less than high"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: Params, key: str, value: object, sentence: str) -> None:
    with pytest.raises(UserError) as mistake:
        changed(settings, **{key: value})
    assert sentence in str(mistake.value)


def test_a_search_draws_from_values_or_a_range(settings: Params) -> None:
    found = changed(settings, tune__space={"units": [32, 64], "dropout": {"low": 0.0, "high": 0.5}}).tune.space
    assert found == {"units": (32, 64), "dropout": Range(low=0.0, high=0.5)}
