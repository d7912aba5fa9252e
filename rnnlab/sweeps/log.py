"""Logs a sweep to MLflow while it trains, and never holds it up when MLflow cannot be reached."""

import time
from collections.abc import Sequence

from rnnlab.project.errors import first_line
from rnnlab.sweeps.trials import Outcome, Trial
from rnnlab.tracking import store

# Between two attempts to reach an MLflow that did not answer: each attempt may take as long as its timeouts.
PATIENCE_SECONDS = 15.0


class Log:
    """Logs finished trials; those that MLflow did not take wait for the next attempt."""

    def __init__(self, name: str, key: str, kind: str) -> None:
        self.mode = store.sync_mode()
        self.problem = ""
        self._name, self._key, self._kind = name, key, kind
        self._waiting: list[tuple[Trial, Outcome]] = []
        self._logged: set[str] = set()
        self._parent: tuple[store.Store, str] | None = None
        self._next_attempt = 0.0

    def add(self, *finished: tuple[Trial, Outcome]) -> None:
        """Logs finished trials if MLflow can be reached."""
        self._waiting += finished
        if self.mode != "off" and time.monotonic() >= self._next_attempt:
            self._attempt()

    def close(self, page: str, failed: Sequence[str]) -> None:
        """Logs the trials that still wait, and marks the sweep as finished."""
        if self.mode != "off" and self._attempt() and self._parent:
            from rnnlab.sweeps import mlflow_runs

            mlflow_runs.close_sweep(*self._parent, page, failed)

    def _attempt(self) -> bool:
        try:
            self._log_waiting()
            self.problem = ""
        except Exception as failure:  # anything MLflow, its database or its server may raise
            self.problem = f"({first_line(failure)}); {store.remedy(store.tracking_uri(), failure)}"
            self._parent = None  # reads again what was logged: the attempt may have stopped anywhere
            self._next_attempt = time.monotonic() + PATIENCE_SECONDS
        return not self.problem

    def _log_waiting(self) -> None:
        opened = self._parent[0] if self._parent else store.connect()
        from rnnlab.sweeps import mlflow_runs  # imports MLflow, which `connect` has silenced

        with store.lock():
            if not self._parent:
                parent = mlflow_runs.open_sweep(opened, self._name, self._key, self._kind)
                self._logged = mlflow_runs.logged_trials(opened, parent)
                self._parent = opened, parent
            while self._waiting:
                trial, outcome = self._waiting[-1]
                if trial.key not in self._logged:
                    mlflow_runs.log_trial(*self._parent, trial, outcome)
                    self._logged.add(trial.key)
                self._waiting.pop()
