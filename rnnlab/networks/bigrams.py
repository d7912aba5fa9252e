"""Words with the word before them: an embedding of pairs, and channels that start at how telling a term is."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from rnnlab.features.arrays import Examples, count_labels
from rnnlab.features.text import RESERVED_IDS
from rnnlab.project.errors import UserError

MOST_WORDS = 46_340  # ids whose pairs an int32 can number, which every backend of Keras has
BATCH_ROWS = 4096
Ids = npt.NDArray[np.int32]


@keras.saving.register_keras_serializable(package="rnnlab")
class BigramEmbedding(keras.layers.Embedding):
    """The vector of each word plus, for frequent pairs, that of the pair which it forms with the word before it.

    The pairs are part of the weights, so that a network needs no more than word ids, wherever it is read.
    """

    def __init__(self, input_dim: int, output_dim: int, bigrams: int, **options: Any) -> None:
        """Makes room for so many pairs; `know` says which they are."""
        super().__init__(input_dim, output_dim, **options)
        self.bigrams = bigrams

    def build(self, input_shape: Any = None) -> None:
        """Adds the vectors of the pairs, (bigrams, output_dim), and their numbers in ascending order, (bigrams,)."""
        super().build(input_shape)
        self.pair_embeddings = self.add_weight(
            shape=(self.bigrams, self.output_dim), initializer=self.embeddings_initializer, name="pair_embeddings"
        )
        self.pairs = self.add_weight(
            shape=(self.bigrams,), initializer="zeros", dtype="int32", trainable=False, name="pairs"
        )

    def call(self, inputs: Any) -> Any:
        """Maps word ids, (rows, steps), to vectors, (rows, steps, output_dim)."""
        places, is_known = self._find(inputs)
        vectors = keras.ops.take(self.pair_embeddings, places, axis=0)
        return super().call(inputs) + keras.ops.where(is_known[..., None], vectors, 0.0)

    def _find(self, words: Any) -> tuple[Any, Any]:
        """Returns the place of each word's pair among the pairs, and whether it is one of them, (rows, steps) both."""
        numbers = number_pairs(words, self.input_dim)
        flat = keras.ops.reshape(numbers, (-1,))
        places = keras.ops.minimum(keras.ops.searchsorted(self.pairs.value, flat), self.bigrams - 1)
        is_known = (keras.ops.take(self.pairs, places) == flat) & (flat > 0)
        shape = keras.ops.shape(numbers)
        return keras.ops.reshape(places, shape), keras.ops.reshape(is_known, shape)

    def find(self, words: Ids) -> Ids:
        """Returns the place of each word's pair, int32 of the shape of ``words``; as many as there are if unknown."""
        places, is_known = map(np.asarray, self._find(words))
        return np.where(is_known, places, self.bigrams).astype(np.int32)

    def know(self, words: Ids) -> None:
        """Chooses the most frequent pairs of training rows; of equally frequent ones, those of more frequent words."""
        numbers, counts = _count_pairs(words, self.input_dim)
        best = np.lexsort((numbers, -counts))[: self.bigrams]
        pairs = np.zeros(self.bigrams, np.int32)  # 0, which no pair has, comes before all others
        pairs[self.bigrams - len(best) :] = np.sort(numbers[best])
        self.pairs.assign(pairs)

    # Keras' embedding saves its one matrix alone.
    save_own_variables = keras.layers.Layer.save_own_variables
    load_own_variables = keras.layers.Layer.load_own_variables

    def get_config(self) -> dict[str, Any]:
        """Adds the number of pairs."""
        return {**super().get_config(), "bigrams": self.bigrams}


def number_pairs(words: Any, vocabulary_size: int) -> Any:
    """Numbers the pair of each word id and the one before it; 0 where there is none, or one of both is not known."""
    words = keras.ops.cast(words, "int32")
    before = keras.ops.pad(words[:, :-1], ((0, 0), (1, 0)))
    is_pair = (words >= RESERVED_IDS) & (before >= RESERVED_IDS)
    return keras.ops.where(is_pair, before * vocabulary_size + words, 0)


def _count_pairs(words: Ids, vocabulary_size: int) -> tuple[Ids, npt.NDArray[np.int64]]:
    parts = (np.asarray(number_pairs(words[start : start + BATCH_ROWS], vocabulary_size)) for start in _starts(words))
    counted = [np.unique(part[part > 0], return_counts=True) for part in parts]
    numbers, places = np.unique(np.concatenate([each for each, _ in counted]), return_inverse=True)
    return numbers, np.bincount(places, np.concatenate([each for _, each in counted])).astype(np.int64)


def _starts(words: Ids) -> range:
    return range(0, len(words), BATCH_ROWS)


def prepare(embedding: keras.layers.Embedding, rows: Examples, nb_channels: int) -> None:
    """Fits an embedding to training rows before its training: which pairs it knows, and where its channels start.

    The first ``nb_channels`` start at the log-count ratios of words and pairs (Wang & Manning 2012, "Baselines and
    bigrams"; Li et al. 2016, "Weighted neural bag-of-n-grams model"): of two labels at that of the second, of more at
    that of each label in turn.

    Raises:
        UserError: there are too many words to number their pairs.
    """
    words, labels = rows[0], rows[1][:, 0]
    knows_pairs = isinstance(embedding, BigramEmbedding)
    if knows_pairs:
        if embedding.input_dim > MOST_WORDS:
            ids = f"the vocabulary has {embedding.input_dim:,} ids"
            raise UserError(f"{ids}, and bigrams can tell {MOST_WORDS:,} apart; lower tokenize_pad.vocabulary_size")
        embedding.know(words)
    if nb_channels:
        _start(embedding.embeddings, log_count_ratios(words, labels, embedding.input_dim), nb_channels, RESERVED_IDS)
    if nb_channels and knows_pairs:
        ratios = log_count_ratios(embedding.find(words), labels, embedding.bigrams + 1)
        _start(embedding.pair_embeddings, ratios[:, :-1], nb_channels)


def _start(vectors: keras.Variable, ratios: npt.NDArray[np.float64], channels: int, first: int = 0) -> None:
    """Replaces channels by ratios of shape (outputs, terms), those of reserved ids excepted."""
    values = np.asarray(vectors).copy()
    for channel in range(channels):
        values[first:, channel] = ratios[channel % len(ratios), first:]
    vectors.assign(values)


def log_count_ratios(terms: Ids, labels: npt.NDArray[Any], size: int) -> npt.NDArray[np.float64]:
    """Returns how much likelier a term is in rows with a label, in nats, with every count one more.

    Args:
        terms: ids of words or pairs, of shape (rows, steps); a term counts once a row.
        labels: their numbers, of shape (rows,).
        size: number of ids.

    Returns:
        float64 of shape (1, size), for the second of two labels, or (labels, size).
    """
    count = count_labels(labels.astype(np.int64))
    rows_with = np.zeros((count, size))
    for start in _starts(terms):
        found = np.sort(terms[start : start + BATCH_ROWS], axis=1)
        is_first = np.diff(found, axis=1, prepend=-1) > 0
        places = labels[start : start + BATCH_ROWS, None].astype(np.int64) * size + found
        rows_with += np.bincount(places[is_first], minlength=count * size).reshape(count, size)
    within = 1 + rows_with
    without = 1 + rows_with.sum(axis=0) - rows_with
    shares = (each / each.sum(axis=1, keepdims=True) for each in (within, without))
    ratios: npt.NDArray[np.float64] = np.subtract(*map(np.log, shares))
    return ratios[1:] if count == 2 else ratios
