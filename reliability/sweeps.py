"""Sweeps on a cluster that loses processes and machines, with an MLflow that does not answer for a while.

The cluster has three Ray nodes with one processor each, all on this machine, as in Ray's own tests.
"""

import os
import random
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from reliability import faults, projects
from reliability.ports import free_port
from reliability.report import Section

GRID = """\
params:
  train.seeds: [1, 2]
  train.epochs: 6
  train.patience: 6
grid:
  models.lstm.units: [4, 6]
  train.learning_rate: [0.001, 0.003]
"""
TRIALS = 12  # two rates and two seeds of an LSTM of either size and of a SimpleRNN, which the sizes share
PAGE = "reports/sweeps/grid.md"
NODES = 3
BETWEEN_SECONDS = 6.0
MOST = 8  # faults per sweep: with more it would still end, but not soon
# Disturbs a running sweep of the copy, on this cluster and with this MLflow server; returns the number of faults.
Way = Callable[[Path, "subprocess.Popen[str]", Any, "subprocess.Popen[bytes]"], int]


class Outcome(NamedTuple):
    """The result of one disturbed sweep.

    Attributes:
        disturbed: how it was disturbed.
        faults: how often.
        same: whether the table has the bytes of that of an undisturbed sweep.
        logged: number of trials in MLflow.
        message: the last line that the user saw.
    """

    disturbed: str
    faults: int
    same: bool
    logged: int
    message: str


def measure(quick: bool) -> Section:
    """Disturbs one sweep in each way; the short form only kills processes."""
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        projects.must(folder, "dvc", "repro", "tokenize_pad")
        (folder / "grid.yaml").write_text(GRID)
        projects.must(folder, "rnnlab", "sweep", "grid.yaml")
        page = (folder / PAGE).read_bytes()
        ways: list[Way] = [kill_processes, remove_nodes, kill_processes, remove_nodes, stop_server]
        ways = ways[:1] if quick else ways
        outcomes = [_disturbed(folder, way, page, number) for number, way in enumerate(tqdm(ways, disable=None))]
    total = sum(outcome.faults for outcome in outcomes)
    sentence = (
        f"A sweep of {TRIALS} trainings on three Ray nodes is disturbed in each way, {total} faults in all; its table "
        "has to be that of an undisturbed sweep on one machine, and MLflow has to hold each trial once."
    )
    rows = [[o.disturbed, str(o.faults), "yes" if o.same else "NO", str(o.logged), o.message] for o in outcomes]
    sound = all(o.same and o.logged == TRIALS and o.faults for o in outcomes)
    header = ("what died", "faults", "same table", "trials in MLflow", "last line")
    return Section("Sweeps", sentence, header, rows, {"outcomes": [o._asdict() for o in outcomes]}, sound)


def _disturbed(folder: Path, way: Way, page: bytes, number: int) -> Outcome:
    """Runs the sweep from scratch, with a new cluster and a new MLflow server."""
    from ray.cluster_utils import Cluster

    for left in ("data/sweeps", "reports/sweeps", "../server.db"):  # the last is the server's
        projects.remove(folder / left)
    port = free_port()
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        for _ in range(NODES):
            cluster.add_node(num_cpus=1)
        with faults.mlflow_server(folder, port) as server:
            variables = {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"}
            command = ["rnnlab", "sweep", "grid.yaml", "--address", cluster.address]
            pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
            running = subprocess.Popen(command, cwd=folder, env=projects.environment(**variables), **pipes)
            count = way(folder, running, cluster, server)
            shown, _ = running.communicate()
            same = (folder / PAGE).is_file() and (folder / PAGE).read_bytes() == page
            logged = _logged(variables["MLFLOW_TRACKING_URI"])
    finally:
        cluster.shutdown()
    name = (way.__doc__ or "").split(".")[0]
    return Outcome(f"{number + 1}: {name}", count, same, logged, shown.strip().splitlines()[-1])


def _moments(folder: Path, running: "subprocess.Popen[str]") -> Iterator[None]:
    """Yields every few seconds while a sweep trains, from its first finished trial on."""
    while running.poll() is None and not list((folder / "data/sweeps").glob("*/outcome.json")):
        time.sleep(0.2)
    for _ in range(MOST):
        if running.poll() is not None:
            return
        yield
        time.sleep(BETWEEN_SECONDS * random.uniform(0.5, 1.5))


def kill_processes(
    folder: Path, running: "subprocess.Popen[str]", cluster: Any, server: "subprocess.Popen[bytes]"
) -> int:
    """Processes that train are killed."""
    killed = 0
    for _ in _moments(folder, running):
        listed = subprocess.run(("pgrep", "-f", "^ray::(rnn|lstm)-"), capture_output=True, text=True, check=False)
        training = [int(pid) for pid in listed.stdout.split()]
        if training:
            os.kill(random.choice(training), signal.SIGKILL)
            killed += 1
    return killed


def remove_nodes(
    folder: Path, running: "subprocess.Popen[str]", cluster: Any, server: "subprocess.Popen[bytes]"
) -> int:
    """Machines die, and another joins."""
    removed = 0
    for _ in _moments(folder, running):
        cluster.remove_node(random.choice(list(cluster.worker_nodes)), allow_graceful=False)
        cluster.add_node(num_cpus=1)
        removed += 1
    return removed


def stop_server(folder: Path, running: "subprocess.Popen[str]", cluster: Any, server: "subprocess.Popen[bytes]") -> int:
    """MLflow's server does not answer for a minute."""
    for _ in _moments(folder, running):
        os.killpg(server.pid, signal.SIGSTOP)
        time.sleep(60)
        os.killpg(server.pid, signal.SIGCONT)
        return 1
    return 0


def _logged(uri: str) -> int:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("rnn-vs-lstm")
    assert experiment
    runs = client.search_runs([experiment.experiment_id], "tags.kind = 'trial'", max_results=1000)
    assert len({run.data.tags["trial_key"] for run in runs}) == len(runs)
    return len([run for run in runs if run.info.status == "FINISHED"])
