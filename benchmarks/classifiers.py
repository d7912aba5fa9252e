"""Classifying raw texts with a network: our way, and that of a notebook."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import networks, texts
from benchmarks.work import Work

WORK = Work("lstm", batch=64, length=200, units=128, batches=1)
VOCABULARY_TEXTS = 2000


def ours(count: int) -> Callable[[], None]:
    """Classifies like `rnnlab predict` and the served model."""
    import pyarrow as pa

    from rnnlab.features import text
    from rnnlab.project import params
    from rnnlab.serving.classifier import Classifier

    options = params.read().tokenize_pad.model_copy(update={"max_length": WORK.length})
    counts = text.count_words([text.clean(pa.array(texts.texts(VOCABULARY_TEXTS), pa.string()))])
    vocabulary = text.fit_vocabulary(counts, WORK.words, options.oov_token)
    classifier = Classifier(networks.keras_model(WORK, mask=True), vocabulary, options, ("negative", "positive"))
    chosen = texts.texts(count)

    def repeat() -> None:
        classifier.classify(chosen)

    return repeat


def stock(count: int) -> Callable[[], None]:
    """Classifies with Keras' layer for texts and `predict`."""
    network: Any = networks.keras_model(WORK, mask=True)
    import keras
    import tensorflow as tf

    layer = keras.layers.TextVectorization(max_tokens=WORK.words, output_sequence_length=WORK.length)
    layer.adapt(texts.texts(VOCABULARY_TEXTS))
    chosen = texts.texts(count)

    def repeat() -> None:
        np.asarray(network.predict(layer(tf.constant(chosen)), batch_size=256, verbose=0) >= 0.5)

    return repeat
