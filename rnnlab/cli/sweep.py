"""``rnnlab sweep``: train a grid of parameters side by side with Ray."""

import argparse


def run(flags: argparse.Namespace) -> None:
    """Trains every combination of a grid of parameters."""
    from rnnlab.sweeps import sweep

    sweep.run(flags.grid, flags.address)
