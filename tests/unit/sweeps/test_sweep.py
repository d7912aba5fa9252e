"""Trials of a sweep, as they end."""

from pathlib import Path

import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from rnnlab.sweeps.sweep import Sweep
from rnnlab.sweeps.trials import Trial


def test_a_trial_that_fails_is_shown_counted_and_told(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    sweep = Sweep("mine", "key", 2)
    sweep.check()
    with sweep.progress():
        sweep.end(Trial("a", Run("lstm", 3), settings), "no memory is left")
    assert capsys.readouterr().out == "1 of 2  lstm-3  no memory is left\n"
    with pytest.raises(UserError, match="1 trainings failed, the first because: no memory is left; the same command"):
        sweep.check()
