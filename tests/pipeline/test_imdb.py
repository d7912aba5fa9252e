"""A stratified part of the real reviews through the real pipeline."""

import json

import pandas as pd

from tests.pipeline.conftest import Project
from tests.support.shared_data import reviews

ROWS = 1500  # of each split and label


def test_the_reviews_train_better_than_chance_on_their_own_split(fresh: Project) -> None:
    part = pd.read_csv(reviews()).groupby(["split", "sentiment"]).head(ROWS)
    part.to_csv(fresh.folder / "data/raw/part.csv", index=False)
    fresh.set_params(
        data__csv="data/raw/part.csv",
        split__method="column",
        tokenize_pad__vocabulary_size=5000,
        tokenize_pad__max_length=120,
        train__seeds=[1],
        train__epochs=4,
        train__learning_rate=0.003,
        models__rnn__units=16,
        models__rnn__pooling="mean",
        models__lstm__units=16,
        models__lstm__pooling="mean",
    )
    stages = ("ingest", "validate", "tokenize_pad", "baseline", "size", "train@rnn-1", "train@lstm-1", "evaluate")
    for stage in stages:
        fresh.stage(stage, MLFLOW_SYNC="off")
    summary = json.loads((fresh.folder / "reports/data.json").read_text())
    assert summary["rows_read"] == 4 * ROWS
    assert summary["rows_kept"] + summary["rows_rejected"]["total"] == 4 * ROWS
    kept = pd.read_parquet(fresh.folder / "data/interim/rows.parquet")
    own = part.reset_index(drop=True)["split"][kept["row"] - 1].to_numpy()
    assert ((kept["split"] == "test") == (own == "test")).all()
    assert not kept["text"].str.contains("<br", regex=False).any()
    metrics = json.loads((fresh.folder / "reports/metrics.json").read_text())
    least = {"rnn": 0.65, "lstm": 0.65, "majority": 0.49, "tfidf": 0.8, "nbsvm": 0.8}
    assert {name: model["mean"]["accuracy"] > least[name] for name, model in metrics.items()} == dict.fromkeys(
        least, True
    )
