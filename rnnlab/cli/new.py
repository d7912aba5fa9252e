"""A project of one's own, and the files of a later version in it."""

import argparse
import os
import shlex

from rnnlab.cli import use
from rnnlab.experiments import raw_files
from rnnlab.project import scaffold


def run(flags: argparse.Namespace) -> None:
    """Makes a project, and looks at a file for it.

    Raises:
        UserError: the folder or the file cannot be used; says why.
    """
    source = flags.csv.expanduser().resolve() if flags.csv else None
    if source:
        raw_files.check(source)
    count = scaffold.make(flags.folder)
    print(f"made {flags.folder}: {count} files, in Git", flush=True)
    enter = f"cd {shlex.quote(str(flags.folder))}"
    if not source:
        print(f"\nrun it: {enter} && make run, or with your own data: rnnlab use FILE --run")
        return
    print(f"\n{enter}")
    os.chdir(flags.folder)
    use.look(str(source), {})


def upgrade(flags: argparse.Namespace) -> None:
    """Merges the files of the installed version.

    Raises:
        UserError: it cannot be merged; says why.
    """
    print(scaffold.upgrade())
