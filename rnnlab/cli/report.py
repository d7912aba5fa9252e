"""``rnnlab report``: a page of results side by side."""

import argparse
from pathlib import Path

from rnnlab.cli.common import Verbs
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_text


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("report", help="write a page of results side by side, with curves and figures")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="workspace, an experiment, a revision or an MLflow run"
    )
    parser.add_argument("--out", type=Path, default=layout.COMPARED_PAGE, help="the page to write")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Writes a page of results side by side."""
    from rnnlab.experiments import named_results
    from rnnlab.report import comparison_page

    if len(flags.names) < 2:
        raise UserError(
            'name two results or more: rnnlab report NAME NAME, make report RUNS="NAME NAME";'
            f" the page of the last run is {layout.PAGE}, which `dvc repro` writes"
        )
    write_text(flags.out, comparison_page.write(named_results.read(flags.names)))
    print(f"wrote {flags.out}")
