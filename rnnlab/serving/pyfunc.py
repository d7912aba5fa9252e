"""What MLflow serves: a text or sequence in, its label and probability out; or values of a series in, the next out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from rnnlab.features.sequences import read_scaler
from rnnlab.features.windows import Scaler
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.files import read_json
from rnnlab.project.params import TokenizePad
from rnnlab.serving.classifier import PROBABILITY, Answers, Classifier, answer


class TextClassifier(mlflow.pyfunc.PythonModel):
    """A trained network with its vocabulary, tokenizing as in training."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        options = TokenizePad.model_validate(context.model_config["tokenize_pad"])
        labels = tuple(context.model_config["labels"])
        network = models.load(Path(context.artifacts["network"]))
        vocabulary, thresholds = read_json(Path(context.artifacts["encoding"])), context.model_config.get("thresholds")
        self._classifier = Classifier(network, vocabulary, options, labels, thresholds)

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classifies the column ``text``, where a missing text counts as empty.

        Returns:
            The columns ``label`` and ``probability`` (of that label), a row per text; with the parameter ``all``, also
            ``probability_`` and a label, for each label.
        """
        answers = self._classifier.classify(model_input["text"].fillna("").astype(str).tolist())
        return _table(answers, self._classifier.labels, params)


class SequenceClassifier(mlflow.pyfunc.PythonModel):
    """A trained network with its scaler, for sequences of steps in the unit of the data."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        self._scaler = read_scaler(Path(context.artifacts["encoding"]))
        self._network = models.load(Path(context.artifacts["network"]))
        self._labels, self._thresholds = context.model_config["labels"], context.model_config.get("thresholds")

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classifies the column ``steps``: lists of steps, each the values of all channels in the order of training.

        Returns:
            As `TextClassifier.predict` does.
        """
        sequences = [np.array([list(step) for step in steps], np.float64) for steps in model_input["steps"]]
        answers = answer(self._network, self._scaler.encode(sequences), self._labels, self._thresholds)
        return _table(answers, self._labels, params)


def _table(answers: Answers, names: Sequence[str], params: dict[str, Any] | None) -> pd.DataFrame:
    labels, probabilities = answers
    given = probabilities[np.arange(len(labels)), [names.index(label) for label in labels]]
    table = pd.DataFrame({"label": labels, "probability": given.astype(float)})
    columns = [f"{PROBABILITY}{name}" for name in names] if (params or {}).get("all") else []
    return table.join(pd.DataFrame(probabilities[:, : len(columns)].astype(float), columns=columns))


class SeriesForecaster(mlflow.pyfunc.PythonModel):
    """A trained network with its scaler, in the unit of the series."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        self._network = models.load(Path(context.artifacts["network"]))
        self._scaler = Scaler(**read_json(Path(context.artifacts["encoding"])))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predicts ``next_value`` from each row of the column ``values``: a list of as many values as in training."""
        from rnnlab.networks import models

        windows = self._scaler.apply(np.array(model_input["values"].tolist(), np.float64)).astype(np.float32)
        predicted = models.predict(self._network, windows, batch_size=256)
        return pd.DataFrame({"next_value": self._scaler.undo(predicted)})
