"""What MLflow serves: text in, label and probability out; or the last values of a series in, the next one out."""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from rnnlab.features.windows import Scaler
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.files import read_json
from rnnlab.project.params import TokenizePad
from rnnlab.serving.classifier import Classifier


class TextClassifier(mlflow.pyfunc.PythonModel):
    """A trained network with its vocabulary, tokenizing as in training."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        options = TokenizePad.model_validate(context.model_config["tokenize_pad"])
        first, second = context.model_config["labels"]
        network = models.load(Path(context.artifacts["network"]))
        self._classifier = Classifier(network, read_json(Path(context.artifacts["encoding"])), options, (first, second))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classifies texts.

        Args:
            context: of MLflow; ignored.
            model_input: one column ``text``; a missing text counts as empty.
            params: ignored.

        Returns:
            The columns ``label`` and ``probability`` (of the second label), a row per text.
        """
        labels, probabilities = self._classifier.classify(model_input["text"].fillna("").astype(str).tolist())
        return pd.DataFrame({"label": labels, "probability": probabilities.astype(float)})


class SeriesForecaster(mlflow.pyfunc.PythonModel):
    """A trained network with its scaler, in the unit of the series."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        self._network = models.load(Path(context.artifacts["network"]))
        self._scaler = Scaler(**read_json(Path(context.artifacts["encoding"])))

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predicts the value after each window.

        Args:
            context: of MLflow; ignored.
            model_input: one column ``values``, a list of the last values each, as many as in training.
            params: ignored.

        Returns:
            The column ``next_value``, a row per window.
        """
        from rnnlab.networks import models

        windows = self._scaler.apply(np.array(model_input["values"].tolist(), np.float64)).astype(np.float32)
        predicted = models.predict(self._network, windows, batch_size=256)
        return pd.DataFrame({"next_value": self._scaler.undo(predicted)})
