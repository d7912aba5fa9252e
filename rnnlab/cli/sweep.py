"""``rnnlab sweep``: train a grid of parameters side by side with Ray."""

import argparse
from pathlib import Path

from rnnlab.cli.common import Verbs


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("sweep", help="train every combination of a grid of parameters side by side, with Ray")
    parser.add_argument("grid", type=Path, metavar="GRID.yaml")
    parser.add_argument("--address", help="a Ray cluster, for example 10.0.0.1:6379; this machine alone by default")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Trains every combination of a grid of parameters."""
    from rnnlab.sweeps import sweep

    sweep.run(flags.grid, flags.address)
