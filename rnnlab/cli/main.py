"""Commands outside of the DAG: ``rnnlab --help`` lists them."""

import argparse
import os
import shutil
import signal
import sys
import sysconfig
from pathlib import Path

from rnnlab.cli import commands
from rnnlab.project import layout
from rnnlab.project.errors import UserError, exit_status


def run() -> int:
    """The console command: its exit status."""
    return exit_status(main)


def main() -> None:
    """Parses the command line."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `… | head` ends without a word
    _find_dvc()
    flags = _parser().parse_args()
    flags.start(flags)


def _find_dvc() -> None:
    """Without an activated environment, takes DVC, and the Python of its stages, from the one of this command."""
    if shutil.which("dvc") is None:
        os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))


def _style(flags: argparse.Namespace) -> str:
    return "github" if flags.markdown else "simple"


def _ui(flags: argparse.Namespace) -> None:
    if os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http"):
        raise UserError("MLFLOW_TRACKING_URI names a server: open it in a browser, there is none to start")
    commands.serve_ui(flags.port)


def _promote(flags: argparse.Namespace) -> None:
    if flags.rollback:
        commands.roll_back()
    else:
        commands.promote(flags.run, flags.dry_run, flags.force)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rnnlab", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")

    results = verbs.add_parser("results", help="show the comparison of the last run")
    results.add_argument("--markdown", action="store_true", help="as the README shows it")
    results.set_defaults(start=lambda flags: commands.show_results(_style(flags)))

    compare = verbs.add_parser("compare", help="results side by side: workspace, experiments, revisions, MLflow runs")
    compare.add_argument("names", nargs="+", metavar="NAME")
    compare.add_argument("--markdown", action="store_true", help="as GitHub shows it")
    compare.set_defaults(start=lambda flags: commands.compare_results(flags.names, _style(flags)))

    drift = verbs.add_parser("drift", help="has the workspace become worse than a committed result, or is it noise?")
    drift.add_argument("revision", nargs="?", default="HEAD", help="the commit to compare with; HEAD by default")
    drift.add_argument("--out", type=Path, default=Path("reports/drift.md"), help="the summary to write")
    drift.set_defaults(start=lambda flags: commands.drift(flags.revision, flags.out))

    report = verbs.add_parser("report", help="the same as a page, with curves and figures")
    report.add_argument("names", nargs="*", metavar="NAME")
    report.add_argument("--out", type=Path, default=Path("reports/compare.html"))
    report.set_defaults(start=lambda flags: commands.report_results(flags.names, flags.out))

    ui = verbs.add_parser("ui", help="open MLflow's pages on 127.0.0.1")
    ui.add_argument("--port", type=int, default=5000)
    ui.set_defaults(start=_ui)

    demo = verbs.add_parser("demo", help="a page on 127.0.0.1 on which the networks read what one types, word by word")
    demo.add_argument("--port", type=int, default=5050)
    demo.set_defaults(start=lambda flags: commands.serve_demo(flags.port))

    promote = verbs.add_parser("promote", help="make a model the champion, if it passes the rule of params.yaml")
    promote.add_argument("run", nargs="?", help="the id of an MLflow run; the best model of the last result by default")
    promote.add_argument("--dry-run", action="store_true", help="only say what would happen")
    promote.add_argument("--force", action="store_true", help="also against the rule; the version keeps a note of it")
    promote.add_argument("--rollback", action="store_true", help="bring back the champion before this one")
    promote.set_defaults(start=_promote)

    _add_predict(verbs)
    _add_transfer(verbs)
    _add_experiments(verbs)
    _add_sweep(verbs)
    return parser


def _predict(flags: argparse.Namespace) -> None:
    which = commands.Which(flags.model, flags.vocabulary, flags.run)
    if flags.csv and flags.texts:
        raise UserError("--csv: give texts or a CSV, not both")
    if bool(flags.csv) != bool(flags.out):
        raise UserError("--csv and --out: name both, the CSV to read and the one to write")
    if flags.csv:
        commands.predict_csv(flags.csv, flags.out, flags.column, which)
    else:
        commands.predict(flags.texts, which)


def _add_predict(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    predict = verbs.add_parser(
        "predict", help="label and probability of texts, of lines on standard input, or of a CSV"
    )
    predict.add_argument("texts", nargs="*", metavar="TEXT", help="without any, each line of standard input")
    predict.add_argument("--csv", type=Path, metavar="IN", help="a CSV with a column of texts")
    predict.add_argument("--out", type=Path, metavar="OUT", help="the CSV to write: its columns and three more")
    predict.add_argument("--column", help="of the texts in the CSV; data.text_column of params.yaml by default")
    model = predict.add_mutually_exclusive_group()
    model.add_argument("--run", help="the id of an MLflow run, instead of the champion")
    model.add_argument("--model", type=Path, metavar="FILE", help="a .keras file of this workspace instead")
    predict.add_argument("--vocabulary", type=Path, default=Path("data/features/vocabulary.json"), help="of that file")
    predict.set_defaults(start=_predict)


def _add_transfer(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    transfer = verbs.add_parser("transfer", help="copy runs and models of the local store to a server")
    transfer.add_argument("--to", required=True, metavar="URL", help="for example http://127.0.0.1:5001")
    transfer.add_argument("--from", dest="source", metavar="URI", help="another store than the project's own")
    transfer.set_defaults(start=lambda flags: commands.transfer(flags.source, flags.to))


def _add_experiments(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    named = verbs.add_parser("experiments", help="list, run and report the experiments of experiments/*.yaml")
    named.set_defaults(start=lambda flags: commands.list_experiments())
    actions = named.add_subparsers(metavar="ACTION")
    show = actions.add_parser("show", help="what an experiment reproduces, expects and changes")
    show.add_argument("name")
    show.set_defaults(start=lambda flags: commands.show_experiment(flags.name))
    start = actions.add_parser("run", help="run an experiment in a copy of the workspace, as a DVC experiment")
    start.add_argument("name")
    start.add_argument("--csv", metavar="PATH", help=f"the IMDB reviews, else $IMDB_CSV, else {layout.IMDB_REVIEWS}")
    start.add_argument("--queue", action="store_true", help="put it into DVC's queue instead")
    start.add_argument("--dry-run", action="store_true", help="only print the DVC command")
    start.set_defaults(start=lambda flags: commands.run_experiment(flags.name, flags.csv, flags.queue, flags.dry_run))
    report = actions.add_parser("report", help="write what came of all experiments")
    report.add_argument("--out", type=Path, default=Path("reports/experiments.md"))
    report.set_defaults(start=lambda flags: commands.report_experiments(flags.out))


def _add_sweep(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sweep = verbs.add_parser("sweep", help="train every combination of a grid of parameters side by side, with Ray")
    sweep.add_argument("grid", type=Path, metavar="GRID.yaml")
    sweep.add_argument("--address", help="of a Ray cluster, for example 10.0.0.1:6379; this machine alone by default")
    sweep.set_defaults(start=lambda flags: commands.sweep(flags.grid, flags.address))


if __name__ == "__main__":
    sys.exit(run())
