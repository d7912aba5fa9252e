"""Trials on a Ray cluster: each is one task, which Ray starts again if its process or its machine dies."""

import hashlib
import itertools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras, thread_variables
from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial

if TYPE_CHECKING:
    import keras

OnEpoch = Callable[[dict[str, float]], None]
AT_ONCE = 200  # tasks submitted to Ray: `ray.wait` looks at each of them
RETRIES = 20  # of a trial whose process or machine died
TRIALS_PER_PROCESS = 50  # a process leaks some memory with each network that it builds


def run_trial(trial: Trial, data: Data, on_epoch: OnEpoch = lambda row: None) -> tuple[Outcome, bytes]:
    """Trains and scores a network in this process; returns the outcome and the ``.keras`` file."""
    with importing_keras():
        import keras

        from rnnlab.networks import models, training
    keras.utils.clear_session()  # or layers would be numbered on from the last network's, and the file would differ
    with tempfile.TemporaryDirectory() as folder:
        network, checkpoint = Path(folder) / "network.keras", Checkpoint(Path(folder) / "state.npz")
        model, history = training.train(
            trial.run, trial.settings, data.train, data.validation, data.vocabulary_size, checkpoint, on_epoch
        )
        models.save(model, network)
        content = network.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    scores = _score(model, trial.settings, data)
    return Outcome(history.epochs, history.best_epoch, scores, model.count_params(), digest), content


def _score(model: "keras.Model", settings: Params, data: Data) -> dict[str, Any]:
    from rnnlab.evaluation import metrics, series_metrics
    from rnnlab.networks import models

    scorers = {"text": lambda true, found: metrics.score(true.astype(np.int8), found), "series": series_metrics.score}
    inputs, targets = data.test
    predicted = models.predict(model, inputs, settings.evaluate.batch_size)
    return dict(scorers[settings.task](targets[:, 0], predicted))


def outcomes(trials: Sequence[Trial], data: Data) -> Iterator[tuple[Trial, Result]]:
    """Runs trials on the cluster; yields each as it ends, with its result."""
    import ray

    task = ray.remote(max_calls=TRIALS_PER_PROCESS, max_retries=RETRIES)(run_trial)
    shared = ray.put(data)
    waiting = iter(trials)
    running: dict[Any, Trial] = {}
    while True:
        for trial in itertools.islice(waiting, AT_ONCE - len(running)):
            threads, name = trial.training.threads, f"{trial.run.name} {trial.key}"
            environment = {"env_vars": thread_variables(threads)}
            submitted = task.options(num_cpus=threads, runtime_env=environment, name=name).remote(trial, shared)
            running[submitted] = trial
        if not running:
            return
        [done], _ = ray.wait(list(running), num_returns=1)
        yield running.pop(done), _result(done)


def _result(reference: Any) -> Result:
    import ray

    try:
        result: Result = ray.get(reference)
        return result
    except ray.exceptions.RayError as failure:
        return ray_cluster.sentence(failure)


def check_processors(trials: Sequence[Trial]) -> None:
    """Checks that the cluster has a machine that is large enough for each trial.

    Raises:
        UserError: no machine has as many processors as a trial asks for.
    """
    import ray

    largest = max(node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"])
    threads = max(trial.training.threads for trial in trials)
    if threads > largest:
        raise UserError(
            f"train.threads is {threads}, but the largest machine of the cluster has {largest:.0f} processors; lower it"
        )
