import keras
import numpy as np
import pytest

from rnnlab import models
from rnnlab.errors import UserError
from rnnlab.params import Model

VOCABULARY, LENGTH = 20, 7


def options(**changes: object) -> Model:
    values = {
        "cell": "lstm",
        "embedding_dim": 5,
        "units": 4,
        "pooling": "last",
        "embedding_dropout": 0.0,
        "dropout": 0.0,
        "mask": True,
    }
    return Model.model_validate(values | changes)


def built(seed: int = 1, **changes: object) -> keras.Model:
    models.set_seed(seed)
    return models.build(options(**changes), VOCABULARY, LENGTH)


@pytest.mark.parametrize(("cell", "gates"), [("simple_rnn", 1), ("lstm", 4)])
def test_parameters_are_those_of_the_textbook(cell: str, gates: int) -> None:
    recurrent = gates * (5 * 4 + 4 * 4 + 4)
    assert built(cell=cell).count_params() == VOCABULARY * 5 + recurrent + 4 + 1


def test_rivals_differ_in_their_cell_alone() -> None:
    networks = [built(cell=cell) for cell in ("simple_rnn", "lstm", "gru")]
    others = [[type(layer) for layer in network.layers if layer.name != "recurrent"] for network in networks]
    assert others[0] == others[1] == others[2]
    assert len({type(network.get_layer("recurrent")) for network in networks}) == 3


@pytest.mark.parametrize("pooling", ["last", "mean"])
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm", "gru"])
def test_masked_padding_changes_no_prediction(cell: str, pooling: str) -> None:
    network = built(cell=cell, pooling=pooling)
    padded_before = np.array([[0, 0, 0, 0, 3, 4, 5]], np.int32)
    padded_after = np.array([[3, 4, 5, 0, 0, 0, 0]], np.int32)
    np.testing.assert_allclose(
        models.predict(network, padded_before, 1), models.predict(network, padded_after, 1), rtol=1e-5
    )


def test_unmasked_padding_does_change_it() -> None:
    network = built(cell="simple_rnn", mask=False)
    rows = np.array([[0, 0, 0, 0, 3, 4, 5], [3, 4, 5, 0, 0, 0, 0]], np.int32)
    first, second = models.predict(network, rows, 2)
    assert abs(first - second) > 1e-4


def test_the_order_of_words_matters_to_every_cell() -> None:
    rows = np.array([[3, 4, 5, 6, 7, 8, 9], [9, 8, 7, 6, 5, 4, 3]], np.int32)
    for cell in ("simple_rnn", "lstm", "gru"):
        first, second = models.predict(built(cell=cell), rows, 2)
        assert abs(first - second) > 1e-4, cell


def test_a_seed_gives_one_network_and_another_seed_another() -> None:
    rows = np.array([[3, 4, 5, 6, 7, 8, 9]], np.int32)
    first, same, other = (models.predict(built(seed=seed), rows, 1)[0] for seed in (1, 1, 2))
    assert first == same
    assert first != other


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
    network = built(pooling="mean", dropout=0.5, embedding_dropout=0.5)
    rows = np.random.default_rng(0).integers(0, VOCABULARY, (16, LENGTH), np.int32)
    models.save(network, tmp_path / "network.keras")
    loaded = models.load(tmp_path / "network.keras")
    np.testing.assert_array_equal(models.predict(loaded, rows, 16), models.predict(network, rows, 16))


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 torn"])
def test_a_damaged_file_is_named(tmp_path, content: bytes | None) -> None:
    source = tmp_path / "lstm-1.keras"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(UserError, match=r"lstm-1\.keras: not a model .*dvc repro"):
        models.load(source)
