from pathlib import Path

import pytest

from rnnlab.project import layout
from rnnlab.project.params import Params, Run
from rnnlab.serving.last_run import best_networks
from tests.support.results import changed


def trained(run: Run, *losses: float) -> None:
    for file in (layout.network(run), layout.history(run)):
        file.parent.mkdir(parents=True, exist_ok=True)
    layout.network(run).touch()
    layout.history(run).write_text("epoch,val_loss\n" + "".join(f"1,{loss}\n" for loss in losses))


def test_each_model_has_its_best_seed_by_validation_loss(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours = changed(settings, **{"train.seeds": [1, 2], "compare": ["rnn", "lstm", "gru"]})
    assert best_networks(ours) == {}
    trained(Run("rnn", 1), 0.5, 0.2, 0.4)
    trained(Run("rnn", 2), 0.3)
    trained(Run("lstm", 2), 0.3)
    wanted = {"rnn": layout.network(Run("rnn", 1)), "lstm": layout.network(Run("lstm", 2))}
    assert best_networks(ours) == wanted
    monkeypatch.chdir("/")
    assert best_networks(ours, tmp_path) == {name: tmp_path / network for name, network in wanted.items()}
