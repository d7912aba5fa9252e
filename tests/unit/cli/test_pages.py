"""`rnnlab ui` and `rnnlab demo`."""

from pathlib import Path
from typing import Any

import pytest


def test_a_server_is_not_started_beside_a_team_s(rnnlab: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert rnnlab("ui") == 1
    assert "names a server" in capsys.readouterr().err


def test_networks_that_cannot_be_read_are_not_shown(rnnlab: Any, project: Path, capsys: Any) -> None:
    for folder, name, content in (("models", "rnn-1.keras", "?"), ("reports/history", "rnn-1.csv", "val_loss\n0.5\n")):
        (project / folder).mkdir(parents=True)
        (project / folder / name).write_text(content)
    assert rnnlab("demo") == 1
    told = "error: models/rnn-1.keras: not a .keras file; `dvc repro` makes models/<model>-<seed>.keras\n"
    assert capsys.readouterr().err == told
