"""``rnnlab tune``: the best options of each model, at the same price."""

import argparse


def run(flags: argparse.Namespace) -> None:
    """Tries as many options of each model, and writes down which are best."""
    from rnnlab.sweeps import tuning

    effort = tuning.Effort(flags.trials, flags.budget_minutes, flags.engine, flags.address, flags.sampler)
    tuning.run(flags.name, effort)
