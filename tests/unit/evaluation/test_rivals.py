"""Baselines of every task, those of others among them, are fitted to training rows and asked about others."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from rnnlab.evaluation import rivals
from rnnlab.features import arrays
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS
from tests.support.extensions import recipe, write_extension
from tests.support.results import changed
from tests.unit.evaluation.test_sequence_baselines import made

WORDS = {0: ("bad", "awful"), 1: ("good", "great"), 2: ("so-so", "fair")}
CONSTANT = """
class Constant:
    def fit(self, inputs, targets):
        self.seen = inputs, targets
    def predict_proba(self, inputs):
        return {said}
"""


def write_texts(labels: int = 2, rows: int = 120) -> pd.DataFrame:
    """Clean rows whose label a word tells."""
    generator = np.random.default_rng(1)
    numbers = [row % labels for row in range(rows)]
    texts = [f"a {generator.choice(WORDS[number])} film {generator.integers(99)}" for number in numbers]
    splits = ["train"] * (rows // 2) + ["validation"] * (rows // 4) + ["test"] * (rows - rows // 2 - rows // 4)
    table = pd.DataFrame({"text": texts, "label": np.array(numbers, np.int16), "split": splits})
    layout.ROWS.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(layout.ROWS)
    return table


def write_sequences() -> None:
    for seed, split in enumerate((layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST)):
        split.mkdir(parents=True)
        arrays.save(split, made(60, 3, seed))


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answers(settings: Params, name: str, split: Path = layout.TEST) -> rivals.Answer:
    layout.BASELINES.parent.mkdir(exist_ok=True)
    rivals.fit_all(settings, layout.ROWS, layout.FEATURES, layout.BASELINES)
    [answer] = rivals.ask(settings, [split])[name]
    return answer


def test_ours_are_those_that_the_parameters_name() -> None:
    for name, task in TASKS.items():
        assert set(rivals.KINDS[name].own) == set(task.baselines)


@pytest.mark.parametrize("labels", [2, 3])
def test_the_recipe_stands_beside_ours(settings: Params, project: Path, labels: int) -> None:
    write_extension(project, "baselines", "letters")
    rows = write_texts(labels)
    named = changed(settings, baselines=["majority", "letters"])
    seconds = rivals.fit_all(named, layout.ROWS, layout.FEATURES, project / "fitted")
    assert list(seconds) == ["majority"]  # theirs are fitted where they are asked
    found = answers(named, "letters")
    test = rows[rows["split"] == "test"]["label"].to_numpy()
    assert found.said.shape == ((30,) if labels == 2 else (30, labels))
    guessed = found.said > 0.5 if labels == 2 else found.said.argmax(axis=1)
    assert (guessed == test).mean() > 0.9
    assert found.parameters is None
    assert len(recipe("baselines").splitlines()) < 30


def test_it_learns_from_training_rows_and_is_shown_no_label_of_others(settings: Params, project: Path) -> None:
    rows = write_texts()
    code = CONSTANT.format(said="[[0.25, 0.75]] * len(inputs)") + "_ = None\n"
    code = code.replace("self.seen = ", "assert list(map(len, (inputs, targets))) == [60, 60]; self.seen = ")
    write_extension(project, "baselines", "constant", code)
    named = changed(settings, baselines=["constant"])
    assert answers(named, "constant").said == pytest.approx(np.full(30, 0.75))
    shuffled = rows.assign(label=rows["label"].where(rows["split"] == "train", 1 - rows["label"]))
    shuffled.to_parquet(layout.ROWS)
    for answer in rivals.ask(named, [layout.TEST, layout.VALIDATION_ROWS])["constant"]:
        assert answer.said == pytest.approx(np.full(30, 0.75))


def test_one_of_sequences_says_probabilities(settings: Params, project: Path) -> None:
    write_sequences()
    said = "__import__('numpy').eye(3)[(inputs.sum(axis=(1, 2)) > 1).astype(int)]"
    write_extension(project, "baselines", "constant", CONSTANT.format(said=said))
    found = answers(changed(settings, task="sequences", baselines=["constant"]), "constant", layout.VALIDATION_ROWS)
    assert found.said.shape == (60, 3)
    assert set(found.said.argmax(axis=1)) == {0, 1}


CODE = {
    "has no fit": ("class Bad: ...", r"fit raises AttributeError"),
    "cannot be made": ("def bad(size): ...", r"bad\(\) raises TypeError"),
    "has two": ("def a(): ...\ndef b(): ...", "defines 2 functions without an underscore; expected one"),
    "ends": ("raise SystemExit", "importing it ends the process"),
}


@pytest.mark.parametrize("mistake", CODE)
def test_one_that_is_no_classifier_is_a_sentence(settings: Params, project: Path, mistake: str) -> None:
    code, sentence = CODE[mistake]
    write_texts()
    write_extension(project, "baselines", "bad", code)
    with pytest.raises(UserError, match=rf"^extensions/baselines/bad\.py: {sentence}"):
        answers(changed(settings, baselines=["bad"]), "bad")


NAMES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"baselines": ["letters"]}, r"baselines: must be majority, tfidf, nbsvm, a file extensions/baselines/"),
    "a path": ({"baselines": ["../tfidf"]}, r"baselines: must be majority"),
    "the name of a network": ({"baselines": ["lstm"]}, "compare: lstm is already the name of another row"),
    "ensemble": ({"baselines": ["ensemble"]}, "baselines: ensemble is already the name of another row"),
}


@pytest.mark.parametrize("mistake", NAMES)
def test_a_name_is_refused_with_its_key(settings: Params, mistake: str) -> None:
    changes, sentence = NAMES[mistake]
    with pytest.raises(UserError, match=sentence):
        changed(settings, **changes)


def test_one_cannot_bear_the_name_of_ours(settings: Params, project: Path) -> None:
    write_extension(project, "baselines", "tfidf")
    with pytest.raises(UserError, match=r"^.*extensions/baselines/tfidf\.py: tfidf is the name of one that rnnlab has"):
        changed(settings, baselines=["majority"])
