from itertools import pairwise

import keras
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from rnnlab.evaluation import explanations, metrics
from rnnlab.features.text import encode
from rnnlab.networks import models, predicting
from rnnlab.project.sections.data import TokenizePad
from tests.model.test_gradients import LENGTH, network
from tests.support.networks import plain

TEXT = "We saw it -- the hero's plot isn't dull, but SUPERB and unseen!"
SPLIT = ["we", "saw", "it", "the", "hero's", "plot", "isn't", "dull", "but", "superb", "and", "unseen"]
KNOWN = ["", "<unk>", *SPLIT[:-1]]


def options(**changes: object) -> TokenizePad:
    values = {"vocabulary_size": 99, "max_length": LENGTH, "padding": "pre", "truncation": "pre", "oov_token": "<unk>"}
    return TokenizePad.model_validate(values | changes)


def alone(model: keras.Model, text: str, params: TokenizePad) -> float:
    return float(predicting.predict(model, encode(pa.array([text]), KNOWN, params).tokens, 1)[0])


@pytest.mark.parametrize(("padding", "truncation"), [("pre", "pre"), ("post", "middle")])
def test_a_trace_predicts_each_beginning_like_a_text_of_its_own(padding: str, truncation: str) -> None:
    model, params = network(mask=False), options(padding=padding, truncation=truncation)
    traced = explanations.trace(model, TEXT, KNOWN, params, batch_size=5)
    assert [word for word, _, _ in traced] == SPLIT
    for number, (_, label, probability) in enumerate(traced, 1):
        assert label == (probability >= 0.5)
        assert probability == pytest.approx(alone(model, " ".join(SPLIT[:number]), params), rel=1e-5)
    assert traced[-1][2] == pytest.approx(alone(model, TEXT, params), rel=1e-5)
    assert all(abs(first - second) > 1e-5 for (_, _, first), (_, _, second) in pairwise(traced))


def test_a_trace_leaves_out_the_end_that_the_network_does_not_see() -> None:
    model, params = network(), options(truncation="post")
    traced = explanations.trace(model, TEXT, KNOWN, params, batch_size=5)
    assert [word for word, _, _ in traced] == SPLIT[:LENGTH]
    assert traced[-1][2] == pytest.approx(alone(model, TEXT, params), rel=1e-5)


def test_a_trace_of_a_long_text_is_of_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    model = network()
    whole = explanations.trace(model, TEXT, KNOWN, options(), batch_size=5)
    monkeypatch.setattr(explanations, "TRACED_WORDS", 3)
    last = explanations.trace(model, TEXT, KNOWN, options(), batch_size=5)
    assert [word for word, _, _ in last] == SPLIT[-3:]
    assert [p for *_, p in last] == pytest.approx([p for *_, p in whole[-3:]], rel=1e-5)


def test_a_text_without_a_word_has_a_trace() -> None:
    ((word, _, probability),) = explanations.trace(network(), "…", KNOWN, options(), batch_size=5)
    assert word == ""
    assert 0 < probability < 1


def predictions(*rows: tuple[str, int, int, float, float]) -> pd.DataFrame:
    """One seed of two models, from (id, label, words, probability of rnn, that of lstm)."""
    table = [
        {"id": name, "label": label, "words": words, "model": model, "seed": 1, "probability": probability}
        for name, label, words, *probabilities in rows
        for model, probability in zip(("rnn", "lstm"), probabilities, strict=True)
    ]
    return pd.DataFrame(table)


def test_texts_worth_tracing_are_those_that_models_disagree_on_with_the_second_right_and_wrong_in_turn() -> None:
    table = predictions(
        ("a", 1, 9, 0.4, 0.6),
        ("b", 1, 9, 0.1, 0.9),
        ("c", 0, 9, 0.2, 0.8),
        ("d", 0, 9, 0.85, 0.1),
        ("e", 1, 9, 0.9, 0.4),
        ("f", 1, 9, 0.5, 0.5),
        ("long", 1, 61, 0.1, 0.95),
    )
    assert explanations.choose_traced(table, "rnn", "lstm", 4) == ["b", "c", "d", "e"]
    assert explanations.choose_traced(table.sample(frac=1, random_state=1), "rnn", "lstm", 3) == ["b", "c", "d"]
    assert explanations.choose_traced(table, "rnn", "lstm", 6) == ["b", "c", "d", "e", "a", "f"]


def three_labels() -> pd.DataFrame:
    """Answers of two models to texts of three labels: id, label, and what each says, how surely."""
    said = {
        "a": (0, (0, 0.9), (0, 0.8)),
        "b": (1, (0, 0.7), (1, 0.9)),
        "c": (2, (2, 0.9), (1, 0.6)),
        "d": (2, (0, 0.4), (1, 0.5)),
    }
    table = [
        {"id": name, "label": label, "words": 9, "model": model, "seed": 1, "predicted": number, "probability": sure}
        for name, (label, *answers) in said.items()
        for model, (number, sure) in zip(("rnn", "lstm"), answers, strict=True)
    ]
    return pd.DataFrame(table)


def test_networks_that_give_different_ones_of_three_labels_disagree_most() -> None:
    # lstm is right on a and b; of the rows that it gets wrong, both are surer of c than of d.
    assert explanations.choose_traced(three_labels(), "rnn", "lstm", 4) == ["b", "c", "a", "d"]


def test_mistakes_among_three_labels_are_those_of_the_label_given() -> None:
    table = three_labels()
    assert explanations.mistakes(table[table["model"] == "rnn"], 9)["id"].tolist() == ["b", "d"]


def test_a_trace_of_three_labels_says_which_is_likeliest() -> None:
    model = models.build_classifier(plain(4, 5, output="auto"), len(KNOWN), LENGTH, labels=3)
    traced = explanations.trace(model, TEXT, KNOWN, options(), batch_size=5)
    whole = predicting.predict(model, encode(pa.array([TEXT]), KNOWN, options()).tokens, 1)
    assert whole.shape == (1, 3)
    assert traced[-1][1:] == (int(whole.argmax()), pytest.approx(float(whole.max()), rel=1e-5))


def test_where_all_texts_are_long_the_shortest_are_traced() -> None:
    table = predictions(("a", 1, 300, 0.4, 0.6), ("b", 1, 90, 0.1, 0.5), ("c", 0, 80, 0.2, 0.3))
    assert explanations.choose_traced(table, "rnn", "lstm", 2) == ["b", "c"]
    assert explanations.choose_traced(table, "rnn", "lstm", 1) == ["c"]


def test_mistakes_are_the_surest_of_the_wrong_rows() -> None:
    table = pd.DataFrame(
        {
            "id": list("fedcba"),
            "label": [1, 0, 0, 1, 0, 1],
            "words": range(6),
            "seed": 7,
            "probability": [0.75, 0.99, 0.5, 0.03125, 0.96875, 0.4],
        }
    )
    found = explanations.mistakes(table, 3)
    assert found.to_dict("list") == {
        "id": ["e", "b", "c"],
        "label": [0, 0, 1],
        "words": [1, 4, 3],
        "wrong": [1, 1, 1],
        "seed_7": [0.99, 0.96875, 0.03125],
    }
    assert explanations.mistakes(table, 10)["id"].tolist() == ["e", "b", "c", "a", "d"]
    assert explanations.mistakes(table[table["id"] == "f"], 3).empty


def test_mistakes_of_most_seeds_come_first_and_show_what_each_network_said() -> None:
    said = {"a": (0.9, 0.2), "b": (0.6, 0.7), "c": (0.8, 0.8), "d": (0.1, 0.95), "e": (0.3, 0.1)}
    rows = [(name, 0, 9, seed, p) for name, both in said.items() for seed, p in enumerate(both, start=1)]
    table = pd.DataFrame(rows, columns=["id", "label", "words", "seed", "probability"])
    found = explanations.mistakes(table.sample(frac=1, random_state=1), 9)
    assert found[["id", "wrong"]].to_numpy().tolist() == [["c", 2], ["b", 2], ["d", 1], ["a", 1]]
    assert [tuple(row) for row in found[["seed_1", "seed_2"]].to_numpy()] == [said[name] for name in found["id"]]


def test_calibration_sets_forecasts_against_frequencies() -> None:
    labels = np.array([0, 1, 1, 1, 0], np.int8)
    probabilities = np.array([0.125, 0.1875, 0.75, 1.0, 0.9375], np.float32)
    assert explanations.calibration(labels, probabilities) == [
        (0.15625, 0.5, 2),
        (0.75, 1.0, 1),
        (0.96875, 0.5, 2),
    ]
    assert explanations.calibration(labels, probabilities, bins=1) == [(pytest.approx(0.6), 0.6, 5)]


def test_calibration_adds_up_to_the_calibration_error() -> None:
    generator = np.random.default_rng(1)
    probabilities = generator.random(500).astype(np.float32)
    labels = (generator.random(500) < probabilities**2).astype(np.int8)
    gaps = sum(
        rows * abs(forecast - observed) for forecast, observed, rows in explanations.calibration(labels, probabilities)
    )
    assert gaps / 500 == pytest.approx(metrics.calibration_error(labels, probabilities), rel=1e-5)
