import functools
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab.networks import models, predicting, training
from rnnlab.networks.batches import Batches
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.project.errors import UserError
from rnnlab.project.params import Run
from rnnlab.project.sections.networks import Train
from tests.support.networks import plain

OPTIONS = plain(8, 8)
RUN = Run("lstm", 1)
CHECKPOINT = Checkpoint(Path("checkpoint.npz"))


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def step_by_step() -> Iterator[None]:
    """Computes each step as it comes: for a training of a step or two, which TensorFlow takes longer to trace."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Even though .* this option does not apply to tf.data functions")
        tf.config.run_functions_eagerly(True)
        yield
        tf.config.run_functions_eagerly(False)


def budget(**changes: object) -> Train:
    values = {
        "seeds": [1],
        "epochs": 3,
        "batch_size": 16,
        "learning_rate": 0.01,
        "schedule": "constant",
        "clip_norm": 1.0,
        "ema_momentum": None,
        "patience": 2,
        "keep": "best",
        "engine": "fast",
        "threads": 1,
        "class_weights": "none",
    }
    return Train.model_validate(values | changes)


def rows(count: int, seed: int, noise: bool = False) -> training.Examples:
    """Sequences whose label is whether word 2 or word 3 came first."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count).astype(np.int8)
    tokens = generator.integers(4, 12, (count, 6)).astype(np.int32)
    tokens[:, 0] = 2 + labels
    if noise:
        labels = generator.permutation(labels)
    return tokens, labels.astype(np.float32)[:, None]


def fitted(seed: int, params: Train, noise: bool = False, **model: object):
    CHECKPOINT.remove()
    keras.utils.set_random_seed(seed)
    network = models.build_classifier(OPTIONS.model_copy(update=model), 12, 6)
    seen: list[dict[str, float]] = []
    run = Run("lstm", seed)
    history = training.fit(network, rows(128, 1, noise), rows(64, 2, noise), params, run, CHECKPOINT, seen.append)
    return network, history, seen


# Trainings that several tests read and none changes: TensorFlow takes seconds to trace each.
@functools.cache
def learned():
    return fitted(1, budget(epochs=8))


@functools.cache
def with_dropout(epochs: int, seed: int = 1, **changes: object):
    return fitted(seed, budget(epochs=epochs, **changes), dropout=0.2, bidirectional=True)


@functools.cache
def by_heart(epochs: int, **changes: object):
    """Labels without a pattern: the network learns them by heart, and its validation loss soon rises."""
    return fitted(1, budget(epochs=epochs, learning_rate=0.03, **changes), noise=True)


def test_it_learns_what_can_be_learned() -> None:
    _, history, _ = learned()
    assert history.epochs[-1]["val_accuracy"] > 0.95


def test_every_epoch_is_told_with_all_figures() -> None:
    _, history, seen = learned()
    assert seen == history.epochs
    assert [row["epoch"] for row in seen] == list(range(1, 9))
    assert set(seen[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.seconds) == 8


def test_one_seed_gives_identical_weights_and_another_does_not() -> None:
    first, other = (with_dropout(1, seed=seed)[0].get_weights() for seed in (1, 2))
    same = with_dropout(3)[1].early
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize(
    ("trained", "changes"),
    [
        (with_dropout, {}),
        (by_heart, {"keep": "best", "ema_momentum": 0.9}),
        pytest.param(with_dropout, {"engine": "stock"}, marks=pytest.mark.weekly),
    ],
    ids=["plain", "averaged", "stock"],
)
def test_the_early_weights_are_those_of_a_training_of_one_epoch(
    trained: Callable[..., Any], changes: dict[str, object]
) -> None:
    short, _, _ = trained(1, **changes)
    network, history, _ = trained(3, **changes)
    for early, wanted in zip(history.early, short.get_weights(), strict=True):
        np.testing.assert_array_equal(early, wanted)
    assert not np.array_equal(history.early[0], network.get_weights()[0])


@pytest.mark.parametrize("epochs", [4, 30], ids=["budget-ends-first", "patience-ends-first"])
def test_the_weights_of_the_best_epoch_are_kept(epochs: int) -> None:
    network, history, _ = by_heart(epochs, patience=3)
    best = min(history.epochs, key=lambda row: row["val_loss"])
    assert history.best_epoch == best["epoch"] < len(history.epochs) <= epochs
    tokens, labels = rows(64, 2, noise=True)
    probability = predicting.predict(network, tokens, 64).astype(np.float64)
    loss = -np.mean(np.where(labels[:, 0] == 1, np.log(probability), np.log(1 - probability)))
    assert loss == pytest.approx(best["val_loss"], rel=1e-3)


def test_patience_ends_a_training_that_gets_no_better() -> None:
    _, history, _ = by_heart(30, patience=3)
    assert len(history.epochs) == history.best_epoch + 3


@pytest.mark.usefixtures("step_by_step")
def test_a_loss_that_is_no_number_stops_with_advice() -> None:
    network = models.build_classifier(OPTIONS, 12, 6)
    network.set_weights([weights * np.nan for weights in network.get_weights()])
    with pytest.raises(UserError, match=r"lstm-1: the loss is not a number after epoch 1; lower train\.learning_rate"):
        training.fit(network, rows(32, 1), rows(32, 2), budget(), RUN, CHECKPOINT, lambda row: None)


def test_the_last_epoch_is_kept_where_that_is_asked_for() -> None:
    network, history, _ = by_heart(6, patience=6, keep="last")
    tokens, labels = rows(64, 2, noise=True)
    probability = predicting.predict(network, tokens, 64).astype(np.float64)
    loss = -np.mean(np.where(labels[:, 0] == 1, np.log(probability), np.log(1 - probability)))
    assert history.best_epoch == 6
    assert loss == pytest.approx(history.epochs[-1]["val_loss"], rel=1e-3)
    assert loss > 1.01 * min(row["val_loss"] for row in history.epochs)


def test_logits_learn_as_well_as_one_sigmoid() -> None:
    network, history, _ = fitted(1, budget(epochs=8), output="logits")
    tokens, labels = rows(64, 2)
    right = (predicting.predict(network, tokens, 64) >= 0.5) == (labels[:, 0] == 1)
    assert right.mean() > 0.95
    assert history.epochs[-1]["val_accuracy"] == pytest.approx(right.mean())


def test_five_labels_are_learned() -> None:
    generator = np.random.default_rng(3)
    labels = np.arange(300) % 5
    tokens = generator.integers(7, 12, (300, 6)).astype(np.int32)
    tokens[:, 1] = 2 + labels
    examples = tokens, labels.astype(np.float32)[:, None]
    network = models.build_classifier(OPTIONS.model_copy(update={"output": "auto"}), 12, 6, labels=5)
    params = budget(epochs=30, learning_rate=0.03)
    history = training.fit(network, examples, examples, params, Run("lstm", 1), CHECKPOINT, lambda row: False)
    assert history.epochs[-1]["val_accuracy"] > 0.95
    assert (predicting.predict(network, tokens, 64).argmax(axis=1) == labels).mean() > 0.95


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_steps_are_done_many_at_once_and_are_not_compiled_which_would_take_minutes(engine: str) -> None:
    network = training.compiled(models.build_classifier(OPTIONS, 12, 6), budget(engine=engine), 128)
    assert (network.jit_compile, network.steps_per_execution) == (False, training.STEPS_AT_ONCE)


def test_balanced_weights_make_all_labels_weigh_the_same() -> None:
    targets = np.array([0] * 6 + [1] * 2 + [2] * 1, np.float32)[:, None]
    weights = training.balanced_weights(targets)
    assert weights == {0: pytest.approx(0.5), 1: pytest.approx(1.5), 2: pytest.approx(3.0)}
    assert np.mean([weights[int(label)] for label in targets[:, 0]]) == pytest.approx(1.0)


def test_a_rare_label_is_given_more_often_with_balanced_weights() -> None:
    generator = np.random.default_rng(4)
    labels = (generator.random(400) < 0.1).astype(np.float32)
    tokens = generator.integers(4, 12, (400, 6)).astype(np.int32)
    tokens[:, 0] = np.where(generator.random(400) < 0.75, 2 + labels, 3 - labels)  # what can be known of it
    shares = []
    for weights in ("none", "balanced"):
        CHECKPOINT.remove()
        keras.utils.set_random_seed(1)
        network = models.build_classifier(OPTIONS, 12, 6)
        both = tokens, labels[:, None]
        chosen = budget(epochs=8).model_copy(update={"class_weights": weights})
        training.fit(network, both, both, chosen, Run("lstm", 1), CHECKPOINT, lambda row: False)
        shares.append((predicting.predict(network, tokens, 64) >= 0.5).mean())
    assert shares[0] < 0.02 < 0.2 < shares[1]


def test_a_forecaster_learns_a_series() -> None:
    values = np.sin(np.arange(300) / 5).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(values, 11)
    inputs, targets = windows[:, :-1, None], windows[:, -1:]
    keras.utils.set_random_seed(1)
    network = models.build_forecaster(OPTIONS.model_copy(update={"output": "linear"}), 10)
    both = (inputs, targets)
    history = training.fit(network, both, both, budget(epochs=20, patience=20), RUN, CHECKPOINT, lambda row: None)
    assert set(history.epochs[0]) == {"epoch", "loss", "mae", "val_loss", "val_mae"}
    assert history.epochs[-1]["val_loss"] < 0.02 * targets.var()
    errors = predicting.predict(network, inputs, 64) - targets
    assert np.mean(errors**2) == pytest.approx(min(row["val_loss"] for row in history.epochs), rel=1e-3)


@pytest.mark.parametrize(
    ("epochs", "keep"),
    [(3, "best"), pytest.param(3, "last", marks=pytest.mark.weekly), (30, "best"), (30, "last")],
    ids=["budget-ends-first-best", "budget-ends-first-last", "patience-ends-first-best", "patience-ends-first-last"],
)
def test_averaged_weights_are_scored_and_kept(epochs: int, keep: str) -> None:
    network, history, _ = by_heart(epochs, keep=keep, ema_momentum=0.9)
    tokens, labels = rows(64, 2, noise=True)
    probability = predicting.predict(network, tokens, 64).astype(np.float64)
    loss = -np.mean(np.where(labels[:, 0] == 1, np.log(probability), np.log(1 - probability)))
    assert loss == pytest.approx(history.epochs[history.best_epoch - 1]["val_loss"], rel=1e-3)
    assert len(history.epochs) < 30


@pytest.mark.usefixtures("step_by_step")
def test_the_average_follows_the_steps_of_a_plain_training() -> None:
    # One batch an epoch, no shuffling to speak of: an epoch is a step.
    network, history, _ = fitted(1, budget(epochs=2, batch_size=128, keep="last"))
    averaged, _, _ = fitted(1, budget(epochs=2, batch_size=128, keep="last", ema_momentum=0.75))
    for first, second, average in zip(history.early, network.get_weights(), averaged.get_weights(), strict=True):
        np.testing.assert_allclose(average, 0.75 * first + 0.25 * second, rtol=1e-4, atol=1e-6)


def test_the_cosine_schedule_ends_at_zero_and_the_constant_one_where_it_began() -> None:
    trained, _, _ = fitted(1, budget(schedule="cosine", engine="stock"))
    assert float(trained.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-9)
    network = training.compiled(models.build_classifier(OPTIONS, 12, 6), budget(), 128)
    network.optimizer.iterations.assign(trained.optimizer.iterations)
    assert float(network.optimizer.learning_rate) == pytest.approx(0.01)


def gradient_norm_after_one_step(clip_norm: float | None) -> float:
    """How far plain gradient descent with rate 1 goes in one step: the norm of the gradient it was given."""
    keras.utils.set_random_seed(1)
    network = models.build_classifier(OPTIONS, 12, 6)
    before = network.get_weights()
    adam = keras.optimizers.Adam
    keras.optimizers.Adam = lambda rate, **options: keras.optimizers.SGD(1.0, **options)
    try:
        params = budget(epochs=1, batch_size=128, clip_norm=clip_norm, keep="last")
        training.fit(network, rows(128, 1), rows(64, 2), params, RUN, CHECKPOINT, lambda row: None)
    finally:
        keras.optimizers.Adam = adam
    return float(np.sqrt(sum(((a - b) ** 2).sum() for a, b in zip(before, network.get_weights(), strict=True))))


@pytest.mark.usefixtures("step_by_step")
def test_clipping_bounds_the_norm_of_all_gradients_together() -> None:
    free = gradient_norm_after_one_step(None)
    assert free > 0.002
    # TensorFlow takes the norm of the embedding's gradient before it adds up the parts of a word that comes twice.
    assert gradient_norm_after_one_step(0.001) == pytest.approx(0.001, rel=0.2)
    assert gradient_norm_after_one_step(1000.0) == pytest.approx(free, rel=1e-4)


class Killed(Exception):
    pass


def killed_in_epoch(number: int):
    def on_epoch(row: dict[str, float]) -> None:
        if row["epoch"] == number:
            raise Killed

    return on_epoch


@pytest.mark.parametrize(
    ("kills", "changes", "model"),
    [
        ([2, 4], {}, {"dropout": 0.3, "word_dropout": 0.2, "embedding_dropout": 0.2, "input_dropout": 0.2}),
        pytest.param(
            *([3], {"engine": "stock"}, {"dropout": 0.3, "recurrent_dropout": 0.2, "bidirectional": True}),
            marks=pytest.mark.weekly,
        ),
        pytest.param(
            *([3], {"schedule": "cosine", "ema_momentum": 0.9}, {"dropout": 0.3}),
            marks=pytest.mark.weekly,
        ),
        pytest.param(
            *([3], {"ema_momentum": 0.9, "keep": "last", "clip_norm": None}, {"mask": False, "output": "logits"}),
            marks=pytest.mark.weekly,
        ),
    ],
    ids=["every-dropout", "stock", "averaged-best", "averaged-last"],
)
def test_a_killed_training_goes_on_to_the_same_bytes(
    kills: list[int], changes: dict[str, object], model: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    params = budget(epochs=30, patience=4, learning_rate=0.03, **changes)
    network, whole, told = fitted(1, params, noise=True, **model)
    assert len(whole.epochs) > max(kills)
    CHECKPOINT.remove()
    for epoch in kills:  # killed and taken up; once, killed again
        with pytest.raises(Killed):
            again(params, model, killed_in_epoch(epoch))
    capsys.readouterr()
    seen: list[dict[str, float]] = []
    resumed, rest = again(params, model, seen.append)
    assert (rest.epochs, rest.best_epoch, seen) == (whole.epochs, whole.best_epoch, told)
    assert len(rest.seconds) == len(whole.seconds)
    ends = [*network.get_weights(), *whole.early], [*resumed.get_weights(), *rest.early]
    for one, other in zip(*ends, strict=True):
        assert one.tobytes() == other.tobytes()
    said = capsys.readouterr().out
    assert f"lstm-1  resumes after epoch {kills[-1] - 1}" in said
    assert f"epoch {kills[-1] - 1}  " not in said
    assert f"epoch {kills[-1]}  " in said


def again(params: Train, model: dict[str, object], on_epoch):
    keras.utils.set_random_seed(1)
    network = models.build_classifier(OPTIONS.model_copy(update=model), 12, 6)
    return network, training.fit(network, rows(128, 1, True), rows(64, 2, True), params, RUN, CHECKPOINT, on_epoch)


class Spreads(Batches):
    """Notes the greatest difference in length within a batch."""

    greatest = 0

    def __getitem__(self, index: int) -> training.Examples:
        inputs, targets = super().__getitem__(index)
        lengths = np.count_nonzero(inputs, axis=1)
        Spreads.greatest = max(Spreads.greatest, int(np.ptp(lengths)))
        return inputs, targets


@pytest.mark.usefixtures("step_by_step")
@pytest.mark.parametrize(
    ("engine", "mask", "alike"),
    [("fast", True, True), ("fast", False, False), ("stock", True, False)],
)
def test_batches_are_of_one_length_only_where_padding_is_skipped(
    engine: str, mask: bool, alike: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "Batches", Spreads)
    monkeypatch.setattr(Spreads, "greatest", 0)
    tokens = np.where(np.arange(6) >= 6 - np.arange(128)[:, None] % 2 * 5 - 1, 4, 0).astype(np.int32)  # 1 or 6 words
    labels = np.zeros((128, 1), np.float32)
    network = models.build_classifier(OPTIONS.model_copy(update={"mask": mask}), 12, 6)
    training.fit(
        network, (tokens, labels), rows(8, 2), budget(epochs=1, engine=engine), RUN, CHECKPOINT, lambda row: None
    )
    assert Spreads.greatest == (0 if alike else 5)
