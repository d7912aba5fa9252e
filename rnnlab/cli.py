"""Commands outside of the DAG: ``python -m rnnlab.cli results|ui``."""

import argparse
import os
import signal
import sys
from pathlib import Path

from rnnlab import params, report, store
from rnnlab.errors import UserError, exit_status
from rnnlab.files import read_json
from rnnlab.links import page_links
from rnnlab.results import in_order, read_timings, seconds_per_epoch


def show_results(style: str) -> None:
    """Prints the comparison of the last run, and where to look on."""
    settings = params.read()
    timings = read_timings(settings, Path("reports/timings"))
    metrics = in_order(settings, read_json(Path("reports/metrics.json")))
    print(f"\n{report.results_table(metrics, seconds_per_epoch(settings, timings), style)}\n")
    print("figures:  reports/figures/*.png, and as a page: dvc plots show")
    print("MLflow:   make ui, then open the links it prints")


def serve_ui(port: int) -> None:
    """Starts MLflow's server with two processes where its default is fourteen, and prints links that work."""
    opened = store.connect()
    from rnnlab import tracking  # imports MLflow, which `connect` has told to be quiet

    parent, children = tracking.newest_pipeline(opened)
    for name, address in page_links(f"http://127.0.0.1:{port}", opened.experiment_id, parent, children).items():
        print(f"{name}:\n  {address}")
    print("stop with Ctrl-C", flush=True)
    os.environ |= {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "PYTHONWARNINGS": "ignore"}
    command = ["mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execvp("mlflow", [*command, "--backend-store-uri", opened.uri])


def main() -> None:
    """Parses the command line."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `… | head` ends without a word
    parser = argparse.ArgumentParser(prog="rnnlab", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    results = commands.add_parser("results", help="show the comparison of the last run")
    results.add_argument("--markdown", action="store_true", help="as the README shows it")
    ui = commands.add_parser("ui", help="open MLflow's pages on 127.0.0.1")
    ui.add_argument("--port", type=int, default=5000)
    flags = parser.parse_args()
    if flags.command == "results":
        show_results("github" if flags.markdown else "simple")
    elif os.environ.get("MLFLOW_TRACKING_URI", "").startswith("http"):
        raise UserError("MLFLOW_TRACKING_URI names a server: open it in a browser, there is none to start")
    else:
        serve_ui(flags.port)


if __name__ == "__main__":
    sys.exit(exit_status(main))
