"""What each command of ``rnnlab`` does."""

import json
import os
import shlex
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tabulate import tabulate

from rnnlab.experiments import catalogue, dvc_experiments
from rnnlab.experiments.catalogue import Named
from rnnlab.project import overrides, params
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.files import read_json, write_text
from rnnlab.tracking.links import page_links

if TYPE_CHECKING:
    from rnnlab.serving.predictors import Predictor


class Which(NamedTuple):
    """The model to ask: a file, else a run of MLflow, else the champion."""

    network: Path | None
    vocabulary: Path
    run: str | None


def show_results(style: str) -> None:
    """Prints the comparison of the last run, and where to look on."""
    from rnnlab.evaluation import tables
    from rnnlab.evaluation.costs import in_order, read_costs

    settings = params.read()
    metrics = in_order(settings, read_json(Path("reports/metrics.json")))
    print(f"\n{tables.results_table(metrics, read_costs(settings, Path('reports/timings')), style)}\n")
    for sentence in tables.sentences(read_json(Path("reports/comparison.json"))):
        print(f"- {sentence}")
    print()
    print("page:     reports/index.html")
    print("figures:  reports/figures/*.png")
    print("MLflow:   make ui, then open the links it prints")


def serve_ui(port: int) -> None:
    """Starts MLflow's server with two processes where its default is fourteen, and prints links that work."""
    from rnnlab.tracking import store

    opened = store.connect()
    from rnnlab.tracking import pipeline_runs  # imports MLflow, which `connect` has told to be quiet

    pipeline_runs.keep_table(opened)
    parent, networks = pipeline_runs.newest_pipeline(opened)
    children = [run.info.run_id for run in networks]
    for name, address in page_links(f"http://127.0.0.1:{port}", opened.experiment_id, parent, children).items():
        print(f"{name}:\n  {address}")
    print("stop with Ctrl-C", flush=True)
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execvp("mlflow", [*command, "--backend-store-uri", opened.uri])


def serve_demo(port: int) -> None:
    """Serves a page on which networks read what one types."""
    from rnnlab.report import demo

    demo.serve(params.read(), port)


def list_experiments() -> None:
    """Prints what can be run by name."""
    rows = [
        {"name": named.name, "title": named.experiment.title, "data": named.data, "trainings": named.runs}
        for named in catalogue.load_all(params.read())
    ]
    print(tabulate(rows, headers="keys"))
    print("\nmore on one: rnnlab experiments show NAME; run it: rnnlab experiments run NAME")


def show_experiment(name: str) -> None:
    """Prints what an experiment is, and all that it changes."""
    print(_description(catalogue.load(name, params.read())))


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
    lines += ["", "params:", *(f"  {key}: {overrides.override(value)}" for key, value in named.params.items())]
    if file.variants:
        lines += ["", "variants:", *(f"  {name}: {_pairs(changes)}" for name, changes in file.variants.items())]
    return "\n".join(lines)


def _pairs(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {overrides.override(value)}" for name, value in values.items())


def run_experiment(name: str, csv: str | None, queue: bool, dry_run: bool) -> None:
    """Checks an experiment, prints the DVC commands that it stands for, and runs them.

    Raises:
        SystemExit: DVC failed; with its status.
    """
    named = catalogue.load(name, params.read())
    reviews = dvc_experiments.find_reviews(named, csv, os.environ)
    setups = dvc_experiments.pending(named, {*dvc_experiments.recorded(), *dvc_experiments.queued()})
    if len(setups) < len(named.setups):
        print(f"{len(named.setups) - len(setups)} of {len(named.setups)} exist already and are left as they are")
    commands = [dvc_experiments.command(setup, queue=queue, csv=reviews) for setup in setups]
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


def sweep(source: Path, address: str | None) -> None:
    """Trains every combination of a grid of parameters."""
    from rnnlab.sweeps import sweep

    sweep.run(source, address)


def report_experiments(target: Path) -> None:
    """Writes what came of all experiments."""
    from rnnlab.report import experiments_report  # pandas and matplotlib take a second to import

    for file in experiments_report.write(target):
        print(f"wrote {file}")


def compare_results(names: Sequence[str], style: str) -> None:
    """Prints results side by side."""
    from rnnlab.experiments import comparison, named_results

    print(comparison.page(named_results.read(names), style))


def drift(revision: str, target: Path) -> None:
    """Compares the workspace with a committed result, and writes what came of it.

    Raises:
        UserError: a model is worse, or there is nothing to compare.
    """
    import pandas as pd

    from rnnlab.experiments import drift, named_results, results

    before, now = named_results.read([revision, results.WORKSPACE])
    data = _data_summary(revision), _data_summary(None)
    rows = data[0]["features"]["test"]["rows"], data[1]["features"]["test"]["rows"]
    found = drift.verdicts(before, now, rows, params.read().drift)
    histories = pd.read_csv("reports/tables/history.csv").groupby(["model", "epoch"])["val_loss"].mean()
    curves = {str(model): losses.droplevel("model") for model, losses in histories.groupby("model", sort=False)}
    summary = drift.summary(before, now, found, data, curves)
    write_text(target, summary)
    print(summary)
    worse = [verdict.model for verdict in found if verdict.word == "worse"]
    if worse:
        raise UserError(f"worse than {revision}: {', '.join(worse)}; {target} says by how much, and what changed")


def _data_summary(revision: str | None) -> dict[str, Any]:
    """Reads what was reported of the data, in a revision or in the workspace."""
    from rnnlab.project import git

    found = {}
    for name in ("data", "features"):
        path = f"reports/{name}.json"
        found[name] = json.loads(git.run("show", f"{revision}:{path}")) if revision else read_json(Path(path))
    return found


def report_results(names: Sequence[str], target: Path) -> None:
    """Writes a page of results side by side."""
    from rnnlab.experiments import named_results
    from rnnlab.report import comparison_page

    if len(names) < 2:
        raise UserError(
            'name two results or more: rnnlab report NAME NAME, make report RUNS="NAME NAME";'
            " the page of the last run is reports/index.html, which `dvc repro` writes"
        )
    write_text(target, comparison_page.write(named_results.read(names)))
    print(f"wrote {target}")


@contextmanager
def reaching_mlflow() -> Iterator[None]:
    """Turns what MLflow, its database or its server raise into a sentence."""
    from rnnlab.tracking import store

    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as failure:
        problem = f"{store.tracking_uri()}: MLflow cannot be used ({first_line(failure)})"
        raise UserError(f"{problem}; nothing was changed") from failure


def promote(run_id: str | None, dry_run: bool, force: bool) -> None:
    """Makes a run's model the champion, by default the best of the last result, if it passes the rule.

    Raises:
        SystemExit: it was refused.
    """
    from rnnlab.tracking import store

    limits = params.read().promote
    with reaching_mlflow():
        opened = store.connect()
        from rnnlab.serving import (
            candidates,
            registry,  # import MLflow, which `connect` has told to be quiet
        )

        verdict = registry.promote(opened, run_id or candidates.candidate(opened), limits, dry_run=dry_run, force=force)
    for rule in verdict.rules:
        print(f"{'passed' if rule.passed else 'FAILED'}  {rule.name}: {rule.sentence}")
    if verdict.outcome == "refused":
        raise UserError(f"{verdict.sentence}; --force overrides the rule")
    print(verdict.sentence)


def predict(texts: Sequence[str], which: Which) -> None:
    """Prints label, probability and version of each text, of standard input where there are none."""
    from rnnlab.serving import predictions

    place = "text" if texts else "line"
    lines = iter(texts) if texts else predictions.read_lines(sys.stdin.buffer)
    for found in predictions.predict_lines(_predictor(which), lines, place=place):
        print(f"{found.label}\t{found.probability:.6f}\t{found.model_version}", flush=not texts)


def predict_csv(source: Path, target: Path, column: str | None, which: Which) -> None:
    """Writes a CSV with predictions beside each row."""
    from rnnlab.serving import predictions

    data = params.read().data
    column = column or data.text_column
    predictions.check_csv(source, target, column, data.max_megabytes)
    rows = predictions.predict_csv(_predictor(which), source, target, column, data.max_megabytes)
    print(f"{rows} rows predicted into {target}")


def _predictor(which: Which) -> "Predictor":
    from rnnlab.serving import predictors

    if which.network:
        return predictors.load_file(which.network, which.vocabulary, params.read())
    opened = predictors.open_store()
    if which.run:
        return predictors.load_run(opened, which.run)
    return predictors.load_champion(opened, params.read().promote.name)


def transfer(source: str | None, target: str) -> None:
    """Copies the runs and models of a store to a server."""
    from rnnlab.tracking import store
    from rnnlab.tracking.transfer.transfer import transfer as copy

    done = copy(source or store.local_uri(), target)
    print(
        f"copied {done.runs_copied} runs, {done.models_copied} models and {done.versions_copied} registered versions;"
        f" {done.runs_skipped} runs and {done.versions_skipped} versions were there already"
    )
    for version in done.left_out:
        print(f"left out: {version}, whose model is not of this experiment")
    for alias in done.aliases_kept:
        print(f"left as it is on the server: {alias}; move it with `rnnlab promote` there")


def roll_back() -> None:
    """Makes the champion before this one champion again."""
    from rnnlab.tracking import store

    with reaching_mlflow():
        opened = store.connect()
        from rnnlab.serving import registry

        version = registry.roll_back(opened, params.read().promote.name)
    print(f"{version.name} version {version.number} (run {version.run_id}) is the champion again")
