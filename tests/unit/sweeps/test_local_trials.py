"""The pool of processes on this machine, without any network."""

import os
from pathlib import Path

import numpy as np
import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from rnnlab.sweeps import local_trials
from rnnlab.sweeps.trials import Data, Outcome, Trial

NOTHING = np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32)
DATA = Data(NOTHING, NOTHING, NOTHING, 5)


def planned(settings: Params, count: int, first: int = 0) -> list[Trial]:
    return [Trial(str(number), Run("rnn", number), settings) for number in range(first, first + count)]


def answer(trial: Trial, data: Data) -> tuple[Outcome, bytes]:
    """Tells which process ran a trial, with which data."""
    print("nobody wants to read this")
    return Outcome([], 0, {"process": os.getpid(), "words": data.vocabulary_size}, trial.run.seed, ""), b""


def refuse(trial: Trial, data: Data) -> tuple[Outcome, bytes]:
    raise UserError(f"{trial.run.name} cannot be trained")


def die(trial: Trial, data: Data) -> tuple[Outcome, bytes]:
    os._exit(9)


def test_each_trial_is_run_once_with_the_data(settings: Params, capfd: pytest.CaptureFixture[str]) -> None:
    with local_trials.pool(DATA, answer, 1) as outcomes:
        results = list(outcomes(planned(settings, 5)))
    assert sorted(trial.run.seed for trial, _ in results) == [0, 1, 2, 3, 4]
    for trial, result in results:
        assert not isinstance(result, str)
        assert result[0].parameters == trial.run.seed and result[0].test["words"] == 5
    assert capfd.readouterr().out == ""


def test_processes_are_renewed_before_they_leak_much(settings: Params, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_trials, "TRIALS_PER_PROCESS", 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    used = []
    with local_trials.pool(DATA, answer, 1) as outcomes:
        for call in range(3):
            found = [result for _, result in outcomes(planned(settings, 2, first=2 * call))]
            used.append({result[0].test["process"] for result in found if not isinstance(result, str)})
    assert [len(processes) for processes in used] == [1, 1, 1]
    assert len(set.union(*used)) == 3


def test_a_mistake_is_told_and_the_others_run(settings: Params) -> None:
    with local_trials.pool(DATA, refuse, 1) as outcomes:
        told = {trial.run.seed: result for trial, result in outcomes(planned(settings, 2))}
    assert told == {0: "rnn-0 cannot be trained", 1: "rnn-1 cannot be trained"}


def test_a_process_that_dies_is_one_sentence(settings: Params) -> None:
    with (
        pytest.raises(UserError, match="the process of a training died, as where memory is short"),
        local_trials.pool(DATA, die, 1) as outcomes,
    ):
        list(outcomes(planned(settings, 1)))


def test_the_environment_bounds_the_threads(settings: Params, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    with local_trials.pool(DATA, answer, 3):
        assert os.environ["OMP_NUM_THREADS"] == "3"
