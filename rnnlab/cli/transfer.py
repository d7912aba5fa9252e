"""``rnnlab transfer``: copy runs and models to a server."""

import argparse


def run(flags: argparse.Namespace) -> None:
    """Copies the runs and models of a store to a server, and prints what was copied."""
    from rnnlab.tracking import store
    from rnnlab.tracking.transfer.transfer import transfer

    done = transfer(flags.source or store.local_uri(), flags.to)
    print(
        f"copied {done.runs_copied} runs, {done.models_copied} models and {done.versions_copied} registered versions;"
        f" {done.runs_skipped} runs and {done.versions_skipped} versions were there already"
    )
    for version in done.left_out:
        print(f"left out: {version}, whose model is not of this experiment")
    for alias in done.aliases_kept:
        print(f"left as it is on the server: {alias}; move it with `rnnlab promote` there")
