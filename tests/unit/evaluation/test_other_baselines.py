"""Baselines of others: what they say is taken if it is a probability of each label, or a value of each step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rnnlab.evaluation import other_baselines
from rnnlab.evaluation.other_baselines import Examples
from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from tests.support.extensions import write_extension

CONSTANT = """
class Constant:
    def fit(self, inputs, targets):
        self.steps = targets.shape[1]
    def predict_proba(self, inputs):
        return {said}
"""
LAST = """
class Last:
    def fit(self, inputs, targets):
        self.steps = targets.shape[1]
    def predict(self, inputs):
        said = inputs[:, -1:, 0].repeat(self.steps, axis=1)
        return said[:, 0] if self.steps == 1 else said
"""


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def probabilities(project: Path, said: str, labels: int = 2) -> Any:
    """What one says of 30 rows that it was fitted to."""
    write_extension(project, "baselines", "mine", CONSTANT.format(said=said))
    plugin = plugins.get("extensions/baselines", "mine")
    examples = Examples(np.zeros((30, 4)), (np.arange(30) % labels)[:, None])
    model = other_baselines.fit(plugin, examples)
    return other_baselines.probabilities(plugin, model, examples, examples.inputs)


@pytest.mark.parametrize("said", [0.75, 1.0, 0.0])
def test_of_two_labels_the_probability_of_the_second_is_taken(project: Path, said: float) -> None:
    assert probabilities(project, f"[[{1 - said}, {said}]] * len(inputs)").tolist() == [said] * 30


def test_probabilities_of_more_labels_add_up_to_1_exactly(project: Path) -> None:
    found = probabilities(project, "[[0.25, 0.25, 0.5004]] * len(inputs)", labels=3)
    np.testing.assert_allclose(found.sum(axis=1), np.ones(30), rtol=1e-6)


MISTAKES = {
    "a wrong shape": ("[0.5] * len(inputs)", r"predict_proba returns the shape \(30,\); expected \(30, 2\)"),
    "no probabilities": ("[[2.0, -1.0]] * len(inputs)", "predict_proba returns rows that are no probabilities"),
    "not finite": ("[[float('nan'), 1.0]] * len(inputs)", "predict_proba returns numbers that are not finite"),
    "an error": ("1 / 0", r"predict_proba raises ZeroDivisionError \(division by zero\)"),
    "text": ("'no'", "predict_proba raises ValueError"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_one_that_does_not_answer_is_a_sentence(project: Path, mistake: str) -> None:
    said, sentence = MISTAKES[mistake]
    with pytest.raises(UserError, match=rf"^extensions/baselines/mine\.py: {sentence}"):
        probabilities(project, said)


@pytest.mark.parametrize("horizon", [1, 2])
def test_one_of_a_series_says_values(project: Path, horizon: int) -> None:
    write_extension(project, "baselines", "last", LAST)
    plugin = plugins.get("extensions/baselines", "last")
    examples = Examples(np.arange(24, dtype=np.float32).reshape(4, 6, 1), np.zeros((4, horizon), np.float32))
    model = other_baselines.fit(plugin, examples)
    said = other_baselines.forecasts(plugin, model, examples, examples.inputs)
    assert (said == examples.inputs[:, -1:, 0]).all() and said.shape == (4, horizon)
