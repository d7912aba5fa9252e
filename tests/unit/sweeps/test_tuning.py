"""What a search for the best settings needs before it begins."""

import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.sweeps import tuning
from tests.support.results import changed


def test_winners_have_seeds_of_their_own(settings: Params) -> None:
    tuning.check(changed(settings, train__seeds=[1, 2], tune__seeds=[7, 8]))
    with pytest.raises(UserError, match=r"tune\.seeds: 2 is in train\.seeds too"):
        tuning.check(changed(settings, train__seeds=[1, 2], tune__seeds=[2, 8]))
