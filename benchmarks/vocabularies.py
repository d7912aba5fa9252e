"""Turning texts into word ids, with several libraries: each chooses a vocabulary and encodes all texts."""

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import texts

WORDS = 10_000
LENGTH = 200
BATCH = 4096  # texts held in memory as arrays, as in `rnnlab.features.encoding`


def _batches(rows: int, raw: bool = False) -> list[list[str]]:
    import pyarrow as pa

    from rnnlab.features import text

    chosen = texts.texts(rows)
    batches = [chosen[start : start + BATCH] for start in range(0, rows, BATCH)]
    return batches if raw else [text.clean(pa.array(batch, pa.string())).to_pylist() for batch in batches]


def ours(rows: int) -> Callable[[], None]:
    """Encodes like the stage tokenize_pad, with texts that ingest has cleaned."""
    return _ours(rows, raw=False)


def ours_raw(rows: int) -> Callable[[], None]:
    """Also cleans the texts: entities, markup, composed characters."""
    return _ours(rows, raw=True)


def _ours(rows: int, raw: bool) -> Callable[[], None]:
    import pyarrow as pa

    from rnnlab.features import text
    from rnnlab.project import params

    batches = [pa.array(batch, pa.string()) for batch in _batches(rows, raw)]
    options = params.read().tokenize_pad.model_copy(update={"max_length": LENGTH})

    def repeat() -> None:
        cleaned = [text.clean(batch) for batch in batches] if raw else batches
        vocabulary = text.fit_vocabulary(text.count_words(cleaned), WORDS, options.oov_token)
        for batch in cleaned:
            text.encode(batch, vocabulary, options)

    return repeat


def keras_layer(rows: int) -> Callable[[], None]:
    """TextVectorization as notebooks use it: lower case, no punctuation."""
    from rnnlab.networks.keras_import import importing_keras

    with importing_keras():
        import keras
        import tensorflow as tf
    batches = [tf.constant(batch) for batch in _batches(rows)]

    def repeat() -> None:
        layer = keras.layers.TextVectorization(max_tokens=WORDS, output_sequence_length=LENGTH)
        layer.adapt(
            tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=tf.TensorSpec((None,), tf.string))
        )
        for batch in batches:
            np.asarray(layer(batch))

    return repeat


def hugging_face(rows: int) -> Callable[[], None]:
    """A word-level tokenizer in Rust, on all cores."""
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, trainers

    batches = _batches(rows)

    def repeat() -> None:
        tokenizer = tokenizers.Tokenizer(models.WordLevel(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.Lowercase()
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        special = ["[PAD]", "[UNK]"]
        trainer = trainers.WordLevelTrainer(vocab_size=WORDS, special_tokens=special, show_progress=False)
        tokenizer.train_from_iterator((text for batch in batches for text in batch), trainer)
        tokenizer.enable_padding(length=LENGTH, direction="left")
        tokenizer.enable_truncation(LENGTH, direction="left")
        for batch in batches:
            np.array([encoded.ids for encoded in tokenizer.encode_batch_fast(batch)], np.int32)

    return repeat


def scikit_learn(rows: int) -> Callable[[], None]:
    """CountVectorizer, which returns counts instead of sequences."""
    from sklearn.feature_extraction.text import CountVectorizer

    batches = _batches(rows)

    def repeat() -> None:
        vectorizer: Any = CountVectorizer(max_features=WORDS).fit(text for batch in batches for text in batch)
        for batch in batches:
            vectorizer.transform(batch)

    return repeat
