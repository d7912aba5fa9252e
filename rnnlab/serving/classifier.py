"""A network with its vocabulary: raw texts in, labels and probabilities out, tokenizing as in training."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.features import text
from rnnlab.project.params import TokenizePad
from rnnlab.project.tasks import positive

Answers = tuple[Sequence[str], npt.NDArray[np.floating[Any]]]


class Classifier(NamedTuple):
    """A trained network that tokenizes as in training.

    Attributes:
        network: from `rnnlab.networks.models.load`.
        vocabulary: the word of each id.
        options: length and sides, as in training.
        labels: the second is the positive class.
    """

    network: Any
    vocabulary: list[str]
    options: TokenizePad
    labels: tuple[str, str]

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Encodes raw texts as word ids of shape (rows, max_length).

        Raises:
            UnicodeEncodeError: a text holds half of a surrogate pair, which no file of training data can.
        """
        return text.encode(text.clean(pa.array(texts, pa.string())), self.vocabulary, self.options).tokens

    def classify(self, texts: Sequence[str]) -> Answers:
        """Returns the label of each text and the probability of the positive one, float32 of shape (rows,)."""
        from rnnlab.networks import models

        if not texts:
            return [], np.zeros(0, np.float32)
        probabilities = models.predict(self.network, self.encode(texts), batch_size=256)
        return [self.labels[int(each)] for each in positive(probabilities)], probabilities
