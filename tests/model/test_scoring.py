"""What the evaluate stage tells of every model, from rows, networks and baselines that are on disk."""

from pathlib import Path

import numpy as np
import pytest

from rnnlab.data import ingestion
from rnnlab.evaluation import scoring
from rnnlab.evaluation.baselines import INVERSE_PENALTIES
from rnnlab.evaluation.rivals import fit_all
from rnnlab.features import arrays, encoding
from rnnlab.networks import models
from rnnlab.project import layout, overrides
from rnnlab.project.params import Params
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
    network = models.build(ours.task, ours.models["rnn"], 0, arrays.read_examples(layout.TRAIN, ours.task))
    models.save(network, layout.network(ours.runs[0]))
    return ours


def test_penalties_are_told_of_the_models_that_have_one(project: Params) -> None:
    found = scoring.score(project).metrics
    assert list(found) == ["rnn", "summary", "dtw"]
    assert {name for name, figures in found.items() if "inverse_penalty" in figures} == {"summary"}
    assert found["summary"]["inverse_penalty"] in INVERSE_PENALTIES
    assert [found[name]["parameters"] for name in ("summary", "dtw")] == [2 * 7 + 2, 0]


def test_each_model_says_a_label_of_each_test_row(project: Params) -> None:
    told = scoring.score(project).predictions
    test = arrays.load_labelled(layout.TEST, project.task)
    for _, of_model in told.groupby("model"):
        assert of_model["id"].tolist() == test.ids.astype(str).tolist()
        assert of_model["label"].tolist() == np.asarray(test.labels).tolist()
        assert ((of_model["probability"] >= 0.5) == (of_model["predicted"] == 1)).all()
