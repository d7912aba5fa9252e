"""The page tells of the study of its own data and networks, and of no other."""

from pathlib import Path
from typing import Any

import pytest

from rnnlab.evaluation import studies
from rnnlab.project.files import write_json
from rnnlab.project.params import Params
from rnnlab.report import tuning_section
from tests.support.builders import write_csv
from tests.support.results import changed


@pytest.fixture
def settings(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    monkeypatch.chdir(tmp_path)
    return changed(settings, compare=["rnn", "lstm"])


def finish(settings: Params, **changes: Any) -> None:
    """Writes a study of two trials of each model, without curves."""
    name = studies.name_of(settings)
    studies.facts(name).parent.mkdir(parents=True)
    winners = {"rnn": {"units": 9}, "lstm": {"units": 3}}
    facts = {"task": "text", "models": [*winners], "sampler": "tpe", "features": "", "seeds": [1, 2, 3]}
    write_json(studies.facts(name), {**facts, "space": {"units": [3, 9]}, "winners": winners, **changes})
    scores = [["rnn", "1", "0.6"], ["rnn", "2", "0.7"], ["lstm", "1", "0.85"], ["lstm", "2", "0.8"]]
    write_csv(studies.table(name), ["model", "trial", "score"], *scores)


def test_the_best_trial_of_each_model_is_told(settings: Params) -> None:
    finish(settings)
    section = tuning_section.describe(settings)
    assert section
    assert section.sentences == [
        "From rnnlab tune, not from this run: 2 trials of each model, with 3 seeds each, scored on validation rows"
    ]
    [table] = section.tables
    assert table.headings == ["model", "validation accuracy", "units"]
    assert table.rows == [["rnn", "70.00 %", "9"], ["lstm", "85.00 %", "3"]]
    assert not list(tuning_section.panels(section))


def test_a_study_of_other_rows_is_said_to_be(settings: Params) -> None:
    finish(settings, features="abc.dir")
    section = tuning_section.describe(settings)
    assert section and section.sentences[1:] == ["The study is of another version of the data"]


@pytest.mark.parametrize("other", [{"models": ["lstm"]}, {"task": "sequences"}])
def test_a_study_of_other_networks_or_another_task_is_not_told(settings: Params, other: dict[str, Any]) -> None:
    finish(settings, **other)
    assert tuning_section.describe(settings) is None


def test_without_a_study_nothing_is_told(settings: Params) -> None:
    assert tuning_section.describe(settings) is None
    assert not list(tuning_section.panels(None))
