"""``rnnlab predict``: the label and probability of texts."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlab.cli.common import Verbs, printing
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError

if TYPE_CHECKING:
    from rnnlab.serving.predictors import Predictor


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("predict", help="label texts, lines of standard input, or the rows of a CSV")
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="without any, each line of standard input")
    parser.add_argument("--csv", type=Path, metavar="IN", help="a CSV with a column of texts")
    parser.add_argument("--out", type=Path, metavar="OUT", help="the CSV to write: the columns of IN and three more")
    parser.add_argument("--column", help="the column of texts; data.text_column of params.yaml by default")
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--run", dest="run_id", metavar="RUN", help="the id of an MLflow run, instead of the champion")
    model.add_argument(
        "--model", type=Path, metavar="FILE", help="a .keras file of this workspace, instead of the champion"
    )
    parser.add_argument("--vocabulary", type=Path, default=layout.VOCABULARY, help="the vocabulary of that file")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Predicts texts, the lines of standard input, or a CSV."""
    if flags.csv and flags.texts:
        raise UserError("--csv: give texts or a CSV, not both")
    if bool(flags.csv) != bool(flags.out):
        raise UserError("--csv and --out: name both, the CSV to read and the one to write")
    if flags.csv:
        _predict_csv(flags)
    else:
        _predict_texts(flags)


def _predict_texts(flags: argparse.Namespace) -> None:
    """Prints the label, probability and model version of each text."""
    from rnnlab.serving import predictions

    place = "text" if flags.texts else "line"
    lines = iter(flags.texts) if flags.texts else predictions.read_lines(sys.stdin.buffer)
    predictor = _predictor(flags)
    with printing():
        for found in predictions.predict_lines(predictor, lines, place=place):
            print(f"{found.label}\t{found.probability:.6f}\t{found.model_version}", flush=not flags.texts)


def _predict_csv(flags: argparse.Namespace) -> None:
    """Writes a CSV with predictions beside each row."""
    from rnnlab.serving import predictions

    data = params.read().data
    column = flags.column or data.text_column
    predictions.check_csv(flags.csv, flags.out, column, data.max_megabytes)
    rows = predictions.predict_csv(_predictor(flags), flags.csv, flags.out, column, data.max_megabytes)
    print(f"{rows} rows predicted into {flags.out}")


def _predictor(flags: argparse.Namespace) -> "Predictor":
    """Loads the model of a file or of an MLflow run, else the champion."""
    from rnnlab.serving import predictors

    if flags.model:
        return predictors.load_file(flags.model, flags.vocabulary, params.read())
    opened = predictors.open_store()
    if flags.run_id:
        return predictors.load_run(opened, flags.run_id)
    return predictors.load_champion(opened, params.read().promote.name)
