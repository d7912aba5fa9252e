"""What a training of a sweep leaves behind, and what is said of it."""

from contextlib import chdir
from pathlib import Path

import pytest

from rnnlab.project.params import Params, Run
from rnnlab.sweeps import trials
from rnnlab.sweeps.trials import Outcome, Trial
from tests.support.results import changed
from tests.unit.sweeps.test_grids import outcome

EARLY = trials.stopped([{"epoch": 1, "val_loss": 0.5}, {"epoch": 2, "val_loss": 0.75}])
ENDED = {
    "validation loss 0.2500": outcome(0.25),
    "validation loss 0.5000, stopped after epoch 2": EARLY,
    "its loss is not a number after epoch 1": Outcome([{"epoch": 1, "val_loss": 0.5}], 0, {}, 0, "", diverged=True),
}


@pytest.mark.parametrize("sentence", ENDED)
def test_a_line_says_how_a_trial_ended(sentence: str) -> None:
    assert ENDED[sentence].summary == sentence


def test_a_trial_is_trained_as_its_model_asks(settings: Params) -> None:
    ours = changed(settings, **{"models.lstm.train": {"epochs": 77}})
    epochs = [Trial("key", Run(model, 1), ours).training.epochs for model in ("lstm", "rnn")]
    assert epochs == [77, settings.train.epochs]


def test_what_a_search_stopped_is_finished_for_that_search_alone(settings: Params, tmp_path: Path) -> None:
    finished, early = (Trial(key, Run("lstm", 1), settings) for key in ("finished", "early"))
    with chdir(tmp_path):
        trials.keep(finished, outcome(0.25), b"a network", "mine")
        trials.keep(early, EARLY, b"", "mine")
        assert trials.read_finished([finished, early], "mine") == {"finished": outcome(0.25), "early": EARLY}
        for other in (None, "another"):
            assert trials.read_finished([finished, early], other) == {"finished": outcome(0.25)}
    assert [file.read_bytes() for file in tmp_path.rglob("network.keras")] == [b"a network"]
