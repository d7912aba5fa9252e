"""A network with its vocabulary: raw texts in, labels and probabilities out, tokenizing as in training."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.features import text
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from rnnlab.project.sections.data import TokenizePad
from rnnlab.project.tasks import decide

PROBABILITY = "probability_"  # before a label, the name of the column with its probabilities
Answers = tuple[Sequence[str], npt.NDArray[np.floating[Any]]]


class Classifier(NamedTuple):
    """A trained network that tokenizes as in training, and the names of its labels by their numbers."""

    network: Any
    vocabulary: list[str]
    options: TokenizePad
    labels: tuple[str, ...]
    thresholds: Sequence[float] | None = None  # of each label, see `rnnlab.project.tasks.decide`

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.int32]:
        """Encodes raw texts as word ids of shape (rows, max_length).

        Raises:
            UnicodeEncodeError: a text holds half of a surrogate pair, which no file of training data can.
        """
        return text.encode(text.clean(pa.array(texts, pa.string())), self.vocabulary, self.options).tokens

    def classify(self, texts: Sequence[str]) -> Answers:
        """Returns the label of each text, and the probability of each label, float32 of shape (rows, labels)."""
        return answer(self.network, self.encode(texts), self.labels, self.thresholds)


def answer(
    network: Any, inputs: npt.NDArray[Any], labels: Sequence[str], thresholds: Sequence[float] | None
) -> Answers:
    """Returns what a network says of encoded rows; see `Classifier.classify`."""
    from rnnlab.networks import predicting

    if not len(inputs):
        return [], np.zeros((0, len(labels)), np.float32)
    probabilities = predicting.predict(network, inputs, batch_size=256)
    answers = [labels[number] for number in decide(probabilities, thresholds)]
    is_single = probabilities.ndim == 1
    return answers, np.stack([1 - probabilities, probabilities], axis=1) if is_single else probabilities


def check_labels(network: Path, loaded: Any, labels: Sequence[str], summary: Path) -> None:
    """Raises a `UserError` if a network tells another number of labels apart than the data have."""
    if (outputs := loaded.output_shape[-1]) != len(labels) and (outputs, len(labels)) != (1, 2):
        raise UserError(f"{network}: tells {outputs} labels apart, and {summary} names {len(labels)}; `dvc repro`")


def chosen_for(network: Path) -> list[float] | None:
    """Returns the thresholds that the evaluate stage chose for a network of a workspace, if it did."""
    source = network.parents[1] / layout.THRESHOLDS if network.parent.name == layout.MODELS.name else None
    chosen: dict[str, list[float]] = read_json(source) if source and source.is_file() else {}
    return chosen.get(network.stem)
