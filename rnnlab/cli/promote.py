"""``rnnlab promote``: make a model the champion, or bring back the champion before it."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

from rnnlab.cli.common import Verbs
from rnnlab.project import params
from rnnlab.project.errors import UserError, first_line


def add(verbs: Verbs) -> None:
    """Adds the verb to the parser."""
    parser = verbs.add_parser("promote", help="make a model the champion if it passes the rule in params.yaml")
    parser.add_argument(
        "run_id", nargs="?", metavar="RUN", help="the id of an MLflow run; the best model of the last result by default"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would happen")
    parser.add_argument("--force", action="store_true", help="promote even against the rule; the version records it")
    parser.add_argument("--rollback", action="store_true", help="bring back the champion before this one")
    parser.set_defaults(run=run)


def run(flags: argparse.Namespace) -> None:
    """Promotes a model, or rolls back."""
    if flags.rollback:
        _roll_back()
    else:
        _promote(flags.run_id, dry_run=flags.dry_run, force=flags.force)


def _promote(run_id: str | None, *, dry_run: bool, force: bool) -> None:
    """Makes a run's model the champion if it passes the rule, by default the best model of the last result.

    Raises:
        UserError: the rule refused it.
    """
    from rnnlab.tracking import store

    limits = params.read().promote
    with _reaching_mlflow():
        opened = store.connect()
        from rnnlab.serving import candidates, registry  # import MLflow, which `connect` has told to be quiet

        verdict = registry.promote(opened, run_id or candidates.candidate(opened), limits, dry_run=dry_run, force=force)
    for rule in verdict.rules:
        print(f"{'passed' if rule.passed else 'FAILED'}  {rule.name}: {rule.sentence}")
    if verdict.outcome == "refused":
        raise UserError(f"{verdict.sentence}; --force overrides the rule")
    print(verdict.sentence)


def _roll_back() -> None:
    """Makes the champion before this one champion again."""
    from rnnlab.tracking import store

    with _reaching_mlflow():
        opened = store.connect()
        from rnnlab.serving import registry

        version = registry.roll_back(opened, params.read().promote.name)
    print(f"{version.name} version {version.number} (run {version.run_id}) is the champion again")


@contextmanager
def _reaching_mlflow() -> Iterator[None]:
    """Turns what MLflow, its database or its server raise into a sentence."""
    from rnnlab.tracking import store

    try:
        yield
    except (UserError, OSError):
        raise
    except Exception as failure:
        problem = f"{store.tracking_uri()}: MLflow cannot be used ({first_line(failure)})"
        raise UserError(f"{problem}; nothing was changed") from failure
