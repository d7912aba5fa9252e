"""A search on a Ray cluster that stops poor trials early: asynchronous successive halving, by Ray Tune."""

import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from rnnlab.networks import keras_import
from rnnlab.project import ray_cluster
from rnnlab.project.errors import UserError
from rnnlab.sweeps.grids import Asha
from rnnlab.sweeps.ray_trials import RETRIES, run_trial
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial, stopped

Ended = Callable[[Trial, Result], None]


class Keeper:
    """Holds what trials end with until it is fetched: a process that trained ends with its trial."""

    def __init__(self) -> None:
        self._kept: dict[str, Result] = {}

    def put(self, key: str, result: Result) -> None:
        """Takes what came of a trial."""
        self._kept[key] = result

    def take(self, key: str) -> Result | None:
        """Gives what came of a trial, once; None where it did not come to its end."""
        return self._kept.pop(key, None)


class Listener(tune.Callback):
    """Hears of trials as they end, whichever way."""

    def __init__(self, keeper: Any, trials: Sequence[Trial], ended: Ended) -> None:
        self._keeper, self._trials, self._ended = keeper, trials, ended
        self._rows: dict[str, dict[int, dict[str, float]]] = defaultdict(dict)

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        """Notes an epoch; of a trial that was begun again, once."""
        self._rows[self._own(trial).key][int(result["epoch"])] = result["row"]

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Tells what came of a trial; one that has left nothing was stopped."""
        own = self._own(trial)
        rows = self._rows[own.key]
        self._ended(
            own, ray.get(self._keeper.take.remote(own.key)) or (stopped([rows[key] for key in sorted(rows)]), b"")
        )

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        """Tells why a trial has failed, after all attempts."""
        self._ended(self._own(trial), ray_cluster.sentence(trial.get_error() or RuntimeError("no reason given")))

    def _own(self, trial: Any) -> Trial:
        own: Trial = self._trials[trial.config["trial"]]
        return own


def search(trials: Sequence[Trial], data: Data, asha: Asha, known: Mapping[str, Outcome], ended: Ended) -> None:
    """Runs trials side by side and stops, at each rung, those that are not among its best.

    Li et al. 2020, "A system for massively parallel hyperparameter tuning". The models are searched one after another,
    so that none is stopped because another one learns faster.

    Args:
        trials: of the sweep.
        data: what they read.
        asha: the rungs.
        known: what earlier runs of the same search found, by key: it counts on the rungs and is not trained again.
        ended: is told of each trial that is not known, as it ends.
    """
    # Tune would end the search at Ctrl-C as if it were finished, and write logs of its own.
    os.environ |= {"TUNE_DISABLE_SIGINT_HANDLER": "1", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    keeper = ray.remote(Keeper).options(num_cpus=0, scheduling_strategy=here).remote()

    def tell(trial: Trial, result: Result) -> None:
        if trial.key not in known:
            ended(trial, result)

    for model in dict.fromkeys(trial.run.model for trial in trials):
        own = [trial for trial in trials if trial.run.model == model]
        if any(trial.key not in known for trial in own):
            _search_model(own, data, asha, known, Listener(keeper, own, tell), keeper)


def _search_model(
    trials: Sequence[Trial], data: Data, asha: Asha, known: Mapping[str, Outcome], listener: Listener, keeper: Any
) -> None:
    rungs = tune.schedulers.ASHAScheduler(
        time_attr="epoch",
        metric="val_loss",
        mode="min",
        grace_period=asha.grace_epochs,
        reduction_factor=asha.reduction_factor,
        max_t=max(asha.grace_epochs, *(trial.settings.train.epochs for trial in trials)),
        stop_last_trials=False,
    )
    task = tune.with_parameters(run_watched, trials=list(trials), data=data, known=dict(known), keeper=keeper)
    threads = max(trial.settings.train.threads for trial in trials)
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            tune.with_resources(task, {"cpu": threads}),
            param_space={"trial": tune.grid_search(list(range(len(trials))))},
            tune_config=tune.TuneConfig(scheduler=rungs),
            run_config=tune.RunConfig(
                storage_path=folder,
                callbacks=[listener],
                failure_config=tune.FailureConfig(max_failures=RETRIES),
                verbose=0,
            ),
        ).fit()


def run_watched(
    config: dict[str, int], trials: Sequence[Trial], data: Data, known: Mapping[str, Outcome], keeper: Any
) -> None:
    """Trains a network and reports each epoch but the last, after which there is nothing to stop.

    What is known already is reported as it was.
    """
    trial = trials[config["trial"]]
    epochs = trial.settings.train.epochs

    def report(row: dict[str, float]) -> None:
        if row["epoch"] < epochs:
            tune.report({"epoch": int(row["epoch"]), "val_loss": row["val_loss"], "row": row})

    if trial.key in known:
        for row in known[trial.key].history:
            report(row)
        return
    os.environ |= keras_import.thread_variables(trial.settings.train.threads)
    try:
        result: Result = run_trial(trial, data, report)
    except UserError as mistake:  # the same again would end the same
        result = str(mistake)
    ray.get(keeper.put.remote(trial.key, result))
