"""The networks: an embedding, a recurrent cell, one output unit. Between rivals only the cell differs."""

import re
import zipfile
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.errors import UserError
from rnnlab.files import replacing
from rnnlab.params import Model

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}


def set_seed(seed: int) -> None:
    """Seeds the draw of weights, dropout and shuffling, for all of Keras."""
    keras.utils.set_random_seed(seed)


def build(params: Model, vocabulary_size: int, max_length: int) -> keras.Model:
    """Builds a binary classifier of word-id sequences.

    Args:
        params: the cell and the sizes.
        vocabulary_size: word ids run from 0 (padding) to this minus one.
        max_length: time steps.

    Returns:
        A network from int32 (rows, max_length) to the probability of the positive class, float32 (rows, 1). Its
        weights are drawn from Keras' global seed.
    """
    averages = params.pooling == "mean"
    layers = [
        keras.Input((max_length,), dtype="int32", name="tokens"),
        keras.layers.Embedding(vocabulary_size, params.embedding_dim, mask_zero=params.mask, name="embedding"),
        keras.layers.SpatialDropout1D(params.embedding_dropout, name="embedding_dropout"),
        CELLS[params.cell](params.units, return_sequences=averages, name="recurrent"),
        *([keras.layers.GlobalAveragePooling1D(name="mean")] if averages else []),
        keras.layers.Dropout(params.dropout, name="dropout"),
        keras.layers.Dense(1, activation="sigmoid", name="probability"),
    ]
    return keras.Sequential(layers, name=params.cell)


def save(model: keras.Model, target: Path) -> None:
    """Writes a ``.keras`` file whose bytes depend on the architecture and the weights alone.

    Keras' own file also holds the time of saving, the optimizer, memory addresses and zip dates; those are left out,
    so that a forced rerun gives DVC the same hash.
    """
    uncompiled = keras.Sequential.from_config(model.get_config())
    uncompiled.set_weights(model.get_weights())
    with replacing(target) as temporary:
        uncompiled.save(temporary)
        _make_canonical(temporary)


def _make_canonical(archive: Path) -> None:
    with zipfile.ZipFile(archive) as source:
        members = {name: source.read(name) for name in sorted(source.namelist())}
    members["metadata.json"] = b'{"keras_version": "%s"}' % keras.__version__.encode()
    members["config.json"] = _renumber_shared_objects(members["config.json"])
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for name, content in members.items():
            target.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), content)


def _renumber_shared_objects(config: bytes) -> bytes:
    """Replaces the memory addresses by which Keras marks shared objects with 0, 1, …: the same is still the same."""
    numbers: dict[bytes, bytes] = {}
    return re.sub(
        rb'(?<="shared_object_id": )\d+',
        lambda address: numbers.setdefault(address[0], str(len(numbers)).encode()),
        config,
    )


def load(source: Path) -> keras.Model:
    """Loads a ``.keras`` file in Keras' safe mode.

    Raises:
        UserError: the file is missing or damaged.
    """
    try:
        model: keras.Model = keras.models.load_model(source, compile=False, safe_mode=True)
    except Exception as damage:  # Keras wraps a bad archive in any of a dozen types
        raise UserError(f"{source}: not a model that Keras can load ({damage}); `dvc repro` makes it again") from None
    return model


def predict(model: keras.Model, tokens: npt.NDArray[np.int32], batch_size: int) -> npt.NDArray[np.float32]:
    """Gives the probability of the positive class, float32 of shape (rows,), for ids of shape (rows, max_length)."""
    probabilities: npt.NDArray[np.float32] = model.predict(np.asarray(tokens), batch_size=batch_size, verbose=0)
    return probabilities[:, 0]
