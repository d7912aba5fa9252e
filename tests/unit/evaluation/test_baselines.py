import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from scipy.special import expit
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import normalize

from rnnlab.evaluation import baselines
from rnnlab.evaluation.baselines import NAMES, Linear, Rows
from rnnlab.features import text
from rnnlab.project.errors import UserError

WITH_TERMS = [name for name in NAMES if name != "majority"]


def strings(*texts: str) -> pa.Array:
    return pa.array(texts, pa.string())


def marks(*labels: int) -> npt.NDArray[np.int8]:
    return np.array(labels, np.int8)


def corpus(rows: int, seed: int) -> tuple[pa.Array, npt.NDArray[np.int8]]:
    """Texts of 0 to 29 words; a positive one draws words of low rank more often."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 2, rows).astype(np.int8)
    ranks = [generator.geometric(0.03 + 0.02 * label, generator.integers(0, 30)) for label in labels]
    return strings(*(", ".join(f"Wört{rank}" for rank in row) for row in ranks)), labels


def word_lists(texts: pa.Array) -> list[list[str]]:
    return [[word for word in words if word] for words in text.words(texts).to_pylist()]


def same(words: list[str]) -> list[str]:
    return words


def fit(name: str, texts: pa.Array, labels: npt.NDArray[np.int8], held_out: Rows | None = None) -> Linear:
    """Fits to rows that, unless there are others, also choose the penalty."""
    rows = Rows(texts, labels)
    return baselines.fit(name, rows, held_out or rows)


def fitted(name: str) -> Linear:
    return fit(name, *corpus(300, seed=1))


@pytest.mark.parametrize(("labels", "expected"), [((1, 1, 0, 1), 0.75), ((0, 0, 0, 1, 0), 0.2), ((0, 1), 0.5)])
def test_majority_gives_every_text_the_share_of_positives(labels: tuple[int, ...], expected: float) -> None:
    model = fit("majority", strings(*(["good film"] * len(labels))), marks(*labels))
    found = baselines.predict(model, strings("good film", "", "anything else"))
    assert found.dtype == np.float32
    assert found.tolist() == pytest.approx([expected] * 3)
    assert baselines.count_parameters(model) == 1


def test_tfidf_agrees_with_the_pipeline_of_scikit_learn() -> None:
    texts, labels = corpus(600, seed=1)
    unseen, _ = corpus(100, seed=2)
    model = fit("tfidf", texts, labels, Rows(*corpus(100, seed=3)))
    reference = make_pipeline(
        TfidfVectorizer(
            preprocessor=same, tokenizer=same, token_pattern=None, ngram_range=(1, 2), min_df=2, sublinear_tf=True
        ),
        LogisticRegression(C=model.inverse_penalty[0], solver="liblinear"),
    ).fit(word_lists(texts), labels)
    assert set(model.terms.to_pylist()) == set(reference[0].vocabulary_)
    expected = reference.predict_proba(word_lists(unseen))[:, 1]
    assert expected.std() > 0.1
    np.testing.assert_allclose(baselines.predict(model, unseen), expected, atol=1e-5)


def test_nbsvm_agrees_with_its_formula() -> None:
    texts, labels = corpus(600, seed=1)
    unseen, _ = corpus(100, seed=2)
    counter = CountVectorizer(
        preprocessor=same, tokenizer=same, token_pattern=None, ngram_range=(1, 2), min_df=2, binary=True
    )
    presence = counter.fit_transform(word_lists(texts)).toarray()
    positive, negative = 1 + presence[labels == 1].sum(axis=0), 1 + presence[labels == 0].sum(axis=0)
    ratio = np.log((positive / positive.sum()) / (negative / negative.sum()))
    model = fit("nbsvm", texts, labels, Rows(*corpus(100, seed=3)))
    reference = LogisticRegression(C=model.inverse_penalty[0], solver="liblinear")
    reference.fit(normalize(presence * ratio), labels)
    features = normalize(counter.transform(word_lists(unseen)).toarray() * ratio)
    expected = reference.predict_proba(features)[:, 1]
    found = baselines.predict(model, unseen)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("name", WITH_TERMS)
def test_the_penalty_is_the_one_that_suits_the_validation_rows_best(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, labels = corpus(600, seed=1)
    held_out = Rows(*corpus(300, seed=2))
    chosen = fit(name, texts, labels, held_out)
    grid, losses = baselines.INVERSE_PENALTIES, {}
    for penalty in grid:
        monkeypatch.setattr(baselines, "INVERSE_PENALTIES", (penalty,))
        model = fit(name, texts, labels, held_out)
        losses[penalty] = log_loss(held_out.labels, baselines.predict(model, held_out.texts).astype(np.float64))
    assert min(grid) < chosen.inverse_penalty[0] < max(grid)
    assert chosen.inverse_penalty.tolist() == [min(losses, key=losses.__getitem__)]


TOPICS = (("rain", "wind", "snow"), ("goal", "team", "match"), ("bread", "salt", "soup"))


def topics(rows: int, seed: int) -> Rows:
    """Texts of three topics, four words each, of which a quarter is of any topic."""
    generator = np.random.default_rng(seed)
    labels = np.arange(rows) % len(TOPICS)
    sources = np.where(
        generator.random((rows, 4)) < 0.25, generator.integers(len(TOPICS), size=(rows, 4)), labels[:, None]
    )
    texts = [" ".join(str(generator.choice(TOPICS[topic])) for topic in row) for row in sources]
    return Rows(pa.array(texts), labels.astype(np.int16))


@pytest.mark.parametrize("name", WITH_TERMS)
def test_of_three_labels_each_is_told_from_the_others(name: str) -> None:
    model, unseen = baselines.fit(name, topics(300, 1), topics(90, 2)), topics(90, 3)
    found = baselines.predict(model, unseen.texts)
    assert found.shape == (90, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert (found.argmax(axis=1) == unseen.labels).mean() > 0.9
    assert model.weights.shape == model.scale.shape == (3, len(model.terms))
    assert baselines.count_parameters(model) == 3 * (len(model.terms) + 1)


def test_an_output_of_three_labels_is_the_baseline_of_one_against_the_rest() -> None:
    rows, held_out = topics(300, 1), topics(90, 2)
    model = baselines.fit("nbsvm", rows, held_out)
    for label in range(3):
        alone = baselines.fit(
            "nbsvm",
            Rows(rows.texts, (rows.labels == label).astype(np.int16)),
            Rows(held_out.texts, (held_out.labels == label).astype(np.int16)),
        )
        np.testing.assert_allclose(model.weights[label], alone.weights[0], atol=1e-6)


def test_majority_of_three_labels_gives_their_shares(tmp_path: Path) -> None:
    model = fit("majority", strings(*["good film"] * 8), marks(0, 0, 0, 0, 1, 2, 2, 2))
    baselines.save(model, tmp_path / "majority.npz")
    found = baselines.predict(baselines.load(tmp_path / "majority.npz"), strings("good", ""))
    np.testing.assert_allclose(found, [[0.5, 0.125, 0.375]] * 2, atol=1e-6)


def test_the_harder_the_validation_rows_the_stronger_the_penalty() -> None:
    texts, labels = corpus(600, seed=1)
    flipped = np.where(np.arange(600) % 5 == 0, 1 - labels, labels).astype(np.int8)
    sure, doubtful = (fit("nbsvm", texts, labels, Rows(texts, held_out)) for held_out in (labels, flipped))
    assert sure.inverse_penalty[0] > doubtful.inverse_penalty[0] > 0


@pytest.mark.parametrize(("words", "penalty"), [(("good", "bad"), 100.0), (("film", "film"), 0.3)])
def test_the_weakest_penalty_suits_words_that_tell_all_and_the_strongest_those_that_tell_nothing(
    words: tuple[str, str], penalty: float
) -> None:
    draw = np.random.default_rng(1)
    texts = strings(*(f"{words[row % 2]} w{draw.integers(9)} w{draw.integers(9)}" for row in range(200)))
    model = fit("tfidf", texts[:100], marks(*[1, 0] * 50), Rows(texts[100:], marks(*[1, 0] * 50)))
    assert model.inverse_penalty.tolist() == [penalty]


def test_log_count_ratio_agrees_with_a_count_by_hand() -> None:
    # Texts with bad, film, good: 0, 1, 2 positive and 3, 2, 0 negative ones; one more each, they sum to 6 and to 8.
    texts = strings("good film", "good good", "bad film", "bad", "film film bad bad")
    model = fit("nbsvm", texts, marks(1, 1, 0, 0, 0))
    assert model.terms.to_pylist() == ["bad", "film", "good"]
    expected = np.log([(1 / 6) / (4 / 8), (2 / 6) / (3 / 8), (3 / 6) / (1 / 8)])
    np.testing.assert_allclose(model.scale[0], expected, rtol=1e-6)


def test_idf_agrees_with_a_count_by_hand() -> None:
    model = fit("tfidf", strings("good film", "good", "bad film", "bad", "good good"), marks(1, 1, 0, 0, 1))
    assert model.terms.to_pylist() == ["bad", "film", "good"]
    np.testing.assert_allclose(model.scale[0], np.log([6 / 3, 6 / 3, 6 / 4]) + 1, rtol=1e-6)


@pytest.mark.parametrize("name", WITH_TERMS)
def test_the_order_of_two_words_matters(name: str) -> None:
    # Both classes hold the same words equally often: only pairs tell them apart.
    texts = strings(*["it was good not bad", "it was bad not good"] * 5)
    model = fit(name, texts, marks(*[1, 0] * 5))
    praise, blame = baselines.predict(model, strings("Good, not bad!", "Bad, not good!"))
    assert praise > 0.7
    assert blame < 0.3


def test_pairs_stay_within_a_text() -> None:
    model = fit("tfidf", strings(*["good film", "", "bad day"] * 2), marks(1, 1, 0, 1, 1, 0))
    assert model.terms.to_pylist() == ["bad", "bad day", "day", "film", "good", "good film"]


def test_nbsvm_counts_a_word_once_a_text() -> None:
    model = fit("nbsvm", strings(*["good film", "bad film"] * 3), marks(*[1, 0] * 3))
    once, often = baselines.predict(model, strings("good bad film film", "good good bad film film film"))
    assert once == pytest.approx(often)


@pytest.mark.parametrize("name", WITH_TERMS)
def test_a_text_without_a_known_word_gets_the_probability_of_the_intercept(name: str) -> None:
    model = fitted(name)
    found = baselines.predict(model, strings("unheard of", "", "!?", "wört1"))
    assert found[:3].tolist() == pytest.approx([float(expit(model.intercept[0]))] * 3)
    assert found[3] != found[0]


@pytest.mark.parametrize("name", WITH_TERMS)
def test_terms_of_one_text_count_where_there_are_no_others(name: str) -> None:
    model = fit(name, strings("good film", "bad day"), marks(1, 0))
    assert len(model.terms) == 6
    good, bad = baselines.predict(model, strings("good", "bad"))
    assert good > 0.5 > bad


@pytest.mark.parametrize("name", WITH_TERMS)
def test_training_texts_without_a_word_leave_the_share_of_positives(name: str) -> None:
    model = fit(name, strings("!", "?", "…", "!!"), marks(1, 0, 1, 1))
    assert baselines.predict(model, strings("good", "!")).tolist() == pytest.approx([0.75, 0.75])


@pytest.mark.parametrize("name", NAMES)
def test_no_texts_give_no_probabilities(name: str) -> None:
    found = baselines.predict(fitted(name), strings())
    assert found.shape == (0,)
    assert found.dtype == "float32"


@pytest.mark.parametrize("name", NAMES)
def test_batches_give_the_same_as_one(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unseen, _ = corpus(100, seed=2)
    baselines.save(fitted(name), tmp_path / "one.npz")
    expected = baselines.predict(fitted(name), unseen)
    monkeypatch.setattr(baselines, "BATCH_ROWS", 64)
    baselines.save(fitted(name), tmp_path / "many.npz")
    assert (tmp_path / "many.npz").read_bytes() == (tmp_path / "one.npz").read_bytes()
    np.testing.assert_array_equal(baselines.predict(fitted(name), unseen), expected)


@pytest.mark.parametrize("name", NAMES)
def test_saved_and_loaded_predicts_the_same(name: str, tmp_path: Path) -> None:
    unseen, _ = corpus(100, seed=2)
    model = fitted(name)
    baselines.save(model, tmp_path / "model.npz")
    loaded = baselines.load(tmp_path / "model.npz")
    assert (loaded.name, loaded.terms) == (model.name, model.terms)
    assert (loaded.intercept, loaded.inverse_penalty) == (model.intercept, model.inverse_penalty)
    assert [loaded.scale.dtype, loaded.weights.dtype] == ["float32", "float32"]
    assert baselines.count_parameters(loaded) == len(model.terms) + 1
    np.testing.assert_array_equal(baselines.predict(loaded, unseen), baselines.predict(model, unseen))


def test_saved_bytes_do_not_depend_on_the_time(tmp_path: Path) -> None:
    baselines.save(fitted("tfidf"), tmp_path / "model.npz")
    with zipfile.ZipFile(tmp_path / "model.npz") as archive:
        assert {member.date_time for member in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.npz: no such file; `dvc repro`"):
        baselines.load(tmp_path / "none.npz")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.99])
def test_a_file_cut_short_is_named(share: float, tmp_path: Path) -> None:
    target = tmp_path / "model.npz"
    baselines.save(fitted("tfidf"), target)
    content = target.read_bytes()
    target.write_bytes(content[: int(share * len(content))])
    with pytest.raises(UserError, match=r"model\.npz: damaged or cut short"):
        baselines.load(target)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    target = tmp_path / "model.npz"
    model = fitted("nbsvm")
    baselines.save(model, target)
    content = bytearray(target.read_bytes())
    content[content.index(model.weights.tobytes()) + 5] ^= 1
    target.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.npz: damaged or cut short"):
        baselines.load(target)


@pytest.mark.parametrize(
    "changed",
    [{"name": "other"}, {"weights": np.zeros(2, np.float32)}, {"scale": np.array([{}, []], object)}],
    ids=["unknown", "lengths", "pickle"],
)
def test_arrays_that_make_no_baseline_are_refused(changed: dict[str, object], tmp_path: Path) -> None:
    target = tmp_path / "model.npz"
    baselines.save(fitted("tfidf"), target)
    with np.load(target) as arrays:
        np.savez(target, **{**arrays, **changed})
    with pytest.raises(UserError, match=r"model\.npz: damaged or cut short"):
        baselines.load(target)


def test_another_file_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "array.npy", np.zeros(5))
    with pytest.raises(UserError, match=r"array\.npy: damaged or cut short"):
        baselines.load(tmp_path / "array.npy")
