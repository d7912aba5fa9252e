"""Commands outside of the DAG: ``rnnlab results|ui|experiments``."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from tabulate import tabulate

from rnnlab import experiments, params
from rnnlab.errors import UserError, exit_status
from rnnlab.experiments import Named
from rnnlab.files import read_json
from rnnlab.links import page_links


def show_results(style: str) -> None:
    """Prints the comparison of the last run, and where to look on."""
    from rnnlab import report
    from rnnlab.results import in_order, read_costs

    settings = params.read()
    metrics = in_order(settings, read_json(Path("reports/metrics.json")))
    print(f"\n{report.results_table(metrics, read_costs(settings, Path('reports/timings')), style)}\n")
    for sentence in report.sentences(read_json(Path("reports/comparison.json"))):
        print(f"- {sentence}")
    print()
    print("figures:  reports/figures/*.png, and as a page: dvc plots show")
    print("MLflow:   make ui, then open the links it prints")


def serve_ui(port: int) -> None:
    """Starts MLflow's server with two processes where its default is fourteen, and prints links that work."""
    from rnnlab import store

    opened = store.connect()
    from rnnlab import tracking  # imports MLflow, which `connect` has told to be quiet

    parent, children = tracking.newest_pipeline(opened)
    for name, address in page_links(f"http://127.0.0.1:{port}", opened.experiment_id, parent, children).items():
        print(f"{name}:\n  {address}")
    print("stop with Ctrl-C", flush=True)
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execvp("mlflow", [*command, "--backend-store-uri", opened.uri])


def list_experiments() -> None:
    """Prints what can be run by name."""
    rows = [
        {"name": named.name, "title": named.experiment.title, "data": named.data, "trainings": named.runs}
        for named in experiments.load_all(params.read())
    ]
    print(tabulate(rows, headers="keys"))
    print("\nmore on one: rnnlab experiments show NAME; run it: rnnlab experiments run NAME")


def show_experiment(name: str) -> None:
    """Prints what an experiment is, and all that it changes."""
    print(_description(experiments.load(name, params.read())))


def _description(named: Named) -> str:
    file = named.experiment
    facts = {
        "reproduces": file.reproduces,
        "expects": file.expects,
        "data": named.data,
        "extends": file.extends,
        "original": file.original and f"{file.original.model}: {_pairs(file.original.figures)}",
        "at least": _pairs(file.at_least),
        "trainings": named.runs,
    }
    lines = [f"{named.name}: {file.title}", ""]
    for name, fact in facts.items():
        if fact:
            lines += textwrap.wrap(f"{name + ':':12}{fact}", 110, subsequent_indent=" " * 12)
    lines += ["", "params:", *(f"  {key}: {experiments.override(value)}" for key, value in named.params.items())]
    if file.variants:
        lines += ["", "variants:", *(f"  {name}: {_pairs(changes)}" for name, changes in file.variants.items())]
    return "\n".join(lines)


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {experiments.override(value)}" for name, value in values.items())


def run_experiment(name: str, csv: str | None, queue: bool, dry_run: bool) -> None:
    """Checks an experiment, prints the DVC commands that it stands for, and runs them.

    Raises:
        SystemExit: DVC failed; with its status.
    """
    named = experiments.load(name, params.read())
    reviews = experiments.find_reviews(named, csv, os.environ)
    setups = experiments.pending(named, {*experiments.recorded(), *experiments.queued()})
    if len(setups) < len(named.setups):
        print(f"{len(named.setups) - len(setups)} of {len(named.setups)} exist already and are left as they are")
    commands = [experiments.command(setup, queue=queue, csv=reviews) for setup in setups]
    for command in commands:
        print(shlex.join(command), flush=True)
    if dry_run:
        return
    # Ctrl-C reaches DVC as well: it ends by itself, and its status says so.
    signal.signal(signal.SIGINT, lambda *_: None)
    for command in commands:
        status = subprocess.run(command, check=False).returncode
        if status:
            raise SystemExit(status)
    if queue:
        print("start what is queued: dvc queue start")
    print("look at the results: dvc exp show, rnnlab experiments report")


def report_experiments(target: Path) -> None:
    """Writes what came of all experiments."""
    from rnnlab import experiments_report  # pandas and matplotlib take a second to import

    for file in experiments_report.write(target):
        print(f"wrote {file}")


def run() -> int:
    """The console command: its exit status."""
    return exit_status(main)


def main() -> None:
    """Parses the command line."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `… | head` ends without a word
    flags = _parser().parse_args()
    if flags.command == "results":
        show_results("github" if flags.markdown else "simple")
    elif flags.command == "experiments":
        _experiments(flags)
    elif os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http"):
        raise UserError("MLFLOW_TRACKING_URI names a server: open it in a browser, there is none to start")
    else:
        serve_ui(flags.port)


def _experiments(flags: argparse.Namespace) -> None:
    if flags.action == "show":
        show_experiment(flags.name)
    elif flags.action == "run":
        run_experiment(flags.name, flags.csv, flags.queue, flags.dry_run)
    elif flags.action == "report":
        report_experiments(flags.out)
    else:
        list_experiments()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="rnnlab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    results = commands.add_parser("results", help="show the comparison of the last run")
    results.add_argument("--markdown", action="store_true", help="as the README shows it")
    ui = commands.add_parser("ui", help="open MLflow's pages on 127.0.0.1")
    ui.add_argument("--port", type=int, default=5000)
    named = commands.add_parser("experiments", help="list, run and report the experiments of experiments/*.yaml")
    actions = named.add_subparsers(dest="action")
    show = actions.add_parser("show", help="what an experiment reproduces, expects and changes")
    show.add_argument("name")
    start = actions.add_parser("run", help="run an experiment in a copy of the workspace, as a DVC experiment")
    start.add_argument("name")
    start.add_argument("--csv", metavar="PATH", help=f"the IMDB reviews, else $IMDB_CSV, else {experiments.REVIEWS}")
    start.add_argument("--queue", action="store_true", help="put it into DVC's queue instead")
    start.add_argument("--dry-run", action="store_true", help="only print the DVC command")
    report = actions.add_parser("report", help="write what came of all experiments")
    report.add_argument("--out", type=Path, default=Path("reports/experiments.md"))
    return parser


if __name__ == "__main__":
    sys.exit(run())
