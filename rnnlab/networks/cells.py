"""Recurrent cells: Keras' own layers, and those of others, which compute one step and which Keras runs over time."""

import functools
import math
import random
from pathlib import Path
from typing import Any

import keras
import numpy as np

from rnnlab.project import plugins
from rnnlab.project.errors import UserError
from rnnlab.project.plugins import Plugin
from rnnlab.project.sections.kinds import CELLS as KIND
from rnnlab.project.sections.networks import Model

CELLS = {"simple_rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}
REGISTERED = f"{KIND}>"  # before the name of a cell of others, in a network's file
ROWS, INPUTS, UNITS = 2, 5, 3  # of a trial
SMALL = 0.001  # standard deviation of the input weights that Le et al. begin with


def layer(params: Model, every_step: bool, name: str) -> keras.Layer:
    """Builds a recurrent layer that returns its last state, or that of every step.

    By ``init``, an LSTM begins without the bias of 1 that keeps its forget gate open (Jozefowicz et al. 2015, "An
    empirical exploration of recurrent network architectures"), or a SimpleRNN as an IRNN does, by repeating its state:
    with ReLU, the identity as its recurrent weights, and small input weights (Le et al. 2015, "A simple way to
    initialize recurrent networks of rectified linear units"). For ``chrono`` see `set_time_scales`.

    Raises:
        UserError: the cell is not one of ours, and does not work.
    """
    rates = {"dropout": params.input_dropout, "recurrent_dropout": params.recurrent_dropout}
    if params.cell in CELLS:
        return CELLS[params.cell](params.units, return_sequences=every_step, name=name, **rates, **_beginning(params))
    # A cell need not know dropout that nobody asks for.
    step = cell(find(params.cell), params.units, **{key: rate for key, rate in rates.items() if rate})
    return keras.layers.RNN(step, return_sequences=every_step, name=name)


def _beginning(params: Model) -> dict[str, Any]:
    if params.init == "no_forget_bias":
        return {"unit_forget_bias": False}
    if params.init == "identity":
        small = keras.initializers.RandomNormal(stddev=SMALL)
        return {"activation": "relu", "recurrent_initializer": "identity", "kernel_initializer": small}
    return {}


def set_time_scales(layer: keras.Layer, steps: int) -> None:
    """Draws the biases with which gates forget over time scales from 2 steps to the length of a sequence.

    Tallec & Ollivier 2018, "Can recurrent neural networks warp time?": the forget gates of an LSTM begin with a bias of
    log(u), u uniform between 1 and T - 1, its input gates with the negative of that; the update gates of a GRU, which
    keep the state, with log(u) alone. T is the largest number of steps that something may have to be remembered for.

    Args:
        layer: an LSTM or a GRU of Keras, with weights, or one of both directions.
        steps: T.
    """
    if isinstance(layer, keras.layers.Bidirectional):
        set_time_scales(layer.forward_layer, steps)
        set_time_scales(layer.backward_layer, steps)
        return
    units = layer.units
    scales = keras.initializers.RandomUniform(1.0, max(steps - 1.0, 1.0))((units,))
    logs, bias = np.log(keras.ops.convert_to_numpy(scales)), keras.ops.convert_to_numpy(layer.cell.bias).copy()
    if isinstance(layer, keras.layers.LSTM):
        bias[:units], bias[units : 2 * units] = -logs, logs
    else:
        bias[0, :units] = logs  # the first of two biases that are added
    layer.cell.bias.assign(bias)


def find(name: str, file: Path | None = None) -> Plugin:
    """Returns the code of a cell: that file, if it has the cell's name, or that which the project or a package has.

    Raises:
        UserError: there is none.
    """
    if file and file.stem == name:
        return Plugin(KIND, name, file)
    return plugins.get(KIND, name)


def cell(plugin: Plugin, units: int, **options: Any) -> keras.Layer:
    """Makes a cell of others, under a name of its own in a network's file.

    Raises:
        UserError: it does not work.
    """
    kind = _kind(plugin, plugin.version)
    # Of two versions of a cell, Keras loads networks with that which was registered last.
    keras.saving.register_keras_serializable(KIND, plugin.name)(kind)
    return _make(plugin, kind, units, **options)


def count(plugin: Plugin, units: int, inputs: int) -> int:
    """Counts the weights of a cell of others by building it, without making them: there could be very many."""
    return _count(plugin, _kind(plugin, plugin.version), units, inputs)


@functools.lru_cache(maxsize=32)
def _kind(plugin: Plugin, version: str) -> Any:
    """Loads the class of a cell and tries it out; the random numbers that weights are drawn from stay the same."""
    kind = plugin.load(lambda each: isinstance(each, type) and issubclass(each, keras.Layer), "Keras layers")
    state = random.getstate()
    try:
        _try(plugin, kind)
    finally:
        random.setstate(state)
    return kind


def _make(plugin: Plugin, kind: Any, units: int, **options: Any) -> keras.Layer:
    given = "".join(f", {key}={value:g}" for key, value in options.items())
    with plugins.blaming(plugin, f"{kind.__name__}(units={units}, name={plugin.name!r}{given})"):
        return kind(units=units, name=plugin.name, **options)


def _count(plugin: Plugin, kind: Any, units: int, inputs: int) -> int:
    sizes: list[int] = []

    class Counted(kind):
        def add_weight(self, shape: tuple[int, ...] = (), *options: Any, **named: Any) -> None:
            sizes.append(math.prod(shape))

    counted = _make(plugin, Counted, units)
    with plugins.blaming(plugin, "build"):
        counted.build((None, inputs))
    return sum(sizes)


def _try(plugin: Plugin, kind: Any) -> None:
    """Has a small cell read one step.

    Raises:
        UserError: it raises, its shapes are wrong, or it has weights that are not counted.
    """
    step = _make(plugin, kind, UNITS)
    if not hasattr(step, "state_size"):
        raise UserError(f"{plugin.place}: {kind.__name__} has no state_size; expected a cell, which computes one step")
    with plugins.blaming(plugin, "a step"):
        states = keras.layers.RNN(step).get_initial_state(ROWS)
        answer = step(np.ones((ROWS, INPUTS), np.float32), states)
        is_pair = isinstance(answer, tuple) and len(answer) == 2
        shapes = [tuple(each.shape) for each in keras.tree.flatten(answer)] if is_pair else []
    expected = [(ROWS, UNITS), *(tuple(each.shape) for each in states)]
    if shapes != expected:
        raise UserError(f"{plugin.place}: a step of {UNITS} units returns shapes {shapes}; expected {expected}")
    with plugins.blaming(plugin, "get_config"):
        config = step.get_config()
        again = kind.from_config(config).get_config()
    if again != config or (config.get("units"), config.get("name")) != (UNITS, plugin.name):
        raise UserError(f"{plugin.place}: get_config does not return all that {kind.__name__} is made with")
    if _count(plugin, kind, UNITS, INPUTS) != step.count_params():
        raise UserError(f"{plugin.place}: makes weights elsewhere than by self.add_weight, so they cannot be counted")
