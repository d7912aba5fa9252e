"""Trials on a Ray cluster: each is one task, which Ray starts again if its process or its machine dies."""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from rnnlab.networks.keras_import import thread_variables
from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.sweeps.trials import TRIALS_PER_PROCESS, Data, Result, RunTrial, Trial

AT_ONCE = 200  # tasks submitted to Ray: `ray.wait` looks at each of them
RETRIES = 20  # of a trial whose process or machine died


def outcomes(trials: Sequence[Trial], data: Data, run: RunTrial) -> Iterator[tuple[Trial, Result]]:
    """Runs trials on the cluster; yields each as it ends, with its result."""
    import ray

    task = ray.remote(max_calls=TRIALS_PER_PROCESS, max_retries=RETRIES)(run)
    shared = ray.put(data)
    waiting = iter(trials)
    running: dict[Any, Trial] = {}
    while True:
        for trial in itertools.islice(waiting, AT_ONCE - len(running)):
            threads, name = trial.training.threads, f"{trial.run.name} {trial.key}"
            environment = {"env_vars": thread_variables(threads)}
            options = {"num_cpus": trial.training.processors, "runtime_env": environment, "name": name}
            submitted = task.options(**options).remote(trial, shared)
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
    largest = max(ray_cluster.processors())
    asked = max(trial.training.processors for trial in trials)
    if asked > largest:
        raise UserError(
            f"train.threads times train.workers is {asked}, but the largest machine of the cluster has {largest}"
            " processors; lower one"
        )
