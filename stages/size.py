"""Parameters, and training rows if time is matched → how many units each network gets."""

import os

from rnnlab.networks import sizes
from rnnlab.networks.keras_import import importing_keras, thread_variables
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, replacing, write_json
from rnnlab.project.params import Params


def main() -> None:
    """Solves for the units of the networks in ``compare``, as ``match`` asks."""
    settings = params.read()
    units = _measured(settings) if settings.match == "time" else sizes.solve(settings)
    with replacing(layout.SIZES) as folder:
        folder.mkdir()
        for name, number in units.items():
            count = sizes.recurrent_parameters(settings.task, settings.models[name], number)
            write_json(folder / layout.size(name).name, {"units": number, "recurrent_parameters": count})


def _measured(settings: Params) -> dict[str, int]:
    from rnnlab.features.arrays import read_examples  # needed to match time alone, as is Keras

    threads = {sizes.step_options(settings, name).threads for name in settings.compare}
    if len(threads) > 1:
        raise UserError("match: time needs the same train.threads for all models in compare; they differ")
    rows, vocabulary_size = read_examples(layout.TRAIN, settings.task), len(read_json(layout.VOCABULARY))
    os.environ |= thread_variables(threads.pop())
    with importing_keras():
        from rnnlab.networks import speeds
    return speeds.solve(settings, rows, vocabulary_size)


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
