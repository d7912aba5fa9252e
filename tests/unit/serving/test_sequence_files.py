"""Sequences of a CSV get labels, as in training."""

import csv
from pathlib import Path

import numpy as np
import pytest

from rnnlab.features.sequences import Scaler, save_scaler
from rnnlab.networks import models, predicting
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_json
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from rnnlab.serving import sequence_files
from rnnlab.serving.predictors import Predictor
from tests.support.networks import plain

SCALER = Scaler(("b", "a"), (1.0, 0.0), (2.0, 1.0), 4)
LABELS = ("down", "flat", "up")
VALUES = {"w1": [[1.0, 2.0], [3.0, 4.0]], "w2": [[5.0, 6.0]] * 6}  # b, a


@pytest.fixture
def ours(settings: Params, tmp_path: Path) -> Params:
    return changed(settings, {"task": "sequences", "baselines": ["majority"]}, tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("trained")
    rows = np.zeros((3, 4, 2), np.float32), np.arange(3, dtype=np.float32)[:, None]
    models.save(models.build("sequences", plain(5, 3, output="auto"), 0, rows), made / "lstm-1.keras")
    save_scaler(made, SCALER)
    write_json(made / "data.json", {"labels": list(LABELS)})
    return made


def loaded(folder: Path) -> Predictor:
    return sequence_files.load_file(folder / "lstm-1.keras", folder / "scaler.json", folder / "data.json")


def written(target: Path) -> Path:
    """Columns in another order than the channels, one more, and no labels."""
    lines = [f"{name},{step},{a},x,{b}" for name, rows in VALUES.items() for step, (b, a) in enumerate(rows)]
    target.write_text("sequence,step,a,other,b\n" + "\n".join(lines) + "\n")
    return target


def test_each_sequence_gets_the_label_that_the_network_gives(folder: Path, ours: Params, tmp_path: Path) -> None:
    predictor, source, target = loaded(folder), written(tmp_path / "in.csv"), tmp_path / "out.csv"
    assert predictor.channels == ("b", "a")
    assert sequence_files.label_csv(predictor, ours, source, target, every_label=True) == 2
    inputs = SCALER.encode([np.array(rows) for rows in VALUES.values()])
    wanted = predicting.predict(models.load(folder / "lstm-1.keras"), inputs, 256)
    with target.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["sequence"], row["steps"]) for row in rows] == [("w1", "2"), ("w2", "6")]
    assert [row["label"] for row in rows] == [LABELS[number] for number in wanted.argmax(axis=1)]
    every = [[float(row[f"probability_{label}"]) for label in LABELS] for row in rows]
    np.testing.assert_allclose(every, wanted, rtol=1e-6)
    assert [float(row["probability"]) for row in rows] == [max(row) for row in every]
    assert all(row["model_version"] == predictor.version for row in rows)
    sequence_files.label_csv(predictor, ours, source, target)
    assert target.read_text().splitlines()[0] == "sequence,steps,label,probability,model_version"


def test_what_cannot_be_labelled_is_a_sentence(folder: Path, ours: Params, tmp_path: Path) -> None:
    predictor, source, target = loaded(folder), written(tmp_path / "in.csv"), tmp_path / "out.csv"
    with pytest.raises(UserError, match=r"none\.csv: no such file; name a CSV with a row per step"):
        sequence_files.label_csv(predictor, ours, tmp_path / "none.csv", target)
    with pytest.raises(UserError, match="the predictions need a file of their own"):
        sequence_files.label_csv(predictor, ours, source, source)
    source.write_text(source.read_text() + "w1,9,1,x,1\n")
    with pytest.raises(UserError, match="row 9 begins sequence 'w1' again, which ended in row 2"):
        sequence_files.label_csv(predictor, ours, source, target)
    source.write_text("sequence,step,b\nw1,1,1\n")
    with pytest.raises(UserError, match="no column 'a'"):
        sequence_files.label_csv(predictor, ours, source, target)
    assert not target.exists()


def test_a_network_of_other_sequences_is_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gru-1.keras: no such file"):
        sequence_files.load_file(tmp_path / "gru-1.keras", folder / "scaler.json", folder / "data.json")
    save_scaler(tmp_path, SCALER._replace(max_length=5))
    with pytest.raises(UserError, match="not a network that reads 5 steps of 2 channels"):
        sequence_files.load_file(folder / "lstm-1.keras", tmp_path / "scaler.json", folder / "data.json")
    write_json(tmp_path / "data.json", {"labels": ["a", "b", "c", "d"]})
    with pytest.raises(UserError, match=r"tells 3 labels apart, and .* names 4"):
        sequence_files.load_file(folder / "lstm-1.keras", folder / "scaler.json", tmp_path / "data.json")
