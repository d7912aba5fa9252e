"""Parameters and training rows → how many units each network gets."""

import os

from rnnlab.features.arrays import Examples, read_examples
from rnnlab.networks import sizes
from rnnlab.networks.keras_import import importing_keras, thread_variables
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError, exit_status
from rnnlab.project.files import read_json, replacing, write_json
from rnnlab.project.params import Params


def main() -> None:
    """Solves for the units of the networks in ``compare``, as ``match`` asks."""
    settings = params.read()
    rows = read_examples(layout.TRAIN, settings.task)
    channels = rows[0].shape[-1] if rows[0].ndim > 2 else 1
    units = _measured(settings, rows) if settings.match == "time" else sizes.solve(settings, channels)
    with replacing(layout.SIZES) as folder:
        folder.mkdir()
        for name, number in units.items():
            count = sizes.recurrent_parameters(settings.task, settings.models[name], number, channels)
            write_json(folder / layout.size(name).name, {"units": number, "recurrent_parameters": count})


def _measured(settings: Params, rows: Examples) -> dict[str, int]:
    threads = {sizes.step_options(settings, name).threads for name in settings.compare}
    if len(threads) > 1:
        raise UserError("match: time needs the same train.threads for all models in compare; they differ")
    os.environ |= thread_variables(threads.pop())
    with importing_keras():  # needed to match time alone
        from rnnlab.networks import speeds
    return speeds.solve(settings, rows, len(read_json(layout.VOCABULARY)))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
