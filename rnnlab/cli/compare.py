"""``rnnlab compare``: results side by side."""

import argparse

from rnnlab.cli.common import Verbs, add_markdown, printing


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("compare", help="show results side by side")
    parser.add_argument(
        "names", nargs="+", metavar="NAME", help="workspace, an experiment, a revision or an MLflow run"
    )
    add_markdown(parser)
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Prints results side by side."""
    from rnnlab.experiments import comparison, named_results

    page = comparison.page(named_results.read(flags.names), flags.style)
    with printing():
        print(page)
