"""A search on a Ray cluster that stops poor trials early, by Ray Tune's asynchronous successive halving."""

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
from rnnlab.sweeps.ray_trials import RETRIES
from rnnlab.sweeps.running import run_trial
from rnnlab.sweeps.trials import Data, Outcome, Result, Trial, stopped

Ended = Callable[[Trial, Result], None]


class _Keeper:
    """Holds the results of trials until they are fetched: Tune's checkpoints need storage that all machines share."""

    def __init__(self) -> None:
        self._results: dict[str, Result] = {}

    def put(self, key: str, result: Result) -> None:
        self._results[key] = result

    def take(self, key: str) -> Result | None:
        return self._results.pop(key, None)


class _Listener(tune.Callback):
    """Passes the results of trials on as they end, whichever way."""

    def __init__(self, keeper: Any, trials: Sequence[Trial], ended: Ended) -> None:
        self._keeper, self._trials, self._ended = keeper, trials, ended
        self._rows: dict[str, dict[int, dict[str, float]]] = defaultdict(dict)

    def on_trial_result(self, iteration: int, trials: Any, trial: Any, result: dict[str, Any], **info: Any) -> None:
        self._rows[self._trial(trial).key][int(result["epoch"])] = result["row"]  # once, even if it was restarted

    def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        ended = self._trial(trial)
        result = ray.get(self._keeper.take.remote(ended.key))  # None if it was stopped
        self._ended(ended, result or (stopped([row for _, row in sorted(self._rows[ended.key].items())]), b""))

    def on_trial_error(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
        self._ended(self._trial(trial), ray_cluster.sentence(trial.get_error() or RuntimeError("no reason given")))

    def _trial(self, trial: Any) -> Trial:
        index: int = trial.config["trial"]
        return self._trials[index]


def search(trials: Sequence[Trial], data: Data, asha: Asha, known: Mapping[str, Outcome], ended: Ended) -> None:
    """Runs trials side by side and stops, at each rung, those that are not among its best.

    Li et al. 2020, "A system for massively parallel hyperparameter tuning". The models are searched one after another,
    so that none is stopped because another learns faster.

    Args:
        trials: all of the sweep.
        data: that they read.
        asha: the rungs.
        known: outcomes of earlier runs of the same search, by key: they count on the rungs and are not trained again.
        ended: called with each trial that is not known, as it ends.
    """
    # By default, Tune treats Ctrl-C as the regular end of the search, and writes its own logs.
    os.environ |= {"TUNE_DISABLE_SIGINT_HANDLER": "1", "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1"}
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    keeper = ray.remote(_Keeper).options(num_cpus=0, scheduling_strategy=here).remote()

    def end_unknown(trial: Trial, result: Result) -> None:
        if trial.key not in known:
            ended(trial, result)

    for model in dict.fromkeys(trial.run.model for trial in trials):
        of_model = [trial for trial in trials if trial.run.model == model]
        if any(trial.key not in known for trial in of_model):
            _search_model(of_model, data, asha, known, _Listener(keeper, of_model, end_unknown), keeper)


def _search_model(
    trials: Sequence[Trial], data: Data, asha: Asha, known: Mapping[str, Outcome], listener: _Listener, keeper: Any
) -> None:
    rungs = tune.schedulers.ASHAScheduler(
        time_attr="epoch",
        metric="val_loss",
        mode="min",
        grace_period=asha.grace_epochs,
        reduction_factor=asha.reduction_factor,
        max_t=max(asha.grace_epochs, *(trial.training.epochs for trial in trials)),
        stop_last_trials=False,
    )
    task = tune.with_parameters(run_watched, trials=list(trials), data=data, known=dict(known), keeper=keeper)
    processors = max(trial.training.processors for trial in trials)
    retries = tune.FailureConfig(max_failures=RETRIES)
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            tune.with_resources(task, {"cpu": processors}),
            param_space={"trial": tune.grid_search(list(range(len(trials))))},
            tune_config=tune.TuneConfig(scheduler=rungs),
            run_config=tune.RunConfig(storage_path=folder, callbacks=[listener], failure_config=retries, verbose=0),
        ).fit()


def run_watched(
    config: dict[str, int], trials: Sequence[Trial], data: Data, known: Mapping[str, Outcome], keeper: Any
) -> None:
    """Trains a network and reports each epoch but the last, after which there is nothing to stop.

    A known trial is not trained: its epochs are reported again.
    """
    trial = trials[config["trial"]]
    epochs = trial.training.epochs

    def report(row: dict[str, float]) -> None:
        if row["epoch"] < epochs:
            tune.report({"epoch": int(row["epoch"]), "val_loss": row["val_loss"], "row": row})

    if trial.key in known:
        for row in known[trial.key].history:
            report(row)
        return
    os.environ |= keras_import.thread_variables(trial.training.threads)
    try:
        result: Result = run_trial(trial, data, report)
    except UserError as mistake:  # another attempt would end the same
        result = str(mistake)
    ray.get(keeper.put.remote(trial.key, result))
