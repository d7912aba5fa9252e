"""Any number of labels through the real stages, from a CSV to the page and to predictions."""

import csv
import json
import random
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import pytest

from tests.pipeline.conftest import Project

SMALL = {
    "compare": ["rnn", "lstm"],
    "train__seeds": [1],
    "train__epochs": 4,
    "train__learning_rate": 0.02,
    "evaluate__slices": [],
    "data__csv": "data/raw/mine.csv",
    "validate__min_rows_per_class": 1,
}
STAGES = ("ingest", "validate", "tokenize_pad", "baseline", "size")
LATER = ("evaluate", "compare", "plot", "report")


def texts(counts: Mapping[str, int], seed: int = 1) -> Iterator[tuple[str, str]]:
    """Rows of words of their label among words of none."""
    generator = random.Random(seed)
    rows = [label for label, count in counts.items() for _ in range(count)]
    generator.shuffle(rows)
    for number, label in enumerate(rows):
        own = [f"{label.replace(' ', '')}{generator.randrange(3)}" for _ in range(4)]
        words = [*own, *(f"filler{generator.randrange(30)}" for _ in range(6)), f"text{number}"]
        generator.shuffle(words)
        yield " ".join(words), label


def run(project: Project, counts: Mapping[str, int], **changes: object) -> Project:
    source = project.folder / "data/raw/mine.csv"
    source.parent.mkdir(parents=True, exist_ok=True)
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows([("review", "sentiment"), *texts(counts)])
    settings: dict[str, Any] = {**SMALL, **changes}
    project.set_params(**settings)
    for name in (*STAGES, *(f"train@{model}-1" for model in settings["compare"]), *LATER):
        project.stage(name, MLFLOW_SYNC="off")
    return project


def metrics(project: Project) -> dict[str, dict[str, float]]:
    read = json.loads((project.folder / "reports/metrics.json").read_text())
    return {name: model["mean"] for name, model in read.items()}


def predicted(project: Project, *words: str) -> list[list[str]]:
    done = project.inside("rnnlab.cli.main", "predict", "--model", "models/lstm-1.keras", *words)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_fifty_labels_from_a_csv_to_the_page(fresh: Project) -> None:
    names = [f"topic {number}" for number in range(50)]
    run(fresh, dict.fromkeys(names, 36), tokenize_pad__vocabulary_size=400, models__lstm__units=16, train__epochs=8)
    found = metrics(fresh)
    assert found["nbsvm"]["accuracy"] > 0.9 and found["lstm"]["accuracy"] > 0.3 and found["majority"]["accuracy"] < 0.05
    assert {"macro_f1", "balanced_accuracy", "mcc", "roc_auc"} <= found["lstm"].keys() and "f1" not in found["lstm"]
    summary = json.loads((fresh.folder / "reports/data.json").read_text())
    assert summary["labels"] == sorted(names)
    page = (fresh.folder / "reports/index.html").read_text()
    assert "Rows of 50 labels by split" in page and "the label that is likeliest" in page and "macro F1" in page
    assert "Each label, means over the seeds" in page and "lstm recall" in page
    assert (fresh.folder / "reports/figures/label_scores.png").stat().st_size > 10_000
    assert len(page) < 4_000_000
    (answer,) = predicted(fresh, "--all", "topic70 topic71 topic72 filler1")
    label, probability, _, *every = answer
    given = {name: float(value) for name, value in (cell.split("=") for cell in every)}
    assert list(given) == sorted(names)
    assert sum(given.values()) == pytest.approx(1.0, abs=1e-4)
    assert given[label] == max(given.values()) == float(probability)


def test_a_rare_label_is_found_with_weights_and_thresholds(fresh: Project) -> None:
    for_rare = {"train__class_weights": "balanced", "evaluate__threshold": "f1"}
    run(fresh, {"common": 1800, "rare": 12}, compare=["lstm"], **for_rare)
    found = metrics(fresh)
    assert found["majority"]["accuracy"] > 0.98 and found["majority"]["balanced_accuracy"] == 0.5
    assert found["lstm"]["f1"] > 0.6
    results = fresh.inside("rnnlab.cli.main", "results").stdout
    assert "balanced accuracy" in results
    thresholds = json.loads((fresh.folder / "reports/thresholds.json").read_text())
    assert set(thresholds) == {"lstm-1", "majority--1", "tfidf--1", "nbsvm--1"}
    # The threshold goes with the network wherever it answers.
    rows = pd.read_parquet(fresh.folder / "data/predictions.parquet").query("model == 'lstm'")
    assert ((rows["probability"] >= thresholds["lstm-1"][1]) == (rows["predicted"] == 1)).all()
    answers = predicted(fresh, "rare0 rare1 rare2 rare0", "common0 common1")
    assert [answer[0] for answer in answers] == ["rare", "common"]
    page = (fresh.folder / "reports/index.html").read_text()
    assert "FAILED (warning)" in page and "train, label rare" in page


def test_a_mixed_verdict_is_a_third_label_of_the_embedded_corpus(fresh: Project) -> None:
    fresh.set_params(sample__mixed_share=0.3, compare=["lstm"], train__seeds=[1, 2], promote__min_accuracy=0.1)
    fresh.set_params(ensemble=["lstm", "nbsvm"], ensemble_seeds=2)
    fresh.run_stages("lstm-1", "lstm-2")
    assert json.loads((fresh.folder / "reports/data.json").read_text())["labels"] == ["mixed", "negative", "positive"]
    assert len(json.loads((fresh.folder / "reports/metrics.json").read_text())["ensemble"]["per_seed"]) == 1
    comparison = (fresh.folder / "reports/comparison.md").read_text()
    assert "Where distance is far" in comparison
    done = fresh.inside("rnnlab.cli.main", "promote", "--force")
    assert "sentiment version 1" in done.stdout
    champion = fresh.inside("rnnlab.cli.main", "predict", "--all", "the film is lovely and dull .").stdout.split("\t")
    assert champion[0] in {"mixed", "negative", "positive"}
    assert [cell.split("=")[0] for cell in champion[3:]] == ["mixed", "negative", "positive"]


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ({"good": 40}, "column 'sentiment' has one label only, 'good'; expected two or more"),
        (
            {f"id{number}": 1 for number in range(3_000)},
            "has 3,000 different values in 3,000 rows: an id or a text, and no label",
        ),
        ({"good": 40, "Good": 40}, "has labels that differ only in case or blanks"),
        ({"good": 40, "bad": 40, "odd": 1}, "for each label with so few usable rows: 'odd' (1)"),
        ({"good": 40, "bad": 40, "sentiment": 1}, "remove the header that is repeated among the rows"),
    ],
)
def test_labels_that_cannot_be_meant_are_a_sentence(fresh: Project, counts: dict[str, int], sentence: str) -> None:
    source = fresh.folder / "data/raw/mine.csv"
    source.parent.mkdir(parents=True, exist_ok=True)
    with source.open("w", newline="") as stream:
        csv.writer(stream).writerows([("review", "sentiment"), *texts(counts)])
    fresh.set_params(data__csv="data/raw/mine.csv")
    error = fresh.stage("ingest", expect=1).stderr
    assert error.startswith("error: data/raw/mine.csv: ") and sentence in error and error.count("\n") == 1


def test_one_output_for_two_labels_is_refused_for_more(fresh: Project) -> None:
    with pytest.raises(AssertionError, match="output: sigmoid is for two labels, the data have 3; set auto"):
        run(fresh, {"a": 30, "b": 30, "c": 30}, models__rnn__output="sigmoid")
