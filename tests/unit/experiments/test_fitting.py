from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rnnlab.data.choosing import Choice
from rnnlab.data.guesses import CERTAIN, Guess
from rnnlab.data.looking import Table
from rnnlab.data.profiles import Lengths, Profile, Vocabulary
from rnnlab.experiments import fitting
from rnnlab.project.params import Params


def found(settings: Params, labels: Counter[str], lengths: Lengths) -> dict[str, Any]:
    """What is changed for texts of such lengths, by key."""
    rows = labels.total()
    profile = Profile(rows, labels, Counter(), 0, 0, Counter(), 0, lengths, Vocabulary(100, 80, 60, 0.9))
    columns = {name: Guess(name, CERTAIN, "") for name in ("text", "label")}
    table = Table(settings.data, [Path("mine.csv")], [], [], rows, {})
    changes = fitting.of_texts(settings, table, Choice("text", columns), profile, "")
    return {each.key: each.value for each in changes}


@pytest.mark.parametrize(("longer", "told"), [(-1, False), (0, False), (1, True)])
def test_a_limit_is_raised_only_for_texts_beyond_it(settings: Params, longer: int, told: bool) -> None:
    limit = settings.validate_.max_words
    changes = found(settings, Counter(a=150, b=150), Lengths(12, 16, limit + longer, 12.0))
    assert ("validate.max_words" in changes) == told
    assert not told or changes["validate.max_words"] > limit


def test_a_run_takes_as_long_as_its_rows_are_many_and_long(settings: Params) -> None:
    start, once, twice, long = (
        fitting.estimate(settings, *size) for size in ((0, 9.0), (1000, 9.0), (2000, 9.0), (1000, 18.0))
    )
    assert start == pytest.approx((60 + 12 * len(settings.runs) / 2) / 60)
    assert once > start
    assert twice - start == pytest.approx(2 * (once - start)) == long - start


@pytest.mark.parametrize("rows", [400, 40_000])
def test_all_models_have_dropout_for_so_many_rows(settings: Params, rows: int) -> None:
    changes = found(settings, Counter(a=rows // 2, b=rows // 2), Lengths(9, 9, 9, 9.0))
    for model in settings.compare:
        assert changes[f"models.{model}.output"] == "auto"
        assert changes[f"models.{model}.embedding_dropout"] == changes[f"models.{model}.dropout"] > 0


@pytest.mark.parametrize(("more", "rivals"), [(0, ["majority", "summary", "dtw"]), (1, ["majority", "summary"])])
def test_sequences_are_compared_with_each_other_unless_they_are_too_many(
    settings: Params, more: int, rivals: list[str]
) -> None:
    counts = Counter(up=fitting.MOST_COMPARED - 500 + more, down=500)
    lengths, rows = Lengths(12, 16, 20, 12.0), counts.total()
    profile = Profile(rows, counts, Counter(), 0, 0, Counter(), 0, lengths, Vocabulary(0, 0, 0, 0.0))
    columns = {name: Guess(name, CERTAIN, "") for name in ("sequence", "label")}
    table = Table(settings.data, [Path("mine.csv")], [], [], rows, {})
    changes = fitting.of_sequences(settings, table, Choice("sequences", columns, ("x",)), profile, "")
    assert {each.key: each.value for each in changes}["baselines"] == rivals
