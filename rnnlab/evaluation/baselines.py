"""Classifiers of text without recurrence, which every recurrent network must beat.

All are logistic: the log-odds are a weighted sum of n-grams and an intercept. The majority class has no n-grams. Of two
labels there is one such sum, for the second; of more there is one for each, against the rest.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array, vstack
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.preprocessing import normalize
from tqdm import tqdm

from rnnlab.features import arrays, text
from rnnlab.project.files import reading, replacing
from rnnlab.project.tasks import TASKS

NAMES = [*TASKS["text"].baselines, "summary"]  # of those that are linear
MIN_ROWS = 2  # in which an n-gram must occur
INVERSE_PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)  # scikit-learn's C, tried on the validation rows
BATCH_ROWS = 4096
Array = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]  # of shape (rows,)


class Linear(NamedTuple):
    """A fitted baseline of one output for two labels, or of as many as there are labels.

    Attributes:
        terms: words and pairs of words ("not good") by alphabet, of shape (terms,).
        scale: the weight of a term in any text: its inverse document frequency ("tfidf") or log-count ratio ("nbsvm"),
            of shape (outputs, terms).
        weights: of shape (outputs, terms).
        intercept: log-odds of each output in a text without a known term, of shape (outputs,).
        inverse_penalty: of `INVERSE_PENALTIES`, the one with which an output has the smallest log loss on the
            validation rows; 0 without terms, where nothing is chosen. Its shape is (outputs,).
    """

    name: str
    terms: pa.StringArray
    scale: Array
    weights: Array
    intercept: npt.NDArray[np.float64]
    inverse_penalty: npt.NDArray[np.float64]


class Rows(NamedTuple):
    """Cleaned texts and the numbers of their labels, of shape (rows,)."""

    texts: pa.Array
    labels: npt.NDArray[np.integer[Any]]


def fit(name: str, rows: Rows, held_out: Rows) -> Linear:
    """Fits one of `NAMES` to training rows, of all labels, with the penalties that suit the validation rows best.

    "tfidf" weighs an n-gram by (1 + ln count) · idf (Salton & Buckley 1988, "Term-weighting approaches in automatic
    text retrieval"), "nbsvm" by its presence times its log-count ratio (Wang & Manning 2012, "Baselines and bigrams").
    Both then scale a text to unit length and fit a logistic regression. Wang & Manning do not scale, but interpolate
    the weights with their mean magnitude: on IMDB's validation rows scaling made the probabilities more accurate,
    interpolation made them under-confident. Where no text has a word, the baseline is that of the majority class.
    """
    terms = pa.array([], pa.string()) if name == "majority" else _choose_terms(rows.texts)
    count = arrays.count_labels(rows.labels)
    outputs = [1] if count == 2 else range(count)
    if not len(terms):
        shares = np.array([(rows.labels == label).mean() for label in outputs])
        nothing = np.empty((len(outputs), 0), np.float32)
        return Linear(name, terms, nothing, nothing, logit(shares), np.zeros(len(outputs)))
    counts, others = (_count_all(texts, terms) for texts in (rows.texts, held_out.texts))
    fitted = [
        _fit_output(name, (counts, rows.labels == label), (others, held_out.labels == label))
        for label in tqdm(outputs, desc=name, unit="label", disable=None, leave=False)
    ]
    scales, weights, intercepts, penalties = zip(*fitted, strict=True)
    return Linear(name, terms, np.stack(scales), np.stack(weights), np.array(intercepts), np.array(penalties))


def _fit_output(
    name: str, rows: tuple[csr_array, Flags], held_out: tuple[csr_array, Flags]
) -> tuple[Array, Array, float, float]:
    """Fits one output to counts of terms and whether a row has the label; returns the fields of `Linear` of it."""
    (counts, targets), (others, held_targets) = rows, held_out
    ratio = _inverse_document_frequency(counts) if name == "tfidf" else _log_count_ratio(counts, targets)
    scale = ratio.astype(np.float32)
    features, unseen = (_weigh(each, name, scale) for each in (counts, others))
    tried = [LogisticRegression(C=c, solver="liblinear").fit(features, targets) for c in INVERSE_PENALTIES]
    best = min(tried, key=lambda one: log_loss(held_targets, one.predict_proba(unseen)))
    return scale, best.coef_[0].astype(np.float32), float(best.intercept_[0]), best.C


def predict(model: Linear, texts: pa.Array) -> Array:
    """Returns probabilities for cleaned strings of shape (rows,).

    Returns:
        float32: of the second of two labels, of shape (rows,), or of each of more, of shape (rows, labels).
    """
    found = np.tile(expit(model.intercept).astype(np.float32), (len(texts), 1))
    if len(model.terms):
        for number, batch in enumerate(_batches(texts)):
            counts, first = _count(batch, model.terms), number * BATCH_ROWS
            for output, (scale, weights) in enumerate(zip(model.scale, model.weights, strict=True)):
                log_odds = _weigh(counts, model.name, scale) @ weights + model.intercept[output]
                found[first : first + len(batch), output] = expit(log_odds)
    return _normalised(found)


def probabilities(log_odds: npt.NDArray[np.float64]) -> Array:
    """Returns what `predict` does, from log-odds of shape (rows, outputs)."""
    return _normalised(expit(log_odds).astype(np.float32))


def _normalised(found: Array) -> Array:
    return found[:, 0] if found.shape[1] == 1 else found / found.sum(axis=1, keepdims=True)


def count_parameters(model: Linear) -> int:
    """Counts the fitted weights and intercepts; idf and log-count ratios are statistics, not weights."""
    return model.weights.size + model.intercept.size


def save(model: Linear, target: Path) -> None:
    """Writes an ``.npz`` of plain arrays; the same baseline gives the same bytes.

    The terms are one array of UTF-8 bytes, each ended by a newline: an array of strings would pad each to the longest.
    """
    terms = "".join(f"{term}\n" for term in model.terms.to_pylist()).encode()
    arrays = model._asdict() | {"terms": np.frombuffer(terms, np.uint8)}
    with replacing(target) as temporary:
        np.savez(temporary, allow_pickle=False, **arrays)


def load(source: Path) -> Linear:
    """Reads what `save` wrote.

    Raises:
        UserError: the file is missing or damaged.
    """
    with reading(source):
        with source.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
            name, terms, scale, weights, *numbers = (arrays[field] for field in Linear._fields)
        words = pa.array(terms.tobytes().decode().split("\n")[:-1], pa.string())
        shape = (len(numbers[0]), len(words))
        if str(name) not in NAMES or not shape == scale.shape == weights.shape:
            raise ValueError("its arrays do not belong together")
        return Linear(str(name), words, scale, weights, *numbers)


def _batches(texts: pa.Array) -> Iterator[pa.Array]:
    return (texts.slice(start, BATCH_ROWS) for start in range(0, len(texts), BATCH_ROWS))


def _ngrams(texts: pa.Array) -> tuple[pa.StringArray, npt.NDArray[np.int32]]:
    """Words and pairs of neighbouring words, every occurrence, and the row of each."""
    lists = text.words(texts)
    words, rows = lists.flatten(), pc.list_parent_indices(lists).to_numpy().astype(np.int32)
    pairs = pc.binary_join_element_wise(words[:-1], words[1:], " ")
    within = rows[:-1] == rows[1:]
    return pa.concat_arrays([words, pairs.filter(pa.array(within))]), np.concatenate([rows, rows[:-1][within]])


def _count(texts: pa.Array, terms: pa.StringArray) -> csr_array:
    """How often each term occurs in each text, shape (rows, terms)."""
    ngrams, rows = _ngrams(texts)
    columns = pc.fill_null(pc.index_in(ngrams, value_set=terms), -1).to_numpy()
    known = columns >= 0
    return csr_array((np.ones(known.sum()), (rows[known], columns[known])), shape=(len(texts), len(terms)))


def _count_all(texts: pa.Array, terms: pa.StringArray) -> csr_array:
    """Counts as `_count` does, batch by batch."""
    return vstack([_count(batch, terms) for batch in _batches(texts)], format="csr")


def _choose_terms(texts: pa.Array) -> pa.StringArray:
    """N-grams of at least `MIN_ROWS` texts, sorted; all of them where no n-gram is so frequent."""
    batches = pa.concat_tables([_document_frequencies(batch) for batch in _batches(texts)])
    terms = batches.group_by("term").aggregate([("rows", "sum")]).sort_by("term")
    frequent = terms.filter(pc.greater_equal(terms["rows_sum"], MIN_ROWS))
    return (frequent if frequent.num_rows else terms)["term"].combine_chunks()


def _document_frequencies(texts: pa.Array) -> pa.Table:
    terms = _ngrams(texts)[0].unique()
    terms = terms.filter(pc.not_equal(terms, ""))  # stands for a text without a word
    return pa.table({"term": terms, "rows": _count(texts, terms).count_nonzero(axis=0)})


def _inverse_document_frequency(counts: csr_array) -> npt.NDArray[np.float64]:
    """ln((1 + rows) / (1 + rows with the term)) + 1, as scikit-learn smooths it; shape (terms,)."""
    idf: npt.NDArray[np.float64] = np.log((1 + counts.shape[0]) / (1 + counts.count_nonzero(axis=0))) + 1
    return idf


def _log_count_ratio(counts: csr_array, targets: Flags) -> npt.NDArray[np.float64]:
    """How much likelier a term is in texts with a label, in nats, with every count one more; shape (terms,)."""
    within, without = (1 + counts[flags].count_nonzero(axis=0) for flags in (targets, ~targets))
    ratio: npt.NDArray[np.float64] = np.log(within / within.sum()) - np.log(without / without.sum())
    return ratio


def _weigh(counts: csr_array, name: str, scale: Array) -> csr_array:
    """Turns counts into features: rows of unit length, or of zeros where no term is known."""
    local = 1 + np.log(counts.data) if name == "tfidf" else np.ones_like(counts.data)
    features = csr_array((local * scale[counts.indices], counts.indices, counts.indptr), counts.shape)
    return normalize(features, copy=False)
