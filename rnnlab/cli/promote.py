"""``rnnlab promote``: make a model the champion, or bring back the champion before it."""

import argparse

from rnnlab.project import params
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.tasks import TASKS


def run(flags: argparse.Namespace) -> None:
    """Promotes a model if it passes the rule, by default the best of the last result, or rolls back.

    Raises:
        UserError: the rule refused it, or MLflow, its database or its server cannot be used.
    """
    from rnnlab.tracking import store

    settings = params.read()
    limits = settings.promote
    try:
        opened = store.connect()
        from rnnlab.serving import candidates, registry  # import MLflow, which `connect` has told to be quiet

        if flags.rollback:
            version = registry.roll_back(opened, limits.name)
        else:
            run_id, remark = (flags.run_id, "") if flags.run_id else candidates.candidate(opened, TASKS[settings.task])
            if remark:
                print(remark)
            verdict = registry.promote(opened, run_id, limits, dry_run=flags.dry_run, force=flags.force)
    except (UserError, OSError):
        raise
    except Exception as failure:
        problem = f"{store.tracking_uri()}: MLflow cannot be used ({first_line(failure)})"
        raise UserError(f"{problem}; nothing was changed") from failure
    if flags.rollback:
        print(f"{version.name} version {version.number} (run {version.run_id}) is the champion again")
        return
    for rule in verdict.rules:
        print(f"{rule.word:8}{rule.name}: {rule.sentence}")
    if verdict.outcome == "refused":
        raise UserError(f"{verdict.sentence}; --force overrides the rule")
    print(verdict.sentence)
