"""`rnnlab ui`."""

from typing import Any

import pytest


def test_a_server_is_not_started_beside_a_team_s(rnnlab: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert rnnlab("ui") == 1
    assert "names a server" in capsys.readouterr().err
