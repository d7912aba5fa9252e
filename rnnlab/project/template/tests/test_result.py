"""Checks of the last result; add what must hold of yours."""

import json
from pathlib import Path

from rnnlab.project import params


def test_every_model_was_scored_with_every_seed() -> None:
    settings = params.read()
    metrics = json.loads(Path("reports/metrics.json").read_text())
    for name in settings.compare:
        assert set(metrics[name]["per_seed"]) == {str(seed) for seed in settings.train.seeds}


def test_the_data_passed_their_checks() -> None:
    checks = json.loads(Path("reports/validation.json").read_text())
    assert all(check["success"] for check in checks if check["severity"] == "critical")
