"""Commands outside the pipeline; `rnnlab COMMAND --help` explains each."""

import argparse
import math
import os
import re
import shutil
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from rnnlab.cli import drift, experiments, new, pages, predict, promote, results, sweep, transfer, tune, use
from rnnlab.cli import run as pipeline
from rnnlab.cli.printing import printing
from rnnlab.project import layout
from rnnlab.project.errors import exit_status

Verbs: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
NAME = "workspace, an experiment, a revision or an MLflow run"
TABLES = "print Markdown tables"
JOBS = "trainings at a time; as many as there are processors by default"


def run() -> int:
    """Runs the console command and returns its exit status."""
    return exit_status(main)


def main() -> None:
    """Parses the command line and runs the verb."""
    with printing():  # of help
        flags = parser().parse_args()
    if shutil.which("dvc") is None:  # this environment's scripts have it, and the Python of its stages
        os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))
    flags.run(flags)


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all verbs; each sets ``run``, the function to call with the parsed flags."""
    made = argparse.ArgumentParser(prog="rnnlab", description=__doc__)
    verbs = made.add_subparsers(required=True, metavar="COMMAND")
    _add_projects(verbs)
    _add_results(verbs)
    _add_pages_and_models(verbs)
    _add_trainings(verbs)
    return made


def _size(text: str) -> float:
    """Parses a positive number."""
    if not 0 < (number := float(text)) < math.inf:
        raise ValueError(text)
    return number


def _count(text: str) -> int:
    """Parses a whole number from 1 on."""
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def _name(text: str) -> str:
    """Parses what may become the name of a file and of an experiment."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,60}", text):
        raise argparse.ArgumentTypeError(f"{text!r} must be small letters, digits and hyphens")
    return text


def _verb(verbs: Verbs, name: str, run: Callable[[argparse.Namespace], None], purpose: str) -> argparse.ArgumentParser:
    verb = verbs.add_parser(name, help=purpose)
    verb.set_defaults(run=run)
    return verb


def _add_results(verbs: Verbs) -> None:
    show = _verb(verbs, "results", results.show, "show the comparison of the last run")
    compare = _verb(verbs, "compare", results.compare, "show results side by side")
    compare.add_argument("names", nargs="+", metavar="NAME", help=NAME)
    power = _verb(verbs, "power", results.power, "how many seeds or rows it takes to see a difference")
    power.add_argument(
        "--difference", type=_size, metavar="SIZE", help="in points of accuracy; intervals.margin by default"
    )
    for verb in (show, compare, power):
        verb.add_argument(
            "--markdown", dest="style", action="store_const", const="github", default="simple", help=TABLES
        )
    verb = _verb(verbs, "drift", drift.run, "check whether the workspace is worse than a committed result")
    verb.add_argument("revision", nargs="?", default="HEAD", help="the commit to compare with; HEAD by default")
    verb.add_argument("--out", type=Path, default=layout.DRIFT_PAGE, help="the summary to write")
    verb = _verb(verbs, "report", results.report, "write a page of results side by side, with curves and figures")
    verb.add_argument("names", nargs="*", metavar="NAME", help=NAME)
    verb.add_argument("--out", type=Path, default=layout.COMPARED_PAGE, help="the page to write")


def _add_pages_and_models(verbs: Verbs) -> None:
    verb = _verb(verbs, "ui", pages.ui, "serve MLflow's pages on 127.0.0.1")
    verb.add_argument("--port", type=int, default=5000, help="5000 by default")
    verb = _verb(
        verbs,
        "demo",
        pages.demo,
        "serve a page on 127.0.0.1 where networks read your text or sequence, or forecast your series",
    )
    verb.add_argument("--port", type=int, default=5050, help="5050 by default")
    verb = _verb(verbs, "promote", promote.run, "make a model the champion if it passes the rule in params.yaml")
    verb.add_argument(
        "run_id", nargs="?", metavar="RUN", help="the id of an MLflow run; the best model of the last result by default"
    )
    verb.add_argument("--dry-run", action="store_true", help="only say what would happen")
    verb.add_argument("--force", action="store_true", help="promote even against the rule; the version records it")
    verb.add_argument("--rollback", action="store_true", help="bring back the champion before this one")
    verb = _verb(
        verbs, "predict", predict.run, "label texts, lines, or the rows of a CSV; or forecast what follows a series"
    )
    verb.add_argument("texts", nargs="*", metavar="TEXT", help="without any, each line of standard input")
    verb.add_argument("--csv", type=Path, metavar="IN", help="a CSV with a column of texts; or sequences or a series")
    verb.add_argument(
        "--out",
        type=Path,
        metavar="OUT",
        help="the CSV to write: IN and three columns more; or a row per sequence; or forecasts",
    )
    verb.add_argument("--all", action="store_true", help="also the probability of every label")
    verb.add_argument("--column", help="the column of texts; data.text_column of params.yaml by default")
    model = verb.add_mutually_exclusive_group()
    model.add_argument("--run", dest="run_id", metavar="RUN", help="the id of an MLflow run, instead of the champion")
    model.add_argument(
        "--model", type=Path, metavar="FILE", help="a .keras file of this workspace, instead of the champion"
    )
    verb.add_argument("--vocabulary", type=Path, default=layout.VOCABULARY, help="the vocabulary of that file")
    verb = _verb(verbs, "transfer", transfer.run, "copy the runs and models of the local store to a server")
    verb.add_argument("--to", required=True, metavar="URL", help="for example http://127.0.0.1:5001")
    verb.add_argument("--from", dest="source", metavar="URI", help="the store to copy; the project's own by default")


def _add_projects(verbs: Verbs) -> None:
    verb = _verb(verbs, "new", new.run, "make a small project of your own that runs on the installed rnnlab")
    verb.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    verb.add_argument(
        "--csv", type=Path, metavar="FILE", help="look at this file, and write an experiment that fits it"
    )
    _verb(verbs, "upgrade", new.upgrade, "bring the files of the installed version into a project made by `rnnlab new`")


def _add_trainings(verbs: Verbs) -> None:
    verb = _verb(verbs, "run", pipeline.run, "run what has changed, trainings side by side, and show the result")
    verb.add_argument("--jobs", type=_count, default=pipeline.processors(), metavar="N", help=JOBS)
    verb.add_argument("--train-only", action="store_true", help="train, but score and compare nothing yet")
    verb = _verb(verbs, "use", use.run, "look at a file of yours, write an experiment that fits it, and run it")
    verb.add_argument(
        "file", metavar="FILE", help="CSV, TSV, Parquet or JSON lines, plain or .gz; or a folder of these"
    )
    verb.add_argument("--text", metavar="COLUMN", help="the column of texts")
    verb.add_argument("--label", metavar="COLUMN", help="the column of their labels")
    verb.add_argument("--value", metavar="COLUMN", help="the column of a series of numbers, instead of texts")
    verb.add_argument("--series", metavar="COLUMN", help="the column of the series' names, if there are several")
    verb.add_argument("--sequence", metavar="COLUMN", help="the column that joins rows to sequences of numbers")
    verb.add_argument("--step", metavar="COLUMN", help="the column of their steps")
    verb.add_argument("--group", metavar="COLUMN", help="the column of what is to be in one split, such as a person")
    verb.add_argument("--name", type=_name, help="of the experiment; that of the file by default")
    verb.add_argument("--run", dest="at_once", action="store_true", help="run it at once, and show the result")
    verb.add_argument("--jobs", type=_count, default=pipeline.processors(), metavar="N", help=JOBS)
    verb = _verb(
        verbs, "experiments", experiments.list_all, "list, show, run and report the experiments of experiments/*.yaml"
    )
    actions = verb.add_subparsers(metavar="ACTION")
    verb = _verb(actions, "show", experiments.show, "what an experiment reproduces, expects and changes")
    verb.add_argument("name", metavar="NAME")
    verb = _verb(actions, "run", experiments.start, "run an experiment in a copy of the workspace, as a DVC experiment")
    verb.add_argument("name", metavar="NAME")
    verb.add_argument("--csv", metavar="PATH", help=f"the IMDB reviews, else $IMDB_CSV, else {layout.IMDB_REVIEWS}")
    verb.add_argument("--queue", action="store_true", help="put it into DVC's queue instead of running it")
    verb.add_argument("--dry-run", action="store_true", help="only print the DVC commands")
    verb = _verb(actions, "report", experiments.report, "write a report on all experiments")
    verb.add_argument("--out", type=Path, default=layout.EXPERIMENTS_REPORT, help="the report to write")
    verb = _verb(verbs, "tune", tune.run, "find the best options of each model, with the same number of trials")
    verb.add_argument("--trials", type=_count, default=20, help="of each model; 20 by default")
    verb.add_argument("--budget-minutes", type=_size, metavar="N", help="begin no more trials after so many minutes")
    verb.add_argument("--sampler", choices=("random", "tpe"), default="random", help="random by default")
    verb.add_argument("--engine", choices=("local", "ray"), default="local", help="local by default")
    verb.add_argument("--address", help="a Ray cluster, for example 10.0.0.1:6379; this machine alone by default")
    verb.add_argument("--name", type=_name, help="of the study; that of the data by default")
    verb = _verb(verbs, "sweep", sweep.run, "train every combination of a grid of parameters side by side, with Ray")
    verb.add_argument("grid", type=Path, metavar="GRID.yaml")
    verb.add_argument("--address", help="a Ray cluster, for example 10.0.0.1:6379; this machine alone by default")


if __name__ == "__main__":
    sys.exit(run())
