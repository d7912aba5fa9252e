"""``rnnlab results``: the comparison of the last run."""

import argparse

from rnnlab.cli.common import Verbs, add_markdown, printing
from rnnlab.project import layout, params
from rnnlab.project.files import read_json


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("results", help="show the comparison of the last run")
    add_markdown(parser)
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Prints the comparison of the last run and where to find more."""
    from rnnlab.evaluation import tables
    from rnnlab.evaluation.costs import in_order, read_costs

    settings = params.read()
    metrics = in_order(settings, read_json(layout.METRICS))
    table = tables.results_table(metrics, read_costs(settings, layout.TIMINGS), flags.style)
    sentences = tables.sentences(read_json(layout.COMPARISON))
    with printing():
        print(f"\n{table}\n")
        for sentence in sentences:
            print(f"- {sentence}")
        print(f"\npage:     {layout.PAGE}")
        print(f"figures:  {layout.FIGURES}/*.png")
        print("MLflow:   make ui, then open one of the links it prints")
