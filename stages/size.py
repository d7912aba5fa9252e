"""Parameters, and training rows if time is matched → how many units each network gets."""

import os
from collections.abc import Callable

from rnnlab.features.arrays import load_sequences, load_windows, read_examples
from rnnlab.networks import sizes
from rnnlab.networks.keras_import import importing_keras, thread_variables
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, replacing, write_json
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName


def main() -> None:
    """Solves for the units of the networks in ``compare``, as ``match`` asks."""
    settings = params.read()
    channels = CHANNELS[settings.task]()
    units = _measured(settings) if settings.match == "time" else sizes.solve(settings, channels)
    with replacing(layout.SIZES) as folder:
        folder.mkdir()
        for name, number in units.items():
            count = sizes.recurrent_parameters(settings.task, settings.models[name], number, channels)
            write_json(folder / layout.size(name).name, {"units": number, "recurrent_parameters": count})


# The numbers that a step of the data has: of a text the id of its word.
CHANNELS: dict[TaskName, Callable[[], int]] = {
    "text": lambda: 1,
    "series": lambda: load_windows(layout.TRAIN).inputs.shape[2],
    "sequences": lambda: load_sequences(layout.TRAIN).inputs.shape[2],
}


def _measured(settings: Params) -> dict[str, int]:
    threads = {sizes.step_options(settings, name).threads for name in settings.compare}
    if len(threads) > 1:
        raise UserError("match: time needs the same train.threads for all models in compare; they differ")
    rows = read_examples(layout.TRAIN, settings.task)
    os.environ |= thread_variables(threads.pop())
    with importing_keras():  # needed to match time alone
        from rnnlab.networks import speeds
    return speeds.solve(settings, rows, len(read_json(layout.VOCABULARY)))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
