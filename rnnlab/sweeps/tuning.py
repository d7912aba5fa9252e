"""Tunes every model of ``compare`` at the same price, from its search space to a table and a named experiment."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

from rnnlab.evaluation import studies
from rnnlab.project import params, ray_cluster
from rnnlab.project.engines import Engine
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.sweeps import local_trials, running, space, study_files, sweep
from rnnlab.sweeps.space import Sampler
from rnnlab.sweeps.study import Study, rounds
from rnnlab.sweeps.sweep import Sweep
from rnnlab.sweeps.trials import Data, Outcome, Outcomes, Trial


class Effort(NamedTuple):
    """How much is tried, and how.

    Attributes:
        trials: of each model.
        minutes: after which no more trials are begun.
        engine: that the trainings run on.
        address: of a Ray cluster; None for this machine alone.
        sampler: that draws the trials.
    """

    trials: int
    minutes: float | None
    engine: Engine
    address: str | None
    sampler: Sampler


def run(name: str | None, effort: Effort) -> None:
    """Trains what is not trained yet, logs what is not logged yet, and writes the study's files.

    Args:
        name: of the study, and of the experiment that its winners become; that of the data by default.
        effort: how much is tried, and how.

    Raises:
        UserError: the space, the features or the cluster cannot be used, a training failed, or all diverged.
    """
    settings = params.read()
    name = name or studies.name_of(settings)
    check(settings)
    data = sweep.read_features(settings)
    study = Study(settings, effort.sampler, data)
    total = effort.trials * len(settings.compare) * len(settings.tune.seeds)
    log = Sweep(name, study.key, total, search=True, kind="study")
    print(study_files.introduction(name, study, effort.trials), flush=True)
    with started(effort, data, settings) as outcomes, log.progress():
        _search(study, log, effort, outcomes)
    if not all(study.ranked(model) for model in settings.compare):
        raise UserError(study_files.nothing_learned(study))
    files = study_files.write(name, study, effort.sampler)
    sweep.conclude(log, files.page, files.text)
    print(
        f"wrote {files.experiment}; train the winners with fresh seeds: rnnlab experiments run {files.experiment.stem}"
    )


def check(settings: Params) -> None:
    """Checks that the search can say something.

    Raises:
        UserError: a model cannot have an option of the space, sizes are matched, or a seed of the search is one of the
            comparison.
    """
    if settings.match != "none":
        raise UserError(
            "params.yaml: match: rnnlab tune looks for the best of each model by itself; set it to none, and match the"
            " sizes of the winners"
        )
    if common := sorted({*settings.tune.seeds} & {*settings.train.seeds}):
        shown = ", ".join(map(str, common))
        raise UserError(f"params.yaml: tune.seeds: {shown} is in train.seeds too; the winners need seeds of their own")
    space.check(settings)


@contextmanager
def started(effort: Effort, data: Data, settings: Params) -> Iterator[Outcomes]:
    """Keeps an engine running for the length of a block, and yields what runs trials on it."""
    if effort.engine == "local":
        processors = max(settings.training_of(model).processors for model in settings.compare)
        with local_trials.pool(data, running.try_options, processors) as outcomes:
            yield outcomes
        return
    with ray_cluster.cluster(effort.address, f"--address {effort.address}"):
        from rnnlab.sweeps import ray_trials

        yield partial(ray_trials.outcomes, data=data, run=running.try_options)


def _search(study: Study, log: Sweep, effort: Effort, outcomes: Outcomes) -> None:
    def train(planned: Sequence[Trial]) -> Mapping[str, Outcome]:
        for trial, result in outcomes(log.take(planned)):
            log.end(trial, result)
        log.check()
        return log.outcomes

    started = time.monotonic()
    for count in rounds(effort.trials):
        study.round(count, train)
        if effort.minutes and time.monotonic() - started > 60 * effort.minutes and len(study) < effort.trials:
            print(f"\n{effort.minutes:g} minutes are over after {len(study)} of {effort.trials} trials of each model")
            break
