import json
import zipfile

import keras
import numpy as np
import pytest

from rnnlab.features.arrays import Examples
from rnnlab.networks import cells, models, predicting
from rnnlab.project.errors import UserError
from tests.support.networks import plain

VOCABULARY, LENGTH = 20, 7


def built(seed: int = 1, **changes: object) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return models.build_classifier(plain(**{"embedding_dim": 5, "units": 4, **changes}), VOCABULARY, LENGTH)


@pytest.mark.parametrize(("cell", "gates"), [("simple_rnn", 1), ("lstm", 4)])
def test_parameters_are_those_of_the_textbook(cell: str, gates: int) -> None:
    recurrent = gates * (5 * 4 + 4 * 4 + 4)
    assert built(cell=cell).count_params() == VOCABULARY * 5 + recurrent + 4 + 1


def test_rivals_differ_in_their_cell_alone() -> None:
    networks = [built(cell=cell) for cell in ("simple_rnn", "lstm", "gru")]
    others = [[type(layer) for layer in network.layers if layer.name != "recurrent"] for network in networks]
    assert others[0] == others[1] == others[2]
    assert len({type(network.get_layer("recurrent")) for network in networks}) == 3


@pytest.mark.parametrize("pooling", ["last", "mean", "max", "mean_max", "sqrtn_max"])
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru", "two layers both ways"])
def test_masked_padding_changes_no_prediction(cell: str, pooling: str) -> None:
    deep = {"cell": "lstm", "layers": 2, "bidirectional": True}
    network = built(pooling=pooling, **({"cell": cell} if cell in cells.CELLS else deep))
    padded_before = np.array([[0, 0, 0, 0, 3, 4, 5]], np.int32)
    padded_after = np.array([[3, 4, 5, 0, 0, 0, 0]], np.int32)
    np.testing.assert_allclose(
        predicting.predict(network, padded_before, 1), predicting.predict(network, padded_after, 1), rtol=1e-5
    )


def test_unmasked_padding_does_change_it() -> None:
    network = built(cell="simple_rnn", mask=False)
    rows = np.array([[0, 0, 0, 0, 3, 4, 5], [3, 4, 5, 0, 0, 0, 0]], np.int32)
    first, second = predicting.predict(network, rows, 2)
    assert abs(first - second) > 1e-4


def test_the_largest_value_is_that_of_real_steps() -> None:
    steps = np.array([[[-9.0, 5.0], [-2.0, -3.0], [-1.0, -4.0]]], np.float32)
    mask = np.array([[False, True, True]])
    np.testing.assert_array_equal(models.MaskedMax()(steps, mask=mask), [[-1.0, -3.0]])
    np.testing.assert_array_equal(models.MaskedMax()(steps), [[-1.0, 5.0]])
    np.testing.assert_array_equal(models.MaskedMax()(steps, mask=~mask & mask), [[0.0, 0.0]])


def test_pools_are_those_of_the_states() -> None:
    network = built(pooling="mean_max", units=3)
    rows = np.array([[0, 0, 3, 4, 5, 6, 7]], np.int32)
    states = keras.Model(network.inputs, network.get_layer("recurrent").output).predict(rows, verbose=0)[0, 2:]
    pools = keras.Model(network.inputs, network.get_layer("pooling").output).predict(rows, verbose=0)[0]
    np.testing.assert_allclose(pools, np.concatenate([states.mean(0), states.max(0)]), rtol=1e-5)


def test_sums_over_the_root_of_the_number_of_steps_leave_padding_out() -> None:
    steps = np.array([[[9.0], [1.0], [2.0], [3.0], [2.0]]], np.float32)
    mask = np.array([[False, True, True, True, True]])
    pooling = models.MaskedSqrtnMax()
    np.testing.assert_allclose(pooling(steps, mask=mask), [[8 / 2, 3]])
    np.testing.assert_allclose(pooling(steps), [[17 / np.sqrt(5), 9]], rtol=1e-6)
    np.testing.assert_array_equal(pooling(steps, mask=mask & ~mask), [[0, 0]])


def test_layers_and_directions_add_the_parameters_of_the_textbook() -> None:
    one = 4 * (5 * 4 + 4 * 4 + 4)
    on_top = 4 * (4 * 4 + 4 * 4 + 4)
    assert built(layers=3).count_params() == VOCABULARY * 5 + one + 2 * on_top + 4 + 1
    assert built(bidirectional=True).count_params() == VOCABULARY * 5 + 2 * one + 8 + 1
    assert built(dense=6).count_params() == VOCABULARY * 5 + one + (4 * 6 + 6) + 6 + 1
    assert built(output="logits").count_params() == VOCABULARY * 5 + one + 4 * 2 + 2


@pytest.mark.parametrize(
    "dropout", ["word_dropout", "embedding_dropout", "input_dropout", "recurrent_dropout", "dropout"]
)
def test_each_dropout_acts_in_training_alone(dropout: str) -> None:
    network = built(**{dropout: 0.5})
    rows = np.array([[3, 4, 5, 6, 7, 8, 9]], np.int32)
    still = [np.asarray(network(rows, training=False)) for _ in range(2)]
    np.testing.assert_array_equal(*still)
    assert any(not np.allclose(network(rows, training=True), still[0]) for _ in range(5))


def test_word_dropout_takes_whole_words_and_embedding_dropout_whole_channels() -> None:
    rows = np.array([[3, 4, 5, 6, 7, 8, 9]], np.int32)
    for name, axis in (("word_dropout", 2), ("embedding_dropout", 1)):
        network = built(**{name: 0.5})
        part = keras.Model(network.inputs, network.get_layer(name).output)
        gone = np.asarray(part(rows, training=True)) == 0
        assert (gone.any(axis) == gone.all(axis)).all()
        assert gone.any() and not gone.all()


def test_of_more_than_two_labels_each_has_a_probability() -> None:
    options = plain(embedding_dim=5, units=4, output="auto")
    network = models.build_classifier(options, VOCABULARY, LENGTH, labels=4)
    assert network.count_params() == VOCABULARY * 5 + 4 * (5 * 4 + 4 * 4 + 4) + 4 * 4 + 4
    rows = np.array([[0, 0, 3, 4, 5, 6, 7], [0, 0, 0, 0, 0, 8, 9]], np.int32)
    found = predicting.predict(network, rows, 1)
    assert found.shape == (2, 4) and found.dtype == np.float32
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)
    logits = np.asarray(network(rows))
    assert found.argmax(axis=1).tolist() == logits.argmax(axis=1).tolist()


def test_of_two_labels_auto_is_one_sigmoid() -> None:
    assert built(output="auto").to_json() == built(output="sigmoid").to_json()


def test_one_sigmoid_is_refused_for_more_than_two_labels() -> None:
    with pytest.raises(UserError, match="output: sigmoid is for two labels, the data have 3; set auto"):
        models.build_classifier(plain(embedding_dim=5, units=4, output="sigmoid"), VOCABULARY, LENGTH, labels=3)


def test_the_order_of_words_matters_to_every_cell() -> None:
    rows = np.array([[3, 4, 5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4, 3]], np.int32)
    for cell in ("simple_rnn", "lstm", "gru"):
        first, second = predicting.predict(built(cell=cell), rows, 2)
        assert abs(first - second) > 1e-4, cell


def test_a_seed_gives_one_network_and_another_seed_another() -> None:
    rows = np.array([[3, 4, 5, 6, 7, 8, 9]], np.int32)
    first, same, other = (predicting.predict(built(seed=seed), rows, 1)[0] for seed in (1, 1, 2))
    assert first == same
    assert first != other


def forecaster(residual: bool) -> keras.Model:
    keras.utils.set_random_seed(1)
    return models.build_forecaster(plain(5, 4, output="linear", residual=residual), 3, channels=2, horizon=2)


def test_a_residual_network_adds_to_the_last_value_and_still_does_when_loaded(tmp_path) -> None:
    values = np.random.default_rng(0).normal(size=(9, 3, 2)).astype(np.float32)
    usual, residual = forecaster(False), forecaster(True)
    expected = predicting.predict(usual, values, 4) + values[:, -1:, 0]
    np.testing.assert_allclose(predicting.predict(residual, values, 4), expected, rtol=1e-6)
    models.save(residual, tmp_path / "network.keras")
    loaded = models.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(predicting.predict(loaded, values, 4), predicting.predict(residual, values, 4))


def test_a_residual_network_without_weights_says_that_nothing_changes() -> None:
    network = forecaster(True)
    network.set_weights([np.zeros_like(weight) for weight in network.get_weights()])
    values = np.random.default_rng(0).normal(size=(9, 3, 2)).astype(np.float32)
    assert np.array_equal(predicting.predict(network, values, 16), np.repeat(values[:, -1:, 0], 2, axis=1))


def test_saved_bytes_depend_on_the_weights_alone(tmp_path) -> None:
    compiled = built()
    compiled.compile("adam", "binary_crossentropy")
    models.save(compiled, tmp_path / "a.keras")
    models.save(built(), tmp_path / "b.keras")
    models.save(built(seed=2), tmp_path / "c.keras")
    first, same, other = ((tmp_path / f"{name}.keras").read_bytes() for name in "abc")
    assert first == same
    assert first != other


def test_a_loaded_network_predicts_as_the_saved_one(tmp_path) -> None:
    network = built(pooling="mean_max", bidirectional=True, layers=2, dropout=0.5, embedding_dropout=0.5)
    rows = np.random.default_rng(0).integers(0, VOCABULARY, (16, LENGTH), np.int32)
    models.save(network, tmp_path / "network.keras")
    loaded = models.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(predicting.predict(loaded, rows, 16), predicting.predict(network, rows, 16))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 torn"])
def test_a_damaged_file_is_named(tmp_path, content: bytes | None) -> None:
    source = tmp_path / "lstm-1.keras"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(UserError, match=r"lstm-1\.keras: not a model .*dvc repro"):
        models.load(source)


def test_code_in_a_file_is_not_run(tmp_path) -> None:
    code = keras.layers.Lambda(lambda inputs: inputs)
    keras.Sequential([keras.Input((3,)), code]).save(tmp_path / "lstm-1.keras")
    with pytest.raises(UserError, match=r"lstm-1\.keras: not a model that Keras can load .*[Ll]ambda"):
        models.load(tmp_path / "lstm-1.keras")


@pytest.mark.parametrize("module", ["os", "builtins", "subprocess", "keras.utils"])
def test_a_file_cannot_name_a_function_to_call(tmp_path, module: str) -> None:
    source = tmp_path / "lstm-1.keras"
    models.save(built(), source)
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    name = {"os": "system", "builtins": "exec", "subprocess": "run", "keras.utils": "get_file"}[module]
    config |= {"module": module, "class_name": name, "registered_name": name, "config": {"command": "touch pwned"}}
    with zipfile.ZipFile(source, "w") as archive:
        for member, content in {**members, "config.json": json.dumps(config).encode()}.items():
            archive.writestr(member, content)
    with pytest.raises(UserError, match=r"lstm-1\.keras: not a model that Keras can load"):
        models.load(source)


def test_older_formats_which_the_safe_mode_does_not_reach_are_refused(tmp_path) -> None:
    built().save(tmp_path / "lstm-1.h5")
    with pytest.raises(UserError, match=r"lstm-1\.h5: not a model .*its name does not end in \.keras"):
        models.load(tmp_path / "lstm-1.h5")


def sequences(steps: int, channels: int, labels: int = 2) -> Examples:
    """Training rows of that shape, and labels."""
    targets = np.arange(labels, dtype=np.float32)[:, None]
    return np.zeros((labels, steps, channels), np.float32), targets


def test_a_network_is_built_for_the_shape_of_its_rows() -> None:
    rows = np.zeros((9, 12, 3), np.float32), np.zeros((9, 2), np.float32)
    network = models.build("series", plain(5, 4, output="linear"), 0, rows)
    assert (network.input_shape, network.output_shape) == ((None, 12, 3), (None, 2))


def test_pairs_of_words_are_those_of_the_training_rows() -> None:
    rows = np.array([[2, 3, 4], [2, 3, 5]], np.int32), np.array([[0.0], [1.0]], np.float32)
    network = models.build("text", plain(5, 4, bigrams=1), VOCABULARY, rows)
    assert network.layers[0].find(rows[0])[:, 1].tolist() == [0, 0]


@pytest.mark.parametrize("mask", [False, True])
def test_a_network_masks_padding_if_its_embedding_does(mask: bool) -> None:
    assert models.masks_padding(built(mask=mask)) is mask


def test_without_a_mask_padding_changes_what_a_network_says() -> None:
    keras.utils.set_random_seed(1)
    network = models.build("sequences", plain(5, 4, mask=False, output="auto"), 0, sequences(9, 2, labels=3))
    inputs = np.zeros((2, 9, 2), np.float32)
    inputs[:, -2:] = 1.0
    inputs[1, 0] = 5.0
    assert network.output_shape == (None, 3) and not models.masks_padding(network)
    first, second = predicting.predict(network, inputs, 2)
    assert np.abs(first - second).max() > 1e-4


def test_networks_of_one_architecture_are_one_and_predict_as_each_alone(tmp_path) -> None:
    networks = {
        name: built(seed, cell=cell) for name, seed, cell in (("a", 1, "lstm"), ("b", 1, "gru"), ("c", 2, "lstm"))
    }
    for name, network in networks.items():
        models.save(network, tmp_path / f"{name}.keras")
    tokens = np.random.default_rng(1).integers(0, VOCABULARY, (6, LENGTH), np.int32)
    seen = []
    for network, alone in zip(
        models.load_each(tmp_path / f"{name}.keras" for name in networks), networks.values(), strict=True
    ):
        np.testing.assert_array_equal(predicting.predict(network, tokens, 4), predicting.predict(alone, tokens, 4))
        seen.append(network)
    assert seen[0] is seen[2] is not seen[1]
