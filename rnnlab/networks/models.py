"""The networks: input, recurrent layers, pooling, head. The networks that are compared differ in their cell alone."""

import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Examples, count_labels
from rnnlab.networks import archives, bigrams, cells
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing
from rnnlab.project.sections.kinds import AUTO
from rnnlab.project.sections.networks import Model
from rnnlab.project.tasks import TaskName

# Padding is cut off in multiples of this many steps, since XLA compiles a network again for each new length.
STRIDE = 64
FORECAST = "value"  # name of the output layer
RECURRENT = "recurrent"  # names of recurrent layers begin with it


@keras.saving.register_keras_serializable(package="rnnlab")
class MaskedMax(keras.layers.Layer):
    """The largest value of each channel over the steps that are not padding; Keras' own maximum ignores masks."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools (rows, steps, channels) to (rows, channels); a row of padding alone becomes zeros."""
        if mask is None:
            return keras.ops.max(inputs, axis=1)
        kept = keras.ops.expand_dims(mask, -1)
        largest = keras.ops.max(keras.ops.where(kept, inputs, -np.inf), axis=1)
        return keras.ops.where(keras.ops.any(kept, axis=1), largest, 0.0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Returns no mask: no steps are left."""


@keras.saving.register_keras_serializable(package="rnnlab")
class MaskedMeanMax(MaskedMax):
    """The mean and the largest value of each channel over the steps that are not padding, side by side."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._mean = keras.layers.GlobalAveragePooling1D()

    def get_config(self) -> dict[str, Any]:
        """Adds the name, which Keras omits for a layer with an ``__init__`` and no configuration of its own."""
        return {**super().get_config(), "name": self.name}

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools (rows, steps, channels) to (rows, 2 · channels)."""
        return keras.ops.concatenate([self._mean(inputs, mask=mask), super().call(inputs, mask)], axis=1)


@keras.saving.register_keras_serializable(package="rnnlab")
class MaskedSqrtnMax(MaskedMax):
    """The sum of each channel divided by the root of the number of steps, and the largest value, side by side.

    Steps that do not depend on each other add up to as much in a long text as in a short one; a mean would shrink.
    """

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Pools (rows, steps, channels) to (rows, 2 · channels)."""
        used = keras.ops.ones_like(inputs[..., :1]) if mask is None else keras.ops.cast(mask[..., None], inputs.dtype)
        roots = keras.ops.sqrt(keras.ops.maximum(keras.ops.sum(used, axis=1), 1.0))
        sums = keras.ops.sum(inputs * used, axis=1) / roots
        return keras.ops.concatenate([sums, super().call(inputs, mask)], axis=1)


@keras.saving.register_keras_serializable(package="rnnlab")
class Change(keras.Sequential):
    """Layers that learn by how much a series changes: what they say is added to the last value of the window."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Maps (rows, window, channels), the values first, to (rows, horizon)."""
        return super().call(inputs, training=training, mask=mask) + inputs[:, -1, :1]


POOLINGS = {
    "mean": keras.layers.GlobalAveragePooling1D,
    "max": MaskedMax,
    "mean_max": MaskedMeanMax,
    "sqrtn_max": MaskedSqrtnMax,
}


def build(task: TaskName, params: Model, vocabulary_size: int, rows: Examples) -> keras.Sequential:
    """Builds the network of a task for rows like its training rows, from Keras' global seed."""
    return BUILDERS[task](params, vocabulary_size, rows)


def build_classifier(
    params: Model, vocabulary_size: int, max_length: int, labels: int = 2, channels: int = 0
) -> keras.Sequential:
    """Builds a classifier of sequences of word ids from 0 (padding) to ``vocabulary_size`` - 1, or of numbers.

    It maps int32 (rows, max_length), or float32 (rows, max_length, channels) if there are channels, to float32: the
    probability of the second of two labels, (rows, 1), or a logit of each label, (rows, labels). Its weights are drawn
    from Keras' global seed.

    Raises:
        UserError: its output is for two labels, and there are more.
    """
    if params.output == "sigmoid" and labels > 2:
        raise UserError(f"params.yaml: models: output: sigmoid is for two labels, the data have {labels:,}; set auto")
    is_single = params.output == "sigmoid" or (params.output == AUTO and labels == 2)
    layers = [
        *(_numbers(params, max_length, channels) if channels else _words(params, vocabulary_size, max_length)),
        *_recurrent(params),
        *([POOLINGS[params.pooling](name="pooling")] if params.pooling != "last" else []),
        *_head(params),
        keras.layers.Dense(1, activation="sigmoid", name="probability")
        if is_single
        else keras.layers.Dense(labels, name="logits"),
    ]
    return _begun(keras.Sequential(layers, name=params.cell), params)


def _words(params: Model, vocabulary_size: int, max_length: int) -> list[keras.Layer]:
    return [
        keras.Input((max_length,), dtype="int32", name="tokens"),
        _embedding(params, vocabulary_size),
        keras.layers.Dropout(params.word_dropout, noise_shape=(None, None, 1), name="word_dropout"),
        keras.layers.SpatialDropout1D(params.embedding_dropout, name="embedding_dropout"),
    ]


def _embedding(params: Model, vocabulary_size: int) -> keras.layers.Embedding:
    sizes = (vocabulary_size, params.embedding_dim)
    if params.bigrams:
        return bigrams.BigramEmbedding(*sizes, params.bigrams, mask_zero=params.mask, name="embedding")
    return keras.layers.Embedding(*sizes, mask_zero=params.mask, name="embedding")


def _numbers(params: Model, max_length: int, channels: int) -> list[keras.Layer]:
    masking = [keras.layers.Masking(0.0, name="masking")] if params.mask else []
    return [keras.Input((max_length, channels), name="steps"), *masking]


def masks_padding(model: keras.Model) -> bool:
    """Returns whether a network skips padding, the steps that are 0 in every channel."""
    first = model.layers[0]
    return isinstance(first, keras.layers.Masking) or getattr(first, "mask_zero", False)


def build_forecaster(params: Model, window: int, channels: int = 1, horizon: int = 1) -> keras.Sequential:
    """Builds a network from the last rows of a series to its next values, all at once.

    It maps float32 (rows, window, channels) to float32 (rows, horizon).
    """
    layers = [keras.Input((window, channels), name="values"), *_recurrent(params), *_head(params)]
    kind = Change if params.residual else keras.Sequential
    return _begun(kind([*layers, keras.layers.Dense(horizon, name=FORECAST)], name=params.cell), params)


def _begun(model: keras.Sequential, params: Model) -> keras.Sequential:
    """Sets biases that depend on the number of steps; not by an initializer, so that Keras alone can load the file."""
    if params.init == "chrono":
        for layer in model.layers:
            if layer.name.startswith(RECURRENT):
                cells.set_time_scales(layer, model.input_shape[1])
    return model


def _build_reader(params: Model, vocabulary_size: int, rows: Examples) -> keras.Sequential:
    """Builds a classifier of texts, whose embedding is fitted to the training rows where its options ask for that."""
    model = build_classifier(params, vocabulary_size, rows[0].shape[1], count_labels(rows[1]))
    bigrams.prepare(model.layers[0], rows, params.nb_channels)
    return model


BUILDERS: dict[TaskName, Callable[[Model, int, Examples], keras.Sequential]] = {
    "text": _build_reader,
    "series": lambda params, words, rows: build_forecaster(
        params, rows[0].shape[1], rows[0].shape[2], rows[1].shape[1]
    ),
    "sequences": lambda params, words, rows: build_classifier(
        params, words, rows[0].shape[1], count_labels(rows[1]), channels=rows[0].shape[2]
    ),
}


def _recurrent(params: Model) -> list[keras.Layer]:
    """Stacks recurrent layers; the last one returns its final state alone, unless its states are pooled."""
    stack = []
    for number in range(1, params.layers + 1):
        name = RECURRENT if params.layers == 1 else f"{RECURRENT}_{number}"
        every_step = number < params.layers or params.pooling != "last"
        layer = cells.layer(params, every_step, name)
        stack.append(keras.layers.Bidirectional(layer, name=name) if params.bidirectional else layer)
    return stack


def _head(params: Model) -> list[keras.Layer]:
    dense = [keras.layers.Dense(params.dense, activation="relu", name="dense")] if params.dense else []
    return [*dense, keras.layers.Dropout(params.dropout, name="dropout")]


def save(model: keras.Model, target: Path, weights: list[npt.NDArray[np.float32]] | None = None) -> None:
    """Writes a ``.keras`` file whose bytes depend on the architecture and the weights alone.

    With ``weights``, it has those instead of the model's own, which is not changed.

    Keras' own file also holds the time of saving, the optimizer, memory addresses and zip dates; they are left out, so
    that DVC sees the same hash after a forced rerun.
    """
    uncompiled = type(model).from_config(model.get_config())
    uncompiled.set_weights(model.get_weights() if weights is None else weights)
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
    """Replaces the memory addresses that identify shared objects in Keras' file with 0, 1, …"""
    numbers: dict[bytes, bytes] = {}

    def number(address: re.Match[bytes]) -> bytes:
        return numbers.setdefault(address[0], b"%d" % len(numbers))

    return re.sub(rb'(?<="shared_object_id": )\d+', number, config)


def load(source: Path, cell: Path | None = None) -> keras.Model:
    """Loads a ``.keras`` file in Keras' safe mode, which runs no code from the file.

    A cell that is not one of ours is that of the file ``cell``, if that has its name, or of the project.

    Raises:
        UserError: the file is missing, damaged or not a ``.keras`` file.
    """
    return next(load_each([source], cell))


def load_each(sources: Iterable[Path], cell: Path | None = None) -> Iterator[keras.Model]:
    """Loads networks one by one; those that differ in weights alone share one Keras model, which is built once.

    Raises:
        UserError: as `load` does.
    """
    built: dict[bytes, keras.Model] = {}
    for source in sources:
        try:
            config = archives.check(source, cell)
            if config in built:
                built[config].load_weights(source)
            else:
                built[config] = keras.models.load_model(source, compile=False, safe_mode=True)
        except MemoryError:
            raise
        except Exception as damage:  # Keras raises any of a dozen types for a bad archive
            problem = f"not a model that Keras can load ({damage}); `dvc repro` makes it again"
            raise UserError(f"{source}: {problem}") from None
        yield built[config]
