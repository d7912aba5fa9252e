import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from rnnlab.data import reviews
from rnnlab.data.csv_rows import read_rows
from rnnlab.features import clean_rows, encoding, text
from rnnlab.networks import models
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.project.sections.data import TokenizePad
from rnnlab.serving import classifier, predictions
from rnnlab.serving.classifier import Answers, Classifier
from rnnlab.serving.predictors import Predictor
from tests.support.builders import write_csv
from tests.support.networks import plain

VOCABULARY = ["", "<unk>", "good", "bad", "film", "don't"]
OPTIONS = TokenizePad(vocabulary_size=6, max_length=8, padding="pre", truncation="pre", oov_token="<unk>")
LABELS = ("negative", "positive")


PIECES = [
    *("good", "BAD", "film", "don't", "’", "'", "''", '"', " ", "  ", ".", ",", "-", "<br />", "<b>", "<", ">", "<!--"),
    *("-->", "&amp;", "&", "&#0;", "&lt;b&gt;", "&#xD800;", "&eacute;", "\0", "\n", "\r", "\t", "\u00a0", "\u2028"),
    *("\u200d", "\u200f", "\u202e", "\ufeff", "\ufe0f", "😀", "👨\u200d👩\u200d👧", "é", "e\u0301", "\u0301"),
    *("q\u0323\u0307", "İ", "ß", "Σ", "ǅ", "ﬁ", "שלום", "مرحبا", "ที่", "\ud55c", "\u1112\u1161\u11ab", "好"),
    *("１", "²", "𝔘", "\U0010ffff", "_", "\x7f", "\x1b[0m"),
]


def odd_texts(count: int, seed: int) -> list[str]:
    """Rows that are all different, as ingest keeps the first of equal ones."""
    generator = random.Random(seed)
    odd = ["".join(generator.choices(PIECES, k=generator.randrange(14))) for _ in range(count)]
    long = " ".join(generator.choices(PIECES, k=100_000))
    return [*dict.fromkeys(odd), long, "good " * 100_000]


def train_path(folder: Path, raw: Sequence[str], settings: Params) -> tuple[list[int], list[str], Any]:
    """Encodes a CSV as the stages do; returns the indices of the rows that they keep, the vocabulary and the arrays."""
    labelled = ([one, LABELS[number % 2]] for number, one in enumerate(raw))
    source = write_csv(folder / "raw.csv", ["review", "sentiment"], *labelled)
    kept = pa.concat_tables(
        reviews.check_rows(batch, LABELS, has_splits=False).accepted
        for batch in read_rows(source, settings.data, split_column=None)
    )
    ids = [f"{row:016d}" for row in kept["row"].to_pylist()]
    parts = {
        "row": kept["row"],
        "text": kept["text"],
        "label": pc.index_in(kept["label"], pa.array(LABELS)).cast(pa.int16()),
        "id": ids,
    }
    splits = [pa.table({**parts, "split": [split] * len(kept)}) for split in clean_rows.SPLITS]
    pq.write_table(pa.concat_tables(splits).select(clean_rows.SCHEMA.names), folder / "rows.parquet")
    encoding.encode(settings, folder / "rows.parquet", folder / "vocabulary.json", folder)
    rows = [row - 1 for row in kept["row"].to_pylist()]
    return rows, read_json(folder / "vocabulary.json"), np.load(folder / "train/tokens.npy")


@pytest.mark.parametrize(("padding", "truncation"), [("pre", "pre"), ("post", "middle")])
def test_odd_texts_are_the_same_tokens_as_in_training(
    tmp_path: Path, settings: Params, padding: str, truncation: str
) -> None:
    options = OPTIONS.model_copy(update={"vocabulary_size": 300, "padding": padding, "truncation": truncation})
    settings = settings.model_copy(update={"tokenize_pad": options})
    raw = odd_texts(4000, seed=len(padding + truncation))
    places, vocabulary, tokens = train_path(tmp_path, raw, settings)
    assert len(places) > 2000
    classifier = Classifier(None, vocabulary, options, LABELS)
    alone = [classifier.encode([raw[place]]) for place in places[::20]]
    np.testing.assert_array_equal(np.concatenate(alone), tokens[::20])
    together = np.concatenate([classifier.encode(raw[start : start + 97]) for start in range(0, len(raw), 97)])
    np.testing.assert_array_equal(together[places], tokens)
    assert len(places) < len(raw)  # what ingest refuses as blank is predicted nevertheless
    assert (together != text.PADDING_ID).any(axis=1).all()


def test_a_csv_hands_over_the_texts_that_training_reads(tmp_path: Path, settings: Params) -> None:
    raw = [one.replace("\0", "") for one in odd_texts(2000, seed=5)]
    source = write_csv(tmp_path / "in.csv", ["review", "sentiment"], *([one, LABELS[0]] for one in raw))
    trained_on = [one for batch in read_rows(source, settings.data, None) for one in batch.texts]
    seen: list[str] = []

    def classify(texts: Sequence[str]) -> Answers:
        seen.extend(texts)
        return [LABELS[0]] * len(texts), np.zeros((len(texts), 2))

    predictions.predict_csv(
        Predictor("hashed/1", classify, LABELS), source, tmp_path / "out.csv", "review", settings.data.max_megabytes
    )
    assert seen == trained_on == raw


def test_half_of_a_surrogate_pair_is_refused_not_replaced() -> None:
    with pytest.raises(UnicodeEncodeError):
        Classifier(None, VOCABULARY, OPTIONS, LABELS).encode(["good \ud83d film"])


def test_no_rows_are_answered_without_a_network() -> None:
    answers, probabilities = classifier.answer(None, np.zeros((0, 8), np.int32), LABELS, None)
    assert (answers, probabilities.shape) == ([], (0, 2))


@pytest.mark.parametrize(
    ("output", "labels", "others"), [("sigmoid", 2, 3), ("logits", 2, 3), ("logits", 3, 2), ("logits", 3, 4)]
)
def test_a_network_answers_for_as_many_labels_as_it_was_trained_with(output: str, labels: int, others: int) -> None:
    network = models.build_classifier(plain(2, 2, output=output), 6, 8, labels)
    file, summary = Path("lstm-1.keras"), Path("data.json")
    classifier.check_labels(file, network, "abcd"[:labels], summary)
    told = 1 if output == "sigmoid" else labels
    with pytest.raises(UserError, match=rf"^lstm-1.keras: tells {told} labels apart, and data.json names {others};"):
        classifier.check_labels(file, network, "abcd"[:others], summary)
