from itertools import pairwise
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pytest
from scipy.special import logsumexp

from rnnlab.evaluation import explanations, gradients, metrics
from rnnlab.features.text import encode
from rnnlab.networks import models
from rnnlab.project.sections.data import TokenizePad
from tests.support.networks import plain

CHANNELS, UNITS, LENGTH = 3, 4, 6
WORDS = 15  # one for each step of ROWS that is no padding
ROWS = np.array([[1, 2, 3, 4, 5, 6], [0, 0, 7, 8, 9, 10], [11, 12, 13, 14, 15, 0]], np.int32)
EPSILON = 3e-3
# The words themselves, then each nudged up and down in each channel.
VOCABULARY = 1 + WORDS + 2 * WORDS * CHANNELS


def network(vocabulary: int = VOCABULARY, length: int = LENGTH, seed: int = 1, **changes: object) -> keras.Model:
    keras.utils.set_random_seed(seed)
    model = models.build_classifier(plain(**{"embedding_dim": CHANNELS, "units": UNITS, **changes}), vocabulary, length)
    words = np.random.default_rng(seed).normal(size=(vocabulary, CHANNELS))
    model.get_layer("embedding").set_weights([words])  # Keras' own are so small that every cell is nearly linear
    return model


def logits(model: keras.Model, tokens: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    outputs = model.predict(tokens, verbose=0).astype(np.float64)
    return np.log(outputs[:, 0] / (1 - outputs[:, 0])) if outputs.shape[1] == 1 else outputs[:, 1] - outputs[:, 0]


def numeric_norms(model: keras.Model) -> npt.NDArray[np.float64]:
    """Central differences on ROWS: a word's nudged twins are words of their own, so that one batch holds them all."""
    words = model.get_layer("embedding").get_weights()[0]
    nudged, places = [], []
    for row, step in np.argwhere(ROWS):
        for channel in range(CHANNELS):
            for sign in (1, -1):
                twin = 1 + WORDS + len(nudged)
                words[twin] = words[ROWS[row, step]]
                words[twin, channel] += sign * EPSILON
                nudged.append(ROWS[row].copy())
                nudged[-1][step] = twin
                places.append((row, step))
    model.get_layer("embedding").set_weights([words])
    up, down = logits(model, np.array(nudged)).reshape(-1, 2).T
    squares = np.zeros(ROWS.shape)
    np.add.at(squares, tuple(np.array(places[::2]).T), ((up - down) / (2 * EPSILON)) ** 2)
    return np.sqrt(squares)


@pytest.mark.parametrize("cell", ["simple_rnn", "lstm"])
def test_fresh_weights_are_those_that_a_training_starts_with(cell: str) -> None:
    def built(seed: int) -> keras.Model:
        keras.utils.set_random_seed(seed)
        return models.build_classifier(
            plain(cell=cell, embedding_dim=2, units=3, word_dropout=0.1, layers=2), 9, LENGTH
        )

    start, trained = built(3), built(4)
    trained.set_weights([weights + 1 for weights in trained.get_weights()])
    for fresh, wanted in zip(gradients.fresh_weights(trained, 3), start.get_weights(), strict=True):
        np.testing.assert_array_equal(fresh, wanted)


@pytest.mark.parametrize("output", ["sigmoid", "logits"])
@pytest.mark.parametrize("pooling", ["last", "mean_max"])
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_gradient_norms_are_those_of_finite_differences(cell: str, pooling: str, output: str) -> None:
    model = network(cell=cell, pooling=pooling, output=output)
    expected = numeric_norms(model)
    norms = gradients.gradient_norms(model, ROWS, batch_size=3)
    assert norms.dtype == np.float32
    assert norms.shape == ROWS.shape
    np.testing.assert_allclose(norms, expected, rtol=0.01, atol=2e-4)
    assert (norms[ROWS == 0] == 0).all()
    assert (norms[ROWS != 0] > 0).all()


@pytest.mark.weekly
def test_gradient_norms_of_a_deep_network_are_those_of_finite_differences() -> None:
    model = network(layers=2, bidirectional=True, dense=4, pooling="max")
    np.testing.assert_allclose(gradients.gradient_norms(model, ROWS, 3), numeric_norms(model), rtol=0.01, atol=2e-4)


def test_padding_that_is_not_masked_has_a_gradient() -> None:
    model = network(cell="simple_rnn", mask=False)
    norms = gradients.gradient_norms(model, ROWS, 3)
    np.testing.assert_allclose(norms[0], numeric_norms(model)[0], rtol=0.01, atol=2e-4)
    assert (norms[ROWS == 0] > 0).all()


def test_gradient_norms_leave_the_network_as_it_is(recwarn: pytest.WarningsRecorder) -> None:
    model = network(dropout=0.5)
    model.get_layer("embedding").trainable = False
    config, weights = model.get_config(), model.get_weights()
    trainable = [weight.trainable for weight in model.weights]
    before = model.predict(ROWS, verbose=0)
    gradients.gradient_norms(model, ROWS, 3)
    assert model.get_config() == config
    assert [weight.trainable for weight in model.weights] == trainable
    for now, then in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, then)
    np.testing.assert_array_equal(model.predict(ROWS, verbose=0), before)
    assert not [warning for warning in recwarn if issubclass(warning.category, UserWarning)]


def test_dropout_makes_no_difference() -> None:
    names = ("word_dropout", "embedding_dropout", "input_dropout", "recurrent_dropout", "dropout")
    still, dropping = network(), network(**dict.fromkeys(names, 0.5))
    dropping.set_weights(still.get_weights())
    norms = [gradients.gradient_norms(model, ROWS, 3) for model in (still, dropping)]
    np.testing.assert_allclose(*norms, rtol=1e-5)


def test_gradient_norms_do_not_depend_on_the_batches(tmp_path: Path) -> None:
    model = network(cell="gru")
    np.save(tmp_path / "tokens.npy", np.concatenate([ROWS, ROWS[:2]]))
    mapped = np.load(tmp_path / "tokens.npy", mmap_mode="r")
    whole, parts = (gradients.gradient_norms(model, mapped, size) for size in (100, 2))
    np.testing.assert_allclose(whole, parts, rtol=1e-5)
    np.testing.assert_array_equal(parts[:2], parts[3:])


@pytest.mark.parametrize("weight", [0.5, 1e-5])
def test_a_simple_rnn_with_small_recurrent_weights_forgets_exponentially(weight: float) -> None:
    length = 8
    model = network(length=length, cell="simple_rnn")
    model.get_layer("embedding").set_weights([np.full((VOCABULARY, CHANNELS), 1e-4)])
    kernel, _, bias = model.get_layer("recurrent").get_weights()
    model.get_layer("recurrent").set_weights([kernel, weight * np.eye(UNITS), bias])
    (norms,) = gradients.gradient_norms(model, np.arange(1, length + 1, dtype=np.int32)[None], 1)
    # tanh' is 1 around 0, so each step back multiplies by the weight alone: down to 1e-35.
    np.testing.assert_allclose(norms / norms[-1], weight ** np.arange(length - 1.0, -1, -1), rtol=1e-4)


def test_norms_are_averaged_by_the_distance_from_the_last_word() -> None:
    before = np.array([[0, 0, 5], [0, 6, 5], [7, 6, 5]] * 5, np.int32)
    after = np.array([[5, 0, 0], [6, 5, 0], [7, 6, 5]] * 5, np.int32)
    norms_before = np.array([[9, 9, 1], [9, 2, 4], [8, 0, 1]] * 5, np.float32)
    norms_after = np.array([[1, 9, 9], [2, 4, 9], [8, 0, 1]] * 5, np.float32)
    np.testing.assert_array_equal(gradients.norms_by_distance(norms_before, before), [2, 1, 8])
    np.testing.assert_array_equal(gradients.norms_by_distance(norms_after, after), [2, 1, 8])


def test_a_distance_that_few_rows_have_has_no_mean() -> None:
    rows = np.array([[0, 1, 1]] * gradients.MIN_ROWS + [[1, 1, 1]] * (gradients.MIN_ROWS - 1), np.int32)
    means = gradients.norms_by_distance(np.full(rows.shape, 1e-30, np.float32), rows)
    np.testing.assert_allclose(means, [1e-30, 1e-30, np.nan], rtol=1e-6)


TEXT = "We saw it -- the hero's plot isn't dull, but SUPERB and unseen!"
SPLIT = ["we", "saw", "it", "the", "hero's", "plot", "isn't", "dull", "but", "superb", "and", "unseen"]
KNOWN = ["", "<unk>", *SPLIT[:-1]]


def options(**changes: object) -> TokenizePad:
    values = {"vocabulary_size": 99, "max_length": LENGTH, "padding": "pre", "truncation": "pre", "oov_token": "<unk>"}
    return TokenizePad.model_validate(values | changes)


def alone(model: keras.Model, text: str, params: TokenizePad) -> float:
    return float(models.predict(model, encode(pa.array([text]), KNOWN, params).tokens, 1)[0])


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
    whole = models.predict(model, encode(pa.array([TEXT]), KNOWN, options()).tokens, 1)
    assert whole.shape == (1, 3)
    assert traced[-1][1:] == (int(whole.argmax()), pytest.approx(float(whole.max()), rel=1e-5))


def test_the_gradient_of_three_labels_is_that_of_the_log_odds_of_the_likeliest() -> None:
    tokens = np.array([[2, 3, 1, 3], [5, 4, 5, 6]], np.int32)
    model = models.build_classifier(plain(CHANNELS, UNITS, output="auto", mask=False), 8, 4, labels=3)
    found = gradients.gradient_norms(model, tokens, batch_size=2)
    vectors, rest = np.asarray(model.layers[0](tokens)), keras.Sequential(model.layers[1:])
    likeliest = np.asarray(model(tokens)).argmax(axis=1)

    def log_odds(moved: np.ndarray) -> np.ndarray:
        logits = np.asarray(rest(moved), np.float64)
        others = np.where(np.arange(3) == likeliest[:, None], -np.inf, logits)
        return logits[np.arange(len(logits)), likeliest] - logsumexp(others, axis=1)

    squares = np.zeros(tokens.shape)
    for place, channel in np.ndindex(tokens.shape[1], CHANNELS):
        nudge = np.zeros_like(vectors)
        nudge[:, place, channel] = 1e-2
        squares[:, place] += ((log_odds(vectors + nudge) - log_odds(vectors - nudge)) / 2e-2) ** 2
    np.testing.assert_allclose(found, np.sqrt(squares), rtol=0.02)


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


def forecaster(**changes: object) -> keras.Model:
    keras.utils.set_random_seed(1)
    options = plain(**{"embedding_dim": CHANNELS, "units": UNITS, "output": "linear", **changes})
    return models.build_forecaster(options, LENGTH, channels=CHANNELS, horizon=2)


WINDOWS = np.random.default_rng(2).normal(size=(5, LENGTH, CHANNELS)).astype(np.float32)


def numeric_attributions(model: keras.Model) -> npt.NDArray[np.float64]:
    """Central differences of the mean forecast."""
    moved = np.zeros((LENGTH, CHANNELS))
    for step, channel in np.ndindex(LENGTH, CHANNELS):
        up, down = WINDOWS.copy(), WINDOWS.copy()
        up[:, step, channel] += EPSILON
        down[:, step, channel] -= EPSILON
        slope = (model.predict(up, verbose=0) - model.predict(down, verbose=0)).mean(axis=1) / (2 * EPSILON)
        moved[step, channel] = np.abs(slope * WINDOWS[:, step, channel]).mean()
    return moved


@pytest.mark.parametrize(
    "changes",
    [{"cell": "simple_rnn"}, {"cell": "lstm", "layers": 2, "dropout": 0.5}, {"cell": "gru", "residual": True}],
)
def test_attributions_are_inputs_times_finite_differences(changes: dict[str, object]) -> None:
    model = forecaster(**changes)
    found = gradients.attributions(model, WINDOWS, batch_size=100)
    assert found.shape == (LENGTH, CHANNELS)
    np.testing.assert_allclose(found, numeric_attributions(model), rtol=0.02, atol=2e-4)
    np.testing.assert_allclose(gradients.attributions(model, WINDOWS, batch_size=2), found, rtol=1e-5)


def test_what_a_forecaster_does_not_read_moves_nothing() -> None:
    model = forecaster(cell="lstm")
    kernel, *others = model.get_layer("recurrent").get_weights()
    kernel[1] = 0
    model.get_layer("recurrent").set_weights([kernel, *others])
    found = gradients.attributions(model, WINDOWS, batch_size=5)
    assert (found[:, 1] == 0).all()
    assert (found[:, [0, 2]] > 0).all()
