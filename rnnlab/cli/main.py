"""Commands outside the pipeline; `rnnlab COMMAND --help` explains each."""

import argparse
import os
import shutil
import sys
import sysconfig

from rnnlab.cli import compare, demo, drift, experiments, predict, promote, report, results, sweep, transfer, ui
from rnnlab.cli.common import printing
from rnnlab.project.errors import exit_status

VERBS = (results, compare, drift, report, ui, demo, promote, predict, transfer, experiments, sweep)


def run() -> int:
    """Runs the console command and returns its exit status."""
    return exit_status(main)


def main() -> None:
    """Parses the command line and runs the verb."""
    with printing():  # of help
        flags = parser().parse_args()
    _find_dvc()
    flags.run(flags)


def parser() -> argparse.ArgumentParser:
    """Builds the parser of all verbs; each sets ``run``, the function to call with the parsed flags."""
    made = argparse.ArgumentParser(prog="rnnlab", description=__doc__)
    verbs = made.add_subparsers(required=True, metavar="COMMAND")
    for verb in VERBS:
        verb.add(verbs)
    return made


def _find_dvc() -> None:
    """Adds this environment's scripts to PATH where there is no DVC, so that it and its stages' Python are found."""
    if shutil.which("dvc") is None:
        os.environ["PATH"] = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)))


if __name__ == "__main__":
    sys.exit(run())
