"""``rnnlab demo``: a page on which the networks read a text word by word."""

import argparse

from rnnlab.cli.common import Verbs
from rnnlab.project import params


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("demo", help="serve a page on 127.0.0.1 where the networks read your text word by word")
    parser.add_argument("--port", type=int, default=5050, help="5050 by default")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Serves the page until Ctrl-C."""
    from rnnlab.report import demo

    demo.serve(params.read(), flags.port)
