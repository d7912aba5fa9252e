"""How many units networks get that are compared at one size; what is measured for it is in `rnnlab.networks.speeds`."""

from bisect import bisect_left
from collections.abc import Callable

from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.networks import Model, Training
from rnnlab.project.tasks import TaskName

GATES = {"simple_rnn": (1, 1), "lstm": (4, 1), "gru": (3, 2)}  # of each cell, and the biases of a unit in each gate
# What the first layer reads at each step, by a network's options and the numbers that a step of the data has.
CHANNELS: dict[TaskName, Callable[[Model, int], int]] = {
    "text": lambda model, channels: model.embedding_dim,
    "series": lambda model, channels: channels,
    "sequences": lambda model, channels: channels,
}
TOLERANCE = 0.02  # of the parameters of the largest network
WIDEST = 100_000  # units that params.yaml allows
STEP = 4  # units; the seconds of fewer cannot be told apart
# Options that a step's time does not depend on. The rate is low, since a network that diverges may be slower.
UNTIMED = {
    "epochs": 1,
    "learning_rate": 1e-6,
    "schedule": "constant",
    "patience": 1,
    "keep": "last",
    "class_weights": "none",
}


def recurrent_parameters(task: TaskName, model: Model, units: int, channels: int = 1) -> int:
    """Counts the weights of all recurrent layers of a network, in both directions, if it has so many units.

    ``channels`` are those of a step of the data.
    """
    directions = 2 if model.bidirectional else 1
    read = [CHANNELS[task](model, channels), *[directions * units] * (model.layers - 1)]
    if model.cell not in GATES:
        with importing_keras():  # needed for cells of others alone
            from rnnlab.networks import cells
        return directions * sum(cells.count(cells.find(model.cell), units, inputs) for inputs in read)
    gates, biases = GATES[model.cell]
    return directions * gates * units * sum(inputs + units + biases for inputs in read)


def solve(settings: Params, channels: int = 1) -> dict[str, int]:
    """Returns the units of each network in `compare`, by name, for the ``match`` none or parameters.

    The largest network keeps its own; each other one gets the number that brings its recurrent parameters closest.
    ``channels`` are those of a step of the data.

    Raises:
        UserError: no number of units comes within `TOLERANCE`.
    """
    own = {name: settings.models[name].units for name in settings.compare}
    if settings.match == "none":
        return own
    counts = {name: recurrent_parameters(settings.task, settings.models[name], own[name], channels) for name in own}
    largest = max(counts, key=counts.__getitem__)
    others = [name for name in own if name != largest]
    return own | {name: _solve_one(settings, name, largest, counts[largest], channels) for name in others}


def _solve_one(settings: Params, name: str, largest: str, wanted: int, channels: int) -> int:
    def count(units: int) -> int:
        return recurrent_parameters(settings.task, settings.models[name], units, channels)

    below = bisect_left(range(1, WIDEST + 1), wanted, key=count)
    units = min(max(below, 1), min(below + 1, WIDEST), key=lambda units: abs(count(units) - wanted))
    if abs(count(units) - wanted) > TOLERANCE * wanted:
        raise UserError(
            f"match: no number of units gives {name} as many recurrent parameters as {largest} has ({wanted:,}), within"
            f" {100 * TOLERANCE:g} %: {units:,} is closest and gives {count(units):,}; change models.{largest}.units"
        )
    return units


def step_options(settings: Params, name: str) -> Training:
    """Returns how a model is trained, as far as the time of a step depends on it."""
    train = settings.train
    shared = {
        "batch_size": train.batch_size,
        "clip_norm": train.clip_norm,
        "ema_momentum": train.ema_momentum,
        "engine": train.engine,
        "threads": train.threads,
    }
    return Training(**(shared | settings.models[name].train | UNTIMED))


def search(ratio: Callable[[int], float], units: int) -> int:
    """Finds the units for which a ratio that grows with them is closest to 1: doubles them, then bisects.

    Args:
        ratio: by units, from ``units`` on; asked once for each number.
        units: where to begin; they are kept if the ratio is above 1 there.
    """
    ratios = {units: ratio(units)}
    low = high = units
    while ratios[high] < 1:
        low, high = high, 2 * high
        ratios[high] = ratio(high)
    while high - low > STEP:
        middle = low + max(STEP, (high - low) // 2 // STEP * STEP)
        ratios[middle] = ratio(middle)
        low, high = (middle, high) if ratios[middle] < 1 else (low, middle)
    return min(low, high, key=lambda units: abs(ratios[units] - 1))
