"""``rnnlab results``, ``compare`` and ``report``: the last result, or several side by side."""

import argparse

from rnnlab.cli.printing import printing
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json, write_text


def show(flags: argparse.Namespace) -> None:
    """Prints the comparison of the last run and where to find more."""
    from rnnlab.evaluation import comparisons, tables
    from rnnlab.evaluation.costs import in_order, read_costs

    settings = params.read()
    metrics = in_order(settings, read_json(layout.METRICS))
    comparison = read_json(layout.COMPARISON)
    table = tables.results_table(metrics, read_costs(settings, layout.TIMINGS), comparison, flags.style)
    sentences = comparisons.sentences(comparison)
    with printing():
        print(f"\n{table}\n")
        for sentence in sentences:
            print(f"- {sentence}")
        print(f"\npage:     {layout.PAGE}")
        print(f"figures:  {layout.FIGURES}/*.png")
        print("MLflow:   make ui, then open one of the links it prints")


def power(flags: argparse.Namespace) -> None:
    """Prints how many seeds or test rows it takes to see a difference between each pair of models.

    Raises:
        UserError: there is no result, or it is of an earlier version.
    """
    from rnnlab.evaluation import power as reckoning

    comparison = read_json(layout.COMPARISON)
    if not all("components" in pair for pair in comparison["pairs"]):
        raise UserError(f"{layout.COMPARISON}: of an earlier version, which kept no variances; run `dvc repro`")
    table = reckoning.table(comparison, flags.difference, flags.style)
    with printing():
        print(table)


def compare(flags: argparse.Namespace) -> None:
    """Prints results side by side."""
    from rnnlab.experiments import comparison, named_results

    page = comparison.page(named_results.read(flags.names), flags.style)
    with printing():
        print(page)


def report(flags: argparse.Namespace) -> None:
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
