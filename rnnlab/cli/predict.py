"""``rnnlab predict``: labels of texts or sequences, and their probabilities; or what follows a series."""

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from rnnlab.cli.printing import printing
from rnnlab.project import params
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName

if TYPE_CHECKING:
    from rnnlab.serving.predictors import Predictor


def run(flags: argparse.Namespace) -> None:
    """Predicts texts, the lines of standard input, or a CSV."""
    from rnnlab.serving import predictions

    if flags.csv and flags.texts:
        raise UserError("--csv: give texts or a CSV, not both")
    if bool(flags.csv) != bool(flags.out):
        raise UserError("--csv and --out: name both, the CSV to read and the one to write")
    if flags.csv:
        settings = params.read()
        CSV[settings.task](flags, settings)
        return
    place = "text" if flags.texts else "line"
    lines = iter(flags.texts) if flags.texts else predictions.read_lines(sys.stdin.buffer)
    predictor = _predictor(flags)
    with printing():
        for found in predictions.predict_lines(predictor, lines, place=place):
            every = [f"{label}={probability:.6f}" for label, probability in found.all.items()] if flags.all else []
            cells = [found.label, f"{found.probability:.6f}", found.model_version, *every]
            print("\t".join(cells), flush=not flags.texts)


def _label_csv(flags: argparse.Namespace, settings: Params) -> None:
    from rnnlab.serving import predictions

    data = settings.data
    column = flags.column or data.text_column
    predictions.check_csv(flags.csv, flags.out, column, data.max_megabytes)
    rows = predictions.predict_csv(
        _predictor(flags), flags.csv, flags.out, column, data.max_megabytes, every_label=flags.all
    )
    print(f"{rows} rows predicted into {flags.out}")


def _forecast_csv(flags: argparse.Namespace, settings: Params) -> None:
    from rnnlab.serving import forecasts, predictors

    if flags.model:
        forecaster = forecasts.load_file(flags.model, settings)
    elif flags.run_id:
        forecaster = forecasts.load_run(predictors.open_store(), flags.run_id)
    else:
        forecaster = forecasts.load_champion(predictors.open_store(), settings.promote.name)
    steps = forecasts.forecast_csv(forecaster, settings, flags.csv, flags.out)
    print(f"{steps} {'steps' if steps > 1 else 'step'} forecast into {flags.out}")


def _label_sequences(flags: argparse.Namespace, settings: Params) -> None:
    from rnnlab.serving import sequence_files

    predictor = sequence_files.load_file(flags.model) if flags.model else _logged(flags, "sequences")
    count = sequence_files.label_csv(predictor, settings, flags.csv, flags.out, every_label=flags.all)
    print(f"{count} sequences predicted into {flags.out}")


CSV: dict[TaskName, Callable[[argparse.Namespace, Params], None]] = {
    "text": _label_csv,
    "series": _forecast_csv,
    "sequences": _label_sequences,
}


def _predictor(flags: argparse.Namespace) -> "Predictor":
    from rnnlab.serving import predictors

    if flags.model:
        return predictors.load_file(flags.model, flags.vocabulary, params.read())
    return _logged(flags, "text")


def _logged(flags: argparse.Namespace, task: TaskName) -> "Predictor":
    from rnnlab.serving import predictors

    opened = predictors.open_store()
    if flags.run_id:
        return predictors.load_run(opened, flags.run_id, task)
    return predictors.load_champion(opened, params.read().promote.name, task)
