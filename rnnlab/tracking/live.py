"""Curves in MLflow while a network trains; whatever happens to MLflow, the training goes on."""

import hashlib
import json
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rnnlab.project.errors import first_line
from rnnlab.project.git import experiment_name
from rnnlab.project.params import Params, Run
from rnnlab.tracking import store

# Nobody watches a training this short, and importing MLflow beside it would make it a quarter longer: the track stage
# logs it a moment later.
AFTER_SECONDS = 30.0
GRACE_SECONDS = 20.0  # after training, for a slow import or a first database to be ready


class Watcher:
    """Hands epochs to a thread that logs them; ``run_id`` is of the live MLflow run, once there is one."""

    def __init__(self, run: Run, settings: Params) -> None:
        self.run_id: str | None = None
        self._events: queue.SimpleQueue[tuple[int, dict[str, float]] | str] = queue.SimpleQueue()
        self._ended = threading.Event()
        facts = (run, training_key(run, settings), store.now())
        self._thread = threading.Thread(target=self._follow, args=facts, daemon=True, name="mlflow")

    def start(self) -> None:
        """Starts the thread; it waits `AFTER_SECONDS`, then imports MLflow and catches up."""
        self._thread.start()

    def epoch(self, row: dict[str, float]) -> None:
        """Takes a finished row of `rnnlab.networks.training.History.epochs`."""
        self._events.put((store.now(), row))

    def stop(self, outcome: str) -> None:
        """Waits a little for the thread; ``outcome`` is "" or the MLflow status of a training that failed."""
        self._events.put(outcome)
        self._ended.set()
        self._thread.join(GRACE_SECONDS)

    def _follow(self, run: Run, key: str, started: int) -> None:
        if self._ended.wait(AFTER_SECONDS):
            return
        try:
            opened = store.connect()
            from mlflow import MlflowClient

            from rnnlab.tracking import live_runs, runs

            self.run_id = live_runs.start_live_run(opened, run, key, started)
            with live_runs.system_metrics(self.run_id):
                while not isinstance(event := self._events.get(), str):
                    runs.log_epochs(self.run_id, [event])
            if event:
                MlflowClient().set_terminated(self.run_id, event)
        except Exception as failure:  # anything MLflow, its database or its server may raise
            print(f"warning: no live curves in MLflow ({first_line(failure)}); the training goes on", file=sys.stderr)


def training_key(run: Run, settings: Params) -> str:
    """Returns 16 hex digits that are the same for all attempts at the same training."""
    identity = f"{run.name} {experiment_name()} {json.dumps(settings.options_of(run.model))}"
    return hashlib.sha256(identity.encode()).hexdigest()[:16]


@contextmanager
def watching(run: Run, settings: Params) -> Iterator[Watcher]:
    """Yields a watcher for one training; ``MLFLOW_SYNC=off`` gives one that logs nothing."""
    watcher = Watcher(run, settings)
    if store.sync_mode() == "off":
        yield watcher
        return
    watcher.start()
    try:
        yield watcher
    except BaseException as end:
        watcher.stop("KILLED" if isinstance(end, KeyboardInterrupt) else "FAILED")
        raise
    watcher.stop("")
