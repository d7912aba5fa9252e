"""``rnnlab experiments``: list, show, run and report the experiments of experiments/*.yaml."""

import argparse
import os
import shlex
import signal
import subprocess
import textwrap

from rnnlab.cli.printing import printing
from rnnlab.project import params
from rnnlab.project.overrides import override


def list_all(flags: argparse.Namespace) -> None:
    """Lists what can be run by name."""
    from tabulate import tabulate

    from rnnlab.experiments import catalogue

    rows = [
        {"name": named.name, "title": named.experiment.title, "data": named.data, "trainings": named.runs}
        for named in catalogue.load_all(params.read())
    ]
    with printing():
        print(tabulate(rows, headers="keys"))
        print("\ndetails: rnnlab experiments show NAME; run one: rnnlab experiments run NAME")


def show(flags: argparse.Namespace) -> None:
    """Prints what an experiment is and all that it changes."""
    from rnnlab.experiments import catalogue

    named = catalogue.load(flags.name, params.read())
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
    lines += ["", "params:", *(f"  {key}: {override(value)}" for key, value in named.params.items())]
    if file.variants:
        lines += ["", "variants:", *(f"  {name}: {_pairs(changes)}" for name, changes in file.variants.items())]
    with printing():
        print("\n".join(lines))


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {override(value)}" for name, value in values.items())


def start(flags: argparse.Namespace) -> None:
    """Checks an experiment, prints the DVC commands that it stands for, and runs them.

    Raises:
        SystemExit: DVC failed; with its status.
    """
    from rnnlab.experiments import catalogue, dvc_experiments

    named = catalogue.load(flags.name, params.read())
    reviews = dvc_experiments.find_reviews(named, flags.csv, os.environ)
    setups = dvc_experiments.pending(named, {*dvc_experiments.recorded(), *dvc_experiments.queued()})
    if len(setups) < len(named.setups):
        print(f"{len(named.setups) - len(setups)} of {len(named.setups)} exist already and are left as they are")
    commands = [dvc_experiments.command(setup, queue=flags.queue, csv=reviews) for setup in setups]
    for command in commands:
        print(shlex.join(command), flush=True)
    if flags.dry_run:
        return
    # Ctrl-C reaches DVC as well: it ends by itself, and its status says so.
    signal.signal(signal.SIGINT, lambda *_: None)
    for command in commands:
        status = subprocess.run(command, check=False).returncode
        if status:
            raise SystemExit(status)
    if flags.queue:
        print("start the queue: dvc queue start")
    print("look at the results: dvc exp show, rnnlab experiments report")


def report(flags: argparse.Namespace) -> None:
    """Writes a report on all experiments."""
    from rnnlab.report import experiments_report

    for file in experiments_report.write(flags.out):
        print(f"wrote {file}")
