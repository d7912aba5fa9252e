"""`rnnlab promote`."""

from collections.abc import Callable

import pytest


@pytest.mark.parametrize("words", [(), ("0123abcd",), ("--rollback",)])
def test_a_server_that_is_down_is_a_sentence(
    rnnlab: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    assert rnnlab("promote", *words) == 1
    told = capsys.readouterr()
    assert told.err.startswith("error: http://127.0.0.1:9: MLflow cannot be used (")
    assert told.err.endswith("); nothing was changed\n") and told.err.count("\n") == 1
    assert told.out == ""
