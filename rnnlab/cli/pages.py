"""``rnnlab ui`` and ``rnnlab demo``: pages to look at in a browser."""

import argparse
import os

from rnnlab.project import params
from rnnlab.project.errors import UserError


def ui(flags: argparse.Namespace) -> None:
    """Prints links to the last run and becomes MLflow's server, with two processes instead of its fourteen.

    Raises:
        UserError: the runs are on a server already.
    """
    if os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http"):
        raise UserError("MLFLOW_TRACKING_URI names a server: open it in a browser, there is none to start")
    from rnnlab.tracking import store
    from rnnlab.tracking.links import page_links

    opened = store.connect()
    from rnnlab.tracking import pipeline_runs  # imports MLflow, which `connect` has told to be quiet

    pipeline_runs.keep_table(opened)
    parent = next((last.info.run_id for last in pipeline_runs.finished_pipelines(opened)), None)
    children = [network.info.run_id for network in pipeline_runs.networks_of(opened, parent)] if parent else []
    for name, address in page_links(f"http://127.0.0.1:{flags.port}", opened.experiment_id, parent, children).items():
        print(f"{name}:\n  {address}")
    print("stop with Ctrl-C", flush=True)
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(flags.port), "--workers", "1"]
    os.execvp("mlflow", [*command, "--backend-store-uri", opened.uri])


def demo(flags: argparse.Namespace) -> None:
    """Serves the page on which networks read a text word by word, or forecast a series, until Ctrl-C."""
    from rnnlab.report import demo

    demo.serve(params.read(), flags.port)
