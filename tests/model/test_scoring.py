"""What the evaluate stage tells of every model, from rows, networks and baselines that are on disk."""

from pathlib import Path

import keras
import numpy as np
import pytest

from rnnlab.data import ingestion
from rnnlab.evaluation import scoring
from rnnlab.evaluation.baselines import INVERSE_PENALTIES
from rnnlab.evaluation.rivals import fit_all
from rnnlab.features import arrays, encoding
from rnnlab.networks import models
from rnnlab.project import layout, overrides
from rnnlab.project.params import Params, Run
from tests.support.builders import write_csv
from tests.unit.data.test_sequences import HEADER, TASK, rows

FEW = {"compare": ["rnn"], "train.seeds": [1], "models.rnn.units": 4, "baselines": ["summary", "dtw"]}


@pytest.fixture
def project(settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """Sequences as they are before the evaluate stage, with a network that has learned nothing."""
    monkeypatch.chdir(tmp_path)
    ours = overrides.changed(settings, TASK | FEW, tmp_path)
    for folder in (layout.ROWS.parent, layout.SUMMARY.parent, layout.MODELS):
        folder.mkdir(parents=True)
    source = write_csv(tmp_path / "mine.csv", HEADER, *rows(60))
    ingestion.ingest(ours, source, layout.ROWS, layout.REJECTED, layout.SUMMARY)
    encoding.encode(ours, layout.ROWS, layout.VOCABULARY, layout.FEATURES)
    fit_all(ours, layout.ROWS, layout.FEATURES, layout.BASELINES)
    save_network(ours, 1)
    return ours


def save_network(settings: Params, seed: int) -> None:
    keras.utils.set_random_seed(seed)
    network = models.build(settings.task, settings.models["rnn"], 0, arrays.read_examples(layout.TRAIN, settings.task))
    models.save(network, layout.network(Run("rnn", seed)))


def test_penalties_are_told_of_the_models_that_have_one(project: Params) -> None:
    found = scoring.score(project).metrics
    assert list(found) == ["rnn", "summary", "dtw"]
    assert {name for name, figures in found.items() if "inverse_penalty" in figures} == {"summary"}
    assert found["summary"]["inverse_penalty"] in INVERSE_PENALTIES
    assert [found[name]["parameters"] for name in ("summary", "dtw")] == [2 * 7 + 2, 0]


def test_an_ensemble_joins_the_seeds_of_each_group(project: Params, tmp_path: Path) -> None:
    for seed in (2, 7, 9):
        save_network(project, seed)
    joined = {"train.seeds": [9, 1, 7, 2], "ensemble": ["rnn"], "ensemble_seeds": 2, "baselines": []}
    found = scoring.score(overrides.changed(project, joined, tmp_path))
    assert found.metrics["ensemble"]["parameters"] == 2 * found.metrics["rnn"]["parameters"]
    second = found.predictions.pivot(index="id", columns=["model", "seed"], values="probability")
    assert sorted(second["ensemble"]) == [1, 7]
    log_odds = second["rnn"].map(lambda p: np.log(p / (1 - p)))
    np.testing.assert_allclose(second["ensemble"][7], 1 / (1 + np.exp(-log_odds[[7, 9]].mean(axis=1))), rtol=1e-4)


def test_each_model_says_a_label_of_each_test_row(project: Params) -> None:
    told = scoring.score(project).predictions
    test = arrays.load_labelled(layout.TEST, project.task)
    for _, of_model in told.groupby("model"):
        assert of_model["id"].tolist() == test.ids.astype(str).tolist()
        assert of_model["label"].tolist() == np.asarray(test.labels).tolist()
        assert ((of_model["probability"] >= 0.5) == (of_model["predicted"] == 1)).all()
