"""The third task on the same pipeline: the label of a sequence of numbers."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import pyfunc, set_tracking_uri
from PIL import Image

from rnnlab.tracking.logged_models import address
from tests.pipeline.conftest import SEQUENCES, Project, change_params, made_sequences


def test_the_same_stages_score_networks_and_baselines(finished_sequences: Project) -> None:
    metrics = json.loads((finished_sequences.folder / "reports/metrics.json").read_text())
    means = {name: model["mean"] for name, model in metrics.items()}
    assert set(means) == {"rnn", "lstm", "majority", "summary", "dtw"}
    assert {"accuracy", "macro_f1", "roc_auc", "log_loss", "ece"} <= means["lstm"].keys()
    assert means["summary"]["accuracy"] > 0.8 and means["majority"]["accuracy"] < 0.5
    assert max(means["lstm"]["accuracy"], means["rnn"]["accuracy"]) > 0.6
    predictions = pd.read_parquet(finished_sequences.folder / "data/predictions.parquet")
    columns = ["id", "label", "words", "slice_person", "model", "seed", "predicted", "probability"]
    assert list(predictions.columns) == columns and predictions["words"].between(4, 15).all()
    for name in ("training_curves", "confusion_matrices", "accuracy_by_length", "calibration", "label_scores"):
        with Image.open(finished_sequences.folder / f"reports/figures/{name}.png") as image:
            image.load()


def test_no_person_is_in_two_splits_and_the_scaler_knows_training_steps_alone(finished_sequences: Project) -> None:
    rows = pd.read_parquet(finished_sequences.folder / "data/interim/rows.parquet")
    assert rows.groupby("group")["split"].nunique().max() == 1
    training = rows[rows["split"] == "train"]
    values = [np.concatenate(training[f"channel_{name}"].tolist()) for name in ("a", "b")]
    features = finished_sequences.folder / "data/features"
    scaler = json.loads((features / "train/scaler.json").read_text())
    assert scaler["channels"] == ["a", "b"]
    assert scaler["mean"] == pytest.approx([steps.mean() for steps in values])
    assert scaler["scale"] == pytest.approx([steps.std() for steps in values])
    for split in ("train", "validation", "test"):
        inputs, lengths = (np.load(features / split / f"{name}.npy") for name in ("inputs", "lengths"))
        assert inputs.dtype == np.float32 and inputs.shape[1:] == (SEQUENCES["sequences.max_length"], 2)
        assert ((inputs != 0).any(axis=2).sum(axis=1) == np.minimum(lengths, 12)).all()


def test_the_page_speaks_of_sequences_and_steps(finished_sequences: Project) -> None:
    page = (finished_sequences.folder / "reports/index.html").read_text()
    assert "Steps per sequence, by percentile of the sequences" in page
    assert "each of the 2 channels by itself: a, b" in page and "A sequence keeps its last 12 steps" in page
    assert "steps in the sequence" in page and "F1 of each label" in page and "by person" in page
    assert "Word by word" not in page and "words in the text" not in page and "Most frequent words" not in page
    assert "sequence s" in page  # those that networks get wrong, by name


def test_nothing_changed_runs_nothing(finished_sequences: Project) -> None:
    assert "up to date" in finished_sequences.run("dvc", "status").stdout


def test_the_logged_model_gives_the_labels_of_the_test_rows(finished_sequences: Project) -> None:
    [run] = [run for run in finished_sequences.runs("tags.kind = 'model'") if run.info.run_name == "lstm-1"]
    assert run.data.params["max_length"] == "12"
    set_tracking_uri(f"sqlite:///{finished_sequences.folder / 'mlflow/mlflow.db'}")
    rows = pd.read_parquet(finished_sequences.folder / "data/interim/rows.parquet").set_index("id")
    predictions = pd.read_parquet(finished_sequences.folder / "data/predictions.parquet")
    wanted = predictions[predictions["model"] == "lstm"].head(8)
    channels = [rows.loc[wanted["id"], f"channel_{name}"] for name in ("a", "b")]
    steps = [np.stack(both, axis=1).tolist() for both in zip(*channels, strict=True)]
    model = pyfunc.load_model(address(run))
    answer = model.predict(pd.DataFrame({"steps": steps}), params={"all": True})
    assert answer["label"].tolist() == [("down", "flat", "up")[number] for number in wanted["predicted"]]
    assert answer["probability"].tolist() == pytest.approx(wanted["probability"].tolist(), abs=1e-4)
    every = answer[["probability_down", "probability_flat", "probability_up"]]
    assert every.sum(axis=1).tolist() == pytest.approx([1.0] * 8, abs=1e-4)


def test_file_and_run_label_the_sequences_of_a_csv_alike(finished_sequences: Project, tmp_path: Path) -> None:
    [run] = [run for run in finished_sequences.runs("tags.kind = 'model'") if run.info.run_name == "lstm-1"]
    unlabelled = tmp_path / "in.csv"
    rows = pd.read_csv(finished_sequences.folder / "data/raw/mine.csv").drop(columns=["kind", "person"])
    rows[["b", "step", "a", "sequence"]].to_csv(unlabelled, index=False)
    tables = []
    for which in (("--model", "models/lstm-1.keras"), ("--run", run.info.run_id)):
        words = ("predict", *which, "--csv", str(unlabelled), "--out", str(tmp_path / "out.csv"), "--all")
        done = finished_sequences.inside("rnnlab.cli.main", *words)
        assert "120 sequences predicted into" in done.stdout
        tables.append(pd.read_csv(tmp_path / "out.csv"))
    assert len(tables[0].columns) == 8 and tables[0]["label"].tolist() == tables[1]["label"].tolist()
    clean = pd.read_parquet(finished_sequences.folder / "data/interim/rows.parquet").set_index("id")["sequence"]
    predictions = pd.read_parquet(finished_sequences.folder / "data/predictions.parquet")
    wanted = predictions[predictions["model"] == "lstm"]
    given = tables[1].set_index("sequence").loc[clean[wanted["id"]]]
    assert given["probability"].tolist() == pytest.approx(wanted["probability"].tolist(), abs=1e-4)


def test_models_of_sequences_are_judged_as_those_of_texts_are(finished_sequences: Project) -> None:
    told = finished_sequences.inside("rnnlab.cli.main", "promote", "--dry-run", expect=None).stdout
    assert "latency: one sequence takes" in told and "accuracy" in told


@pytest.mark.parametrize("engine", ["fast", "stock"])
def test_two_labels_without_groups(engine: str, fresh: Project) -> None:
    made_sequences(fresh.folder / "data/raw/mine.csv", kinds=("down", "up"))
    changes = {"split.group_column": None, "data.channels": [], "data.step_column": None, "train.engine": engine}
    change_params(fresh.folder, SEQUENCES | changes | {"compare": ["lstm"], "evaluate.slices": []})
    stages = ("ingest", "validate", "tokenize_pad", "baseline", "size", "train@lstm-1", "evaluate", "compare", "plot")
    for name in (*stages, "report"):
        fresh.stage(name, MLFLOW_SYNC="off")
    summary = json.loads((fresh.folder / "reports/data.json").read_text())
    assert summary["channels"] == ["step", "a", "b"]  # the column of steps is one of numbers like the others
    metrics = json.loads((fresh.folder / "reports/metrics.json").read_text())
    assert metrics["lstm"]["mean"]["accuracy"] > 0.8 and "f1" in metrics["lstm"]["mean"]


MISTAKES = {
    "a word in a channel": ("s1,0,1,x,up,p\n", "row 1 has 'x' in column 'b'; expected a finite number"),
    "no such column": ("", "no column 'kind'"),
    "only one label": ("s1,0,1,2,up,p\ns2,0,1,3,up,p\n", "column 'kind' has one label only, 'up'"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_file_is_one_sentence_and_no_partial_result(mistake: str, fresh: Project) -> None:
    content, sentence = MISTAKES[mistake]
    header = "sequence,step,a,b,kind,person\n" if content else "sequence,step,a,b,sort,person\ns1,0,1,2,up,p\n"
    (fresh.folder / "mine.csv").write_text(header + content)
    change_params(fresh.folder, SEQUENCES | {"data.csv": "mine.csv"})
    done = fresh.stage("ingest", expect=1)
    assert done.stderr.startswith("error: ") and sentence in done.stderr and done.stderr.count("\n") == 1
    assert not (fresh.folder / "data/interim/rows.parquet").exists()


PARAMS = {
    "a baseline of another task": (
        SEQUENCES | {"baselines": ["tfidf"]},
        "baselines: must be majority, summary, dtw, a file extensions/baselines/NAME.py",
    ),
    "groups of texts": ({"split.group_column": "person"}, "split.group_column: the text task has no groups; set null"),
    "a channel twice": (SEQUENCES | {"data.channels": ["a", "a"]}, "data.channels: has the same entry twice"),
}


@pytest.mark.parametrize("mistake", PARAMS)
def test_parameters_that_do_not_fit_together_stop_before_anything_runs(mistake: str, fresh: Project) -> None:
    changes, sentence = PARAMS[mistake]
    change_params(fresh.folder, changes)
    assert sentence in fresh.stage("ingest", expect=1).stderr
