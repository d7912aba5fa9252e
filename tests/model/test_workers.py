"""One network trained by several processes."""

from pathlib import Path

import keras
import numpy as np
import psutil
import pytest

from rnnlab.networks import sharing, training
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.project import params
from rnnlab.project.errors import UserError
from rnnlab.project.params import Run
from rnnlab.project.workers import Team
from tests.support.networks import plain


def work(**changes: object) -> training.Work:
    """Texts whose label is whether word 2 or word 3 is in them, in batches that two workers cannot always share."""
    generator = np.random.default_rng(1)

    def rows(count: int) -> training.Examples:
        labels = generator.integers(0, 2, count)
        tokens = generator.integers(4, 50, (count, 12)).astype(np.int32)
        tokens[np.arange(count), generator.integers(0, 12, count)] = 2 + labels
        return tokens, labels.astype(np.float32)[:, None]

    default = params.read()
    budget = {"epochs": 4, "patience": 4, "batch_size": 32, "learning_rate": 0.01, "clip_norm": 0.2}
    train = default.train.model_copy(update=budget | changes)
    settings = default.model_copy(update={"train": train, "models": {"lstm": plain(8, 8)}})
    return training.Work(Run("lstm", 1), settings, rows(32 * 9 + 10), rows(61), 50)


@pytest.mark.needs("ray")
def test_two_workers_train_as_one_process_does_even_if_one_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[dict[str, float]] = []

    def lose_a_worker_in_the_third_epoch(row: dict[str, float]) -> None:
        told.append(row)
        if row["epoch"] == 2:
            found = [
                each
                for each in psutil.process_iter(["cmdline"])
                if str(each.info["cmdline"]).startswith("['ray::Helper")
            ]
            assert found
            for process in found:
                process.kill()

    plain_model, alone = training.train(work(ema_momentum=0.9), Checkpoint(tmp_path / "one.npz"), lambda row: None)
    capsys.readouterr()
    model, shared = training.train(
        work(ema_momentum=0.9, workers=2), Checkpoint(tmp_path / "two.npz"), lose_a_worker_in_the_third_epoch
    )
    printed = capsys.readouterr().out
    assert "a worker was lost" in printed and "lstm-1  resumes after epoch" in printed
    assert [row["epoch"] for row in told] == [1, 2, 3, 4]
    assert told == shared.epochs
    for row, wanted in zip(shared.epochs, alone.epochs, strict=True):
        assert row == pytest.approx(wanted, abs=1e-3)
    assert model.count_params() == plain_model.count_params()


@pytest.mark.needs("ray")
def test_more_workers_than_the_cluster_has_room_for_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train\.workers is 1000, but the Ray cluster has processors for \d+ workers"):
        training.train(work(workers=1000), Checkpoint(tmp_path / "state.npz"), lambda row: None)


def test_each_process_drops_units_of_its_own() -> None:
    dropped = []
    for rank in (0, 1):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((100,)), keras.layers.Dropout(0.5)])
        own = sharing.OwnDropout(Team(rank, 2))
        own.set_model(model)
        own.on_train_begin()
        dropped.append(np.asarray(model(np.ones((1, 100), np.float32), training=True)) == 0)
    assert 20 < (dropped[0] != dropped[1]).sum() < 80
