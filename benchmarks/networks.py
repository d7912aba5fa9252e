"""The networks of Keras that are timed against each other: ours and stock; same weights, same rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.work import CLIP_NORM, LEARNING_RATE, Floats, Work, rows, weights


def ours(work: Work) -> Callable[[], float]:
    """Trains as `rnnlab.networks.training` does with ``train.engine: fast``."""
    _forget()
    model = keras_model(work, mask=True)
    from rnnlab.networks import fast_layers, tensorflow_batches
    from rnnlab.networks.batches import Batches
    from rnnlab.networks.callbacks import next_order

    network = fast_layers.accelerate(model, work.batch, work.threads)
    if not work.padded:
        return _stepping(network, work)
    batches = Batches(*rows(work), work.batch, seed=1, by_length=True)
    fed = tensorflow_batches.from_batches(batches)
    return _fitting(network, x=fed, shuffle=False, callbacks=[next_order(batches)])


def stock(work: Work) -> Callable[[], float]:
    """Trains Keras' own layers; without a mask if rows are full, since Keras is faster then."""
    return _stock(work, jit=False)


def stock_jit(work: Work) -> Callable[[], float]:
    """The same as `stock`, the whole step compiled by XLA."""
    return _stock(work, jit=True)


def keras_model(work: Work, mask: bool) -> Any:
    """Builds the network with the common weights, not compiled."""
    from rnnlab.networks.keras_import import importing_keras

    with importing_keras():
        from rnnlab.networks import models
        from rnnlab.project import params
    size = {"cell": work.cell, "units": work.units, "embedding_dim": work.embedding, "mask": mask}
    no_dropout = {"word_dropout": 0.0, "embedding_dropout": 0.0, "dropout": 0.0}
    options = params.read().models["lstm"].model_copy(update=size | no_dropout)
    model = models.build_classifier(options, work.words, work.length)
    model.set_weights(weights(work))
    return model


def _forget() -> None:
    """Releases the networks that this process trained before."""
    from rnnlab.networks.keras_import import importing_keras

    with importing_keras():
        import keras
    keras.backend.clear_session()


def _stock(work: Work, jit: bool) -> Callable[[], float]:
    _forget()
    network = keras_model(work, mask=work.padded)
    if not work.padded:
        return _stepping(network, work, jit)
    tokens, labels = rows(work)
    return _fitting(network, jit, x=tokens, y=labels, batch_size=work.batch, shuffle=True)


def _compile(network: Any, jit: bool) -> None:
    import keras

    optimizer = keras.optimizers.Adam(LEARNING_RATE, global_clipnorm=CLIP_NORM)
    network.compile(optimizer=optimizer, loss="binary_crossentropy", jit_compile=jit)


def _fitting(network: Any, jit: bool = False, **options: Any) -> Callable[[], float]:
    _compile(network, jit)
    return lambda: float(network.fit(**options, verbose=0).history["loss"][0])


def _stepping(network: Any, work: Work, jit: bool = False) -> Callable[[], float]:
    _compile(network, jit)
    batches = list(zip(*(np.split(array, work.batches) for array in rows(work)), strict=True))

    def step(tokens: npt.NDArray[np.int32], labels: Floats) -> float:
        loss = float(network.train_on_batch(tokens, labels))
        network.reset_metrics()
        return loss

    return lambda: float(np.mean([step(*batch) for batch in batches]))
