"""``rnnlab use``: from a stranger's file to a named experiment that fits it, and to its result."""

import argparse
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rnnlab.cli import results
from rnnlab.cli import run as pipeline
from rnnlab.cli.printing import printing
from rnnlab.data.guesses import TOLD
from rnnlab.project import layout, params
from rnnlab.project.errors import UserError

if TYPE_CHECKING:
    from rnnlab.experiments.own_data import Plan

COLUMNS = ("text", "label", "value", "series", "sequence", "step", "group")  # that flags may name


def run(flags: argparse.Namespace) -> None:
    """Looks at a file, writes the experiment, and runs it if asked to.

    Raises:
        SystemExit: DVC failed; with its status.
        UserError: the file cannot be used; says why.
    """
    name = look(flags.file, {column: getattr(flags, column) for column in COLUMNS}, flags.name, at_once=flags.at_once)
    if flags.at_once:
        _start(name, flags.jobs)


def look(file: str, columns: Mapping[str, str | None], wanted_name: str | None = None, *, at_once: bool = False) -> str:
    """Looks at a file, writes the experiment, and returns its name; says how to run it unless that is done at once.

    Raises:
        UserError: the file cannot be used; says why.
    """
    from rnnlab.data.choosing import Wanted
    from rnnlab.experiments import own_data, raw_files

    settings = params.read()
    source = Path(file).expanduser()
    target = raw_files.place(source)
    plan = own_data.plan(settings, source, target.as_posix(), Wanted(**columns), _ask)
    name = own_data.free_name(wanted_name, _name(source), target.as_posix())
    _show(plan)
    is_new = raw_files.bring(source, target)
    experiment = own_data.write(name, plan, settings)
    if is_new:
        print(f"added {target} to DVC and staged {target}.dvc for Git: commit it")
    print(f"wrote {experiment}: every setting, and why")
    print(f"it trains {plan.runs} networks, in very roughly {_duration(plan.minutes)} on two cores, or less")
    if not at_once:
        print(f"\nrun it: {_again(plan, file, wanted_name)}, or in a copy: rnnlab experiments run {name}")
    return name


def _again(plan: "Plan", file: str, name: str | None) -> str:
    """Writes the command that runs what was looked at, with the same columns where these had to be named."""
    named = {f"--{what.removesuffix(' column')}": value for what, value, sure, _ in plan.findings if sure == TOLD}
    options = {**named, "--name": name}
    words = [word for flag, value in options.items() if value for word in (flag, value)]
    return shlex.join(["rnnlab", "use", file, *words, "--run"])


def _start(name: str, jobs: int) -> None:
    """Runs an experiment in the workspace: DVC trains one network at a time, so what it would train is trained before.

    Raises:
        SystemExit: DVC failed; with its status.
    """
    from dvc.utils.hydra import apply_overrides

    from rnnlab.experiments import catalogue, dvc_experiments

    [setup] = catalogue.load(name, params.read()).setups
    command = dvc_experiments.in_workspace(setup, is_taken=name in dvc_experiments.recorded())
    print(shlex.join(command), flush=True)
    runner = pipeline.start(jobs)
    apply_overrides(layout.PARAMS, dvc_experiments.overrides(setup))
    runner.train()
    runner.dvc(*command[1:])
    results.show(argparse.Namespace(style="simple"))
    print(f"{layout.PARAMS} now holds these settings; to have yours back: git checkout {layout.PARAMS}")


def _ask(question: str, flag: str, names: Sequence[str], default: str = "") -> str:
    """Has the user choose a column by number; without an answer it is the default, if there is one.

    Raises:
        UserError: nobody is there to choose.
    """
    if not sys.stdin.isatty():
        if default:
            return default
        raise UserError(f"{question} It could be any of {', '.join(names)}; name one with {flag}")
    for number, name in enumerate(names, start=1):
        print(f"  {number}  {name}")
    while True:
        try:
            answer = input(f"{question} (1 to {len(names)}{f', or nothing for {default}' * bool(default)}) ").strip()
        except EOFError:
            raise UserError(f"no column chosen; name one with {flag}: {', '.join(names)}") from None
        if default and not answer:
            return default
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]


def _name(source: Path) -> str:
    stem = re.sub(r"[^a-z0-9]+", "-", source.name.split(".")[0].lower()).strip("-")
    return stem[:60].rstrip("-") or "mine"


def _duration(minutes: float) -> str:
    if minutes < 90:
        return f"{max(1, round(minutes))} minute{'s' * (round(minutes) > 1)}"
    return f"{minutes / 60:.0f} hours"


def _show(plan: "Plan") -> None:
    from tabulate import tabulate

    with printing():
        print(tabulate(plan.findings, tablefmt="plain", disable_numparse=True), end="\n\n")
