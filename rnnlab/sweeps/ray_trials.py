"""Trials on a Ray cluster: each a task of its own, which Ray starts again where a process or a machine dies."""

import hashlib
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlab.networks import keras_import, training
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial

if TYPE_CHECKING:
    import keras

AT_ONCE = 200  # handed to Ray; it searches all that it has for each that is done
RETRIES = 20  # of a trial whose process or machine died
# A process keeps a little of each network that it has built.
TRIALS_A_PROCESS = 50


def run_trial(
    trial: Trial, data: Data, on_epoch: Callable[[dict[str, float]], None] | None = None
) -> tuple[Outcome, bytes]:
    """Trains and scores a network, in whatever process this is; gives what came of it and the ``.keras`` file."""
    with importing_keras():
        import keras

        from rnnlab.networks import models
    # Names of layers count on otherwise, and are part of the file.
    keras.utils.clear_session()
    with tempfile.TemporaryDirectory() as place:
        model, history = training.train(
            trial.run,
            trial.settings,
            data.train,
            data.validation,
            data.vocabulary_size,
            Checkpoint(Path(place) / "state.npz"),
            on_epoch or (lambda row: None),
        )
        network = Path(place) / "network.keras"
        models.save(model, network)
        content = network.read_bytes()
    figures = _score(model, trial.settings, data)
    digest = hashlib.sha256(content).hexdigest()
    return Outcome(history.epochs, history.best_epoch, figures, model.count_params(), digest), content


def _score(model: "keras.Model", settings: Params, data: Data) -> dict[str, Any]:
    from rnnlab.evaluation import metrics, series_metrics
    from rnnlab.networks import models

    inputs, targets = data.test
    predicted = models.predict(model, inputs, settings.evaluate.batch_size)
    if settings.task == "series":
        return dict(series_metrics.score(targets[:, 0], predicted))
    return metrics.score(targets[:, 0].astype(np.int8), predicted)


def outcomes(trials: Sequence[Trial], data: Data) -> Iterator[tuple[Trial, Result]]:
    """Runs trials on the cluster; yields each as it ends, with what came of it, or a sentence on why it failed."""
    import ray

    task = ray.remote(max_calls=TRIALS_A_PROCESS, max_retries=RETRIES)(run_trial)
    shared = ray.put(data)
    left = iter(trials)
    running: dict[Any, Trial] = {}
    while True:
        for trial in itertools.islice(left, AT_ONCE - len(running)):
            train = trial.settings.train
            environment = {"env_vars": keras_import.thread_variables(train.threads)}
            name = f"{trial.run.name} {trial.key}"
            submitted = task.options(num_cpus=train.threads, runtime_env=environment, name=name).remote(trial, shared)
            running[submitted] = trial
        if not running:
            return
        [done], _ = ray.wait(list(running), num_returns=1)
        yield running.pop(done), _result(done)


def _result(reference: Any) -> Result:
    import ray

    try:
        found: tuple[Outcome, bytes] = ray.get(reference)
        return found
    except ray.exceptions.RayError as failure:
        return ray_cluster.sentence(failure)


def check_processors(trials: Sequence[Trial]) -> None:
    """Checks that a machine of the cluster is large enough for each trial.

    Raises:
        UserError: no machine has the processors that a trial asks for.
    """
    import ray

    largest = max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    threads = max(trial.settings.train.threads for trial in trials)
    if threads > largest:
        raise UserError(
            f"train.threads is {threads}, and the largest machine of the cluster has {largest:.0f} processors; lower it"
        )
