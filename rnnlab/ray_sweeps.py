"""Trials on a Ray cluster: each a task of its own, which Ray starts again where a process or a machine dies."""

import hashlib
import itertools
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlab import trainings
from rnnlab.checkpoints import Checkpoint
from rnnlab.errors import UserError, first_line
from rnnlab.params import Params
from rnnlab.quiet import importing_keras
from rnnlab.sweeps import Data, Outcome, Trial

if TYPE_CHECKING:
    import keras

INSTALL = "Ray is not installed; run `make ray`"
AT_ONCE = 200  # handed to Ray; it searches all that it has for each that is done
RETRIES = 20  # of a trial whose process or machine died
# A process keeps a little of each network that it has built.
TRIALS_A_PROCESS = 50
PATIENCE_SECONDS = 20.0  # with a cluster that does not answer


def run_trial(trial: Trial, data: Data) -> tuple[Outcome, bytes]:
    """Trains and scores a network, in whatever process this is; gives what came of it and the ``.keras`` file."""
    with importing_keras():
        import keras

        from rnnlab import models
    # Names of layers count on otherwise, and are part of the file.
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as place:
        model, history = trainings.train(
            trial.run,
            trial.settings,
            data.train,
            data.validation,
            data.vocabulary_size,
            Checkpoint(Path(place) / "state.npz"),
            lambda row: None,
        )
        network = Path(place) / "network.keras"
        models.save(model, network)
        content = network.read_bytes()
    figures = _score(model, trial.settings, data)
    digest = hashlib.sha256(content).hexdigest()
    return Outcome(history.epochs, history.best_epoch, figures, model.count_params(), digest), content


def _score(model: "keras.Model", settings: Params, data: Data) -> dict[str, Any]:
    from rnnlab import metrics, models, series_metrics

    inputs, targets = data.test
    predicted = models.predict(model, inputs, settings.evaluate.batch_size)
    if settings.task == "series":
        return dict(series_metrics.score(targets[:, 0], predicted))
    return metrics.score(targets[:, 0].astype(np.int8), predicted)


@contextmanager
def cluster(address: str | None) -> Iterator[None]:
    """Joins a Ray cluster, or starts one on this machine alone that ends with the block.

    Raises:
        UserError: Ray is not installed, or there is no such cluster, or it is of another version.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Without a GPU the next version leaves this variable alone, and says so at each start.
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    code = {"py_modules": [str(Path(__file__).parent)]}
    options: dict[str, Any] = {"runtime_env": code} if address else _of_this_machine()
    try:
        import ray
    except ImportError:
        raise UserError(INSTALL) from None
    if address:
        _check_cluster(address)
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **options)
    except (ConnectionError, RuntimeError, ValueError, OSError) as failure:
        raise UserError(
            f"--address {address}: no cluster that this Ray {ray.__version__} can use ({first_line(failure)})"
        ) from None
    try:
        yield
    finally:
        ray.shutdown()


def _check_cluster(address: str) -> None:
    """Asks whether a cluster answers: Ray itself would wait for one for ever."""
    command = (sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address)
    with suppress(subprocess.TimeoutExpired):
        if not subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=False).returncode:
            return
    raise UserError(f"--address {address}: no Ray cluster answers there; `ray start --head` starts one")


def _of_this_machine() -> dict[str, Any]:
    # Ray listens on all addresses, and runs what it is told: only this process knows the word that it asks for.
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}


def outcomes(trials: Sequence[Trial], data: Data) -> Iterator[tuple[Trial, tuple[Outcome, bytes] | str]]:
    """Runs trials on the cluster; yields each as it ends, with what came of it, or a sentence on why it failed.

    Raises:
        UserError: no machine of the cluster has the processors that a trial asks for.
    """
    import ray

    _check_processors(trials, ray.nodes())
    task = ray.remote(max_calls=TRIALS_A_PROCESS, max_retries=RETRIES)(run_trial)
    shared = ray.put(data)
    left = iter(trials)
    running: dict[Any, Trial] = {}
    while True:
        for trial in itertools.islice(left, AT_ONCE - len(running)):
            threads = trial.settings.train.threads
            environment = {"env_vars": trainings.thread_variables(threads)}
            name = f"{trial.run.name} {trial.key}"
            submitted = task.options(num_cpus=threads, runtime_env=environment, name=name).remote(trial, shared)
            running[submitted] = trial
        if not running:
            return
        [done], _ = ray.wait(list(running), num_returns=1)
        yield running.pop(done), _result(done)


def _result(reference: Any) -> tuple[Outcome, bytes] | str:
    import ray

    try:
        found: tuple[Outcome, bytes] = ray.get(reference)
        return found
    except ray.exceptions.RayTaskError as failure:
        # Its own mistake, such as a loss that is no number: the same again would end the same.
        return first_line(failure.cause or failure)
    except ray.exceptions.OutOfMemoryError:
        return "the machine had not enough memory; take a smaller batch or network, or fewer trials at once"
    except ray.exceptions.RayError as failure:
        return f"its process died again and again ({first_line(failure)})"


def _check_processors(trials: Sequence[Trial], nodes: Sequence[Mapping[str, Any]]) -> None:
    largest = max(node["Resources"].get("CPU", 0) for node in nodes if node["Alive"])
    for trial in trials:
        if trial.settings.train.threads > largest:
            raise UserError(
                f"train.threads is {trial.settings.train.threads}, and no machine of the cluster has more than"
                f" {largest:.0f} processors; lower it"
            )
