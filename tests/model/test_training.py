import numpy as np
import pytest

from rnnlab import models, training
from rnnlab.errors import UserError
from rnnlab.features import Features
from rnnlab.params import Model, Train

OPTIONS = Model.model_validate(
    {
        "cell": "lstm",
        "embedding_dim": 8,
        "units": 8,
        "pooling": "last",
        "embedding_dropout": 0.0,
        "dropout": 0.0,
        "mask": True,
    }
)


def budget(**changes: object) -> Train:
    values = {
        "seeds": [1],
        "epochs": 3,
        "batch_size": 16,
        "learning_rate": 0.01,
        "clip_norm": 1.0,
        "patience": 2,
        "jit_compile": False,
    }
    return Train.model_validate(values | changes)


def rows(count: int, seed: int, noise: bool = False) -> Features:
    """Sequences whose label is whether word 2 or word 3 came first."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, count).astype(np.int8)
    tokens = generator.integers(4, 12, (count, 6)).astype(np.int32)
    tokens[:, 0] = 2 + labels
    if noise:
        labels = generator.permutation(labels)
    return Features(tokens, labels, np.full(count, 6, np.int32), np.array([b"id"] * count))


def fitted(seed: int, params: Train, noise: bool = False, **model: object):
    models.set_seed(seed)
    network = models.build(OPTIONS.model_copy(update=model), 12, 6)
    seen: list[dict[str, float]] = []
    history = training.fit(network, rows(128, 1, noise), rows(64, 2, noise), params, "lstm-1", seen.append)
    return network, history, seen


def test_it_learns_what_can_be_learned() -> None:
    _, history, _ = fitted(1, budget(epochs=8))
    assert history.epochs[-1]["val_accuracy"] > 0.95


def test_every_epoch_is_told_with_all_figures() -> None:
    _, history, seen = fitted(1, budget())
    assert seen == history.epochs
    assert [row["epoch"] for row in seen] == [1, 2, 3]
    assert set(seen[0]) == {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.seconds) == 3


def test_one_seed_gives_identical_weights_and_another_does_not() -> None:
    first, same, other = (fitted(seed, budget(), dropout=0.2)[0].get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(first, same, strict=True))
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("epochs", [4, 30], ids=["budget-ends-first", "patience-ends-first"])
def test_the_weights_of_the_best_epoch_are_kept(epochs: int) -> None:
    # Labels without a pattern: the network learns them by heart, and its validation loss soon rises.
    network, history, _ = fitted(1, budget(epochs=epochs, patience=3, learning_rate=0.03), noise=True)
    best = min(history.epochs, key=lambda row: row["val_loss"])
    assert history.best_epoch == best["epoch"] < len(history.epochs) <= epochs
    validation = rows(64, 2, noise=True)
    probability = models.predict(network, validation.tokens, 64).astype(np.float64)
    loss = -np.mean(np.where(validation.labels == 1, np.log(probability), np.log(1 - probability)))
    assert loss == pytest.approx(best["val_loss"], rel=1e-3)


def test_patience_ends_a_training_that_gets_no_better() -> None:
    _, history, _ = fitted(1, budget(epochs=30, patience=2, learning_rate=0.03), noise=True)
    assert len(history.epochs) == history.best_epoch + 2


def test_a_loss_that_is_no_number_stops_with_advice() -> None:
    network = models.build(OPTIONS, 12, 6)
    network.set_weights([weights * np.nan for weights in network.get_weights()])
    with pytest.raises(UserError, match=r"lstm-1: the loss is not a number after epoch 1; lower train\.learning_rate"):
        training.fit(network, rows(32, 1), rows(32, 2), budget(), "lstm-1", lambda row: None)
