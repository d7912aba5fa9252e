"""What a study leaves behind."""

from contextlib import chdir
from pathlib import Path

import pytest

from rnnlab.evaluation import studies
from rnnlab.experiments import catalogue
from rnnlab.project.params import Params
from rnnlab.sweeps import study_files
from rnnlab.sweeps.study import Study, Tried
from tests.support.results import changed
from tests.unit.sweeps.test_study import DATA, outcome

COLUMN = "val_accuracy"


def study(settings: Params, diverged: bool = False) -> Study:
    """Two trials of each model; the second one of the rnn diverged, if not both."""
    ours = changed(settings, **{"tune.space": {"units": {"low": 2, "high": 9}, "clip_norm": [None, 1.0]}})
    made = Study(ours, "random", DATA)
    options = [{"units": 3, "clip_norm": None}, {"units": 9, "clip_norm": 1.0}]
    lost = [outcome(0.5, diverged=True), outcome(0.9)]
    made.tried["rnn"] = [
        Tried("rnn", 1, options[0], lost if diverged else [outcome(0.6), outcome(0.7)], COLUMN),
        Tried("rnn", 2, options[1], lost, COLUMN),
    ]
    made.tried["lstm"] = [
        Tried("lstm", number, each, [outcome(score), outcome(score, stopped=True)], COLUMN)
        for number, (each, score) in enumerate(zip(options, (0.8, 0.9), strict=True), start=1)
    ]
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "dvc.lock").write_text("stages: {tokenize_pad: {outs: [{path: data/features/train, md5: abc.dir}]}}\n")
    return tmp_path


def test_every_trial_is_kept_and_the_winners_become_an_experiment(settings: Params, folder: Path) -> None:
    with chdir(folder):
        files = study_files.write("mine", study(settings), "random")
        files.page.write_text(files.text, encoding="utf-8")
        finished = studies.read("mine")
        named = catalogue.load("tuned-mine", settings)
    assert finished is not None
    assert finished.facts["winners"] == {
        "rnn": {"units": 3, "clip_norm": None},
        "lstm": {"units": 9, "clip_norm": 1.0},
    }
    assert finished.facts["features"] == "abc.dir"
    rows = finished.trials.set_index(["model", "trial"])
    assert rows.loc[("rnn", 1), "score"] == pytest.approx(0.65)
    assert rows.loc[("rnn", 2), "diverged"] == 1 and rows.loc[("rnn", 2)].isna()["score"]
    assert rows.loc[("lstm", 2), "stopped"] == 1
    [setup] = named.setups
    assert (setup.settings.models["rnn"].units, setup.settings.training_of("rnn").clip_norm) == (3, None)
    assert setup.settings.training_of("lstm").clip_norm == 1.0
    assert setup.settings.train.seeds == settings.train.seeds
    assert "1 of 2 trials diverged." in files.text and "## What tuning is worth" in files.text


def test_a_trial_that_diverged_counts_as_the_worst(settings: Params, folder: Path) -> None:
    with chdir(folder):
        study_files.write("mine", study(settings), "random")
        finished = studies.read("mine")
    assert finished is not None and finished.curves is not None
    assert finished.curves.best["rnn"][0].mean == pytest.approx(0.65)  # 0.65 is the worst that was scored


def test_trials_that_learn_from_others_have_no_curve(settings: Params, folder: Path) -> None:
    with chdir(folder):
        files = study_files.write("mine", study(settings), "tpe")
        finished = studies.read("mine")
    assert finished is not None and finished.curves is None
    assert "drawn by TPE" in files.text and "What tuning is worth" not in files.text


def test_where_all_trials_diverged_the_sentence_names_the_space(settings: Params) -> None:
    sentence = study_files.nothing_learned(study(settings, diverged=True))
    assert sentence.startswith("params.yaml: tune.space: every trial of rnn diverged, its loss is not a number")
    assert "units 2 to 9" in sentence and "try lower learning rates, or a clip_norm" in sentence


@pytest.mark.parametrize(
    ("csv", "name"),
    [("data/sample/reviews.csv", "reviews"), ("data/raw/My Reviews.tar.csv.gz", "my-reviews"), ("data/日本", "data")],
)
def test_a_study_is_named_after_its_data(settings: Params, csv: str, name: str) -> None:
    assert studies.name_of(changed(settings, **{"data.csv": csv})) == name
