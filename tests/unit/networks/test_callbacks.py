import math
from pathlib import Path

import keras
import numpy as np
import pytest

from rnnlab.networks import checkpoints
from rnnlab.networks.callbacks import Early, Resume, Watch
from rnnlab.project.errors import UserError


@pytest.mark.parametrize(("loss", "val_loss"), [(math.nan, 0.5), (0.5, math.nan), (math.inf, 0.5), (0.5, math.inf)])
def test_a_loss_that_is_no_number_ends_the_training_before_anybody_is_told(loss: float, val_loss: float) -> None:
    told: list[dict[str, float]] = []
    with pytest.raises(UserError, match=r"lstm-1: the loss is not a number after epoch 3; lower train\.learning_rate"):
        Watch("lstm-1", told.append).on_epoch_end(2, {"loss": loss, "val_loss": val_loss})
    assert told == []


def test_an_epoch_is_told_counted_and_printed(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[dict[str, float]] = []
    watch = Watch("lstm-1", told.append)
    watch.on_epoch_begin(0)
    watch.on_epoch_end(0, {"loss": 0.25, "val_loss": 0.5})
    assert watch.epochs == told == [{"epoch": 1, "loss": 0.25, "val_loss": 0.5}]
    [seconds] = watch.seconds
    assert 0 <= seconds < 60
    assert capsys.readouterr().out == f"lstm-1  epoch 1  loss 0.2500  val_loss 0.5000  ({seconds:.1f} s)\n"


def test_a_resumed_training_tells_its_first_epochs_again(capsys: pytest.CaptureFixture[str]) -> None:
    told: list[dict[str, float]] = []
    watch = Watch("lstm-1", told.append)
    watch.resume([{"epoch": 1, "loss": 0.25}, {"epoch": 2, "loss": 0.2}], [1.0, 2.0])
    assert told == watch.epochs == [{"epoch": 1, "loss": 0.25}, {"epoch": 2, "loss": 0.2}]
    assert watch.seconds == [1.0, 2.0]
    assert capsys.readouterr().out == "lstm-1  resumes after epoch 2\n"


def line() -> keras.Model:
    network = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    network.compile("sgd", "mse")
    return network


def test_early_weights_are_those_after_the_first_epoch() -> None:
    early = Early(network := line())
    for epoch in range(3):
        network.set_weights([np.full((1, 1), epoch), np.zeros(1)])
        early.on_epoch_end(epoch)
    assert early.weights[0].tolist() == [[0.0]]


def test_a_training_that_is_stopped_goes_on_after_the_epochs_that_it_finished(tmp_path: Path) -> None:
    rows = np.ones((4, 1))
    options = {"validation_data": (rows, rows), "verbose": 0, "epochs": 9}
    for last, finished in ((2, 0), (4, 1), (5, 3)):
        checkpoint = checkpoints.of_training(tmp_path, "lstm-1", {}, [])
        watch = Watch("lstm-1", lambda row, last=last: row["epoch"] == last)
        stopping, early = keras.callbacks.EarlyStopping(patience=9), Early(network := line())
        resume = Resume(checkpoint, watch, stopping, early)
        assert resume.finished_epochs == finished
        network.fit(rows, rows, initial_epoch=finished, callbacks=[watch, stopping, early, resume], **options)
        assert [row["epoch"] for row in watch.epochs] == [*range(1, last + 1)]


def test_a_training_that_is_taken_up_still_has_its_best_weights(tmp_path: Path) -> None:
    rows, kept = np.ones((4, 1)), []
    for last in (3, 9):
        watch = Watch("lstm-1", lambda row, last=last: row["epoch"] == last)
        stopping, early = keras.callbacks.EarlyStopping(patience=9, restore_best_weights=True), Early(network := line())
        network.set_weights([np.zeros((1, 1)), np.zeros(1)])
        resume = Resume(checkpoints.of_training(tmp_path, "lstm-1", {}, []), watch, stopping, early)
        begun = {"initial_epoch": resume.finished_epochs, "callbacks": [watch, stopping, early, resume]}
        # What is learned is far from what is to be said of other rows, so that the first epoch is the best.
        network.fit(rows, -rows, validation_data=(rows, 9 * rows), epochs=5, verbose=0, **begun)
        kept.append([weights.tolist() for weights in network.get_weights()])
    assert (resume.finished_epochs, stopping.best_epoch, len(watch.epochs)) == (2, 0, 5)
    assert kept[0] == kept[1] == [weights.tolist() for weights in early.weights]
