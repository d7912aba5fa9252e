"""Networks that read pairs of words, and embeddings that start at how telling words and pairs are."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from rnnlab.evaluation import gradients, states
from rnnlab.features.arrays import Examples
from rnnlab.networks import archives, bigrams, fast_layers, layers, models, predicting
from rnnlab.project.errors import UserError
from rnnlab.project.sections.data import TokenizePad
from tests.support.networks import plain

VOCABULARY = 9
# 0 is padding and 1 an unknown word. The pairs (2, 3) and (3, 4) occur twice, (4, 2) once, and each row has a label.
WORDS = np.array([[0, 2, 3, 4], [2, 3, 1, 5], [3, 4, 2, 1]], np.int32)
ROWS: Examples = (WORDS, np.array([[1.0], [1.0], [0.0]], np.float32))


def built(rows: Examples = ROWS, **changes: object) -> keras.Sequential:
    keras.utils.set_random_seed(1)
    return models.build("text", plain(**{"embedding_dim": 3, "units": 4, "bigrams": 2, **changes}), VOCABULARY, rows)


def test_the_most_frequent_pairs_of_the_training_rows_are_known() -> None:
    embedding = built().layers[0]
    assert embedding.find(WORDS).tolist() == [[2, 2, 0, 1], [2, 0, 2, 2], [2, 1, 2, 2]]  # 2 stands for none


def test_more_pairs_than_there_are_leave_the_others_without_a_word() -> None:
    places = built(bigrams=7).layers[0].find(WORDS)
    assert sorted(np.unique(places)) == [4, 5, 6, 7]
    assert (places[:, 0] == 7).all()


def test_a_word_has_the_sum_of_its_vector_and_that_of_its_pair() -> None:
    embedding = built().layers[0]
    words, pairs, _ = embedding.get_weights()
    found = np.asarray(embedding(WORDS))
    np.testing.assert_allclose(found[0, 2], words[3] + pairs[0], rtol=1e-6)
    np.testing.assert_allclose(found[0, 1], words[2], rtol=1e-6)  # follows padding
    np.testing.assert_allclose(found[1, 3], words[5], rtol=1e-6)  # follows an unknown word
    np.testing.assert_allclose(found[2, 2], words[2], rtol=1e-6)  # a pair that is too rare


def test_channels_start_at_the_log_count_ratios_of_words_and_pairs() -> None:
    words, pairs, _ = built(nb_channels=2).layers[0].get_weights()
    ratios = bigrams.log_count_ratios(WORDS, ROWS[1][:, 0], VOCABULARY)[0]
    np.testing.assert_allclose(words[2:, 0], ratios[2:], rtol=1e-6)
    np.testing.assert_array_equal(words[2:, 0], words[2:, 1])
    assert np.unique(words[:, 2]).size == VOCABULARY
    # Of four ids of the label, two are pairs (0 and 1) and two the place of none; of the other, one and one: (2, 3)
    # occurs in two rows of the label and in none without.
    of_pairs = np.array([[3, 2, 3], [1, 2, 2]]) / np.array([[8], [5]])
    np.testing.assert_allclose(pairs[:, 0], np.log(of_pairs[0] / of_pairs[1])[:2], rtol=1e-6)


def test_a_term_counts_once_in_a_row() -> None:
    labels = np.array([1, 0], np.float32)
    once, often = np.array([[2, 3, 4], [3, 4, 5]]), np.array([[2, 2, 3, 4], [3, 4, 5, 5]])
    np.testing.assert_array_equal(
        bigrams.log_count_ratios(once, labels, 6), bigrams.log_count_ratios(often.astype(np.int32), labels, 6)
    )


def test_of_three_labels_each_has_a_channel_in_turn() -> None:
    rows = (WORDS, np.array([[0.0], [1.0], [2.0]], np.float32))
    words, *_ = built(rows, nb_channels=3, output="auto").layers[0].get_weights()
    ratios = bigrams.log_count_ratios(WORDS, rows[1][:, 0], VOCABULARY)
    assert ratios.shape == (3, VOCABULARY)
    np.testing.assert_allclose(words[2:], ratios[:, 2:].T, rtol=1e-6)


def test_channels_may_start_there_without_pairs() -> None:
    (words,) = built(bigrams=0, nb_channels=1).layers[0].get_weights()
    np.testing.assert_allclose(
        words[2:, 0], bigrams.log_count_ratios(WORDS, ROWS[1][:, 0], VOCABULARY)[0, 2:], rtol=1e-6
    )


def test_without_either_the_network_is_what_it_was() -> None:
    keras.utils.set_random_seed(1)
    before = models.build_classifier(plain(3, 4), VOCABULARY, WORDS.shape[1])
    after = built(bigrams=0)
    assert after.to_json() == before.to_json()
    for one, other in zip(after.get_weights(), before.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_too_many_words_to_number_their_pairs_are_refused() -> None:
    with pytest.raises(UserError, match="50,000 ids, and bigrams can tell 46,340 apart; lower tokenize_pad"):
        models.build("text", plain(3, 4, bigrams=2), 50_000, ROWS)


def test_a_network_is_saved_and_loaded_with_its_pairs(tmp_path: Path) -> None:
    network = built(nb_channels=1, pooling="mean_max", bidirectional=True)
    models.save(network, tmp_path / "lstm-1.keras")
    loaded = models.load(tmp_path / "lstm-1.keras")
    np.testing.assert_array_equal(loaded.layers[0].find(WORDS), network.layers[0].find(WORDS))
    np.testing.assert_allclose(predicting.predict(loaded, WORDS, 2), predicting.predict(network, WORDS, 9), rtol=1e-5)
    assert models.masks_padding(loaded)


def test_a_file_with_more_pairs_than_weights_is_refused(tmp_path: Path) -> None:
    description = {"class_name": "BigramEmbedding", "config": {"input_dim": 9, "output_dim": 3, "bigrams": 10**9}}
    assert archives._weights({**description, "build_config": None}, 4, None) == (27 + 4 * 10**9, 3)


def test_its_layers_are_described_with_their_pairs() -> None:
    network = built()
    first = layers.describe(network)[1]
    assert first["facts"] == "9 words, 2 pairs; padding is masked"
    assert first["parameters"] == network.layers[0].count_params() == 9 * 3 + 2 * 4


def test_the_fast_network_computes_the_same_and_so_do_its_gradients() -> None:
    stock = built(nb_channels=1)
    fast = fast_layers.accelerate(stock, batch_size=2)
    assert [type(layer).__name__ for layer in fast.layers].count("Recurrence") == 1
    np.testing.assert_allclose(fast(WORDS), stock(WORDS), rtol=1e-5)
    slopes = []
    for network in (stock, fast):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(network(WORDS, training=True))
        slope = tape.gradient(loss, stock.layers[0].pair_embeddings.value)
        slopes.append(tf.convert_to_tensor(slope).numpy())
    assert np.abs(slopes[0]).max() > 0
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-4, atol=1e-7)


def test_a_pair_that_was_cut_off_with_shared_padding_is_none() -> None:
    rows = np.zeros((3, 150), np.int32)
    rows[:, -4:] = WORDS
    network = built((rows, ROWS[1]), nb_channels=1)
    np.testing.assert_allclose(predicting.predict(network, rows, 1), predicting.predict(network, rows, 9), rtol=1e-5)


def test_explanations_follow_pairs_as_well() -> None:
    network = built(nb_channels=1)
    norms = gradients.gradient_norms(network, WORDS, batch_size=2)
    assert norms.shape == WORDS.shape
    assert (norms[WORDS > 0] > 0).all()
    network.set_weights(gradients.fresh_weights(network, seed=3))
    assert network.layers[0].find(WORDS)[0].tolist() == [2, 2, 0, 1]  # still knows its pairs
    vocabulary = ["", "<unk>", *"abcdefg"]
    options = TokenizePad(vocabulary_size=9, max_length=4, padding="pre", truncation="pre", oov_token="<unk>")
    read = states.read(network, "a b c", vocabulary, options)
    inner = keras.Model(network.inputs, network.layers[-3].output)
    np.testing.assert_allclose(read.values["hidden"][-1], np.asarray(inner(WORDS[:1]))[0], rtol=1e-4, atol=1e-6)
