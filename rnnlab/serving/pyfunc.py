"""What MLflow serves: text in, label and its probability out; or the last rows of a series in, the next values out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd

from rnnlab.features import windows
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.files import read_json
from rnnlab.project.params import TokenizePad
from rnnlab.serving.classifier import PROBABILITY, Classifier


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
        # Models that were logged up to version 0.1.0 promised the probability of the second label.
        self._tells_second = "thresholds" not in context.model_config

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classifies the column ``text``, where a missing text counts as empty.

        Returns:
            The columns ``label`` and ``probability`` (of that label), a row per text; with the parameter ``all``, also
            ``probability_`` and a label, for each label.
        """
        names = self._classifier.labels
        labels, probabilities = self._classifier.classify(model_input["text"].fillna("").astype(str).tolist())
        told = [1 if self._tells_second else names.index(label) for label in labels]
        given = probabilities[np.arange(len(labels)), told]
        table = pd.DataFrame({"label": labels, "probability": given.astype(float)})
        columns = [f"{PROBABILITY}{name}" for name in names] if (params or {}).get("all") else []
        return table.join(pd.DataFrame(probabilities[:, : len(columns)].astype(float), columns=columns))


class SeriesForecaster(mlflow.pyfunc.PythonModel):
    """A trained network with its encoding, in the unit of the series."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        network = models.load(Path(context.artifacts["network"]))
        encoding = windows.from_json(read_json(Path(context.artifacts["encoding"])))
        self.use(network, encoding, context.model_config.get("half_widths"))  # models up to 0.1.0 have none

    def use(self, network: Any, encoding: windows.Encoding, half_widths: Sequence[float] | None = None) -> None:
        """Forecasts with a network that is loaded already; half-widths are of its prediction intervals by step."""
        self._network, self._encoding, self._half_widths = network, encoding, half_widths

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predicts from each row, whose column ``values`` is a list of as many values as in training.

        A column for each covariate has lists of as many numbers or words.

        Returns:
            The column ``next_value``; of a network that predicts several, also ``forecast``, a list of all; of one
            whose errors on validation rows are known, also the ends of prediction intervals, the lists ``low`` and
            ``high``.
        """
        from rnnlab.networks import models

        columns = {name: np.array(model_input[name].tolist()) for name in self._encoding.covariates}
        inputs = self._encoding.encode(np.array(model_input["values"].tolist(), np.float64), columns)
        # Networks up to 0.1.0 read values without an axis of channels.
        inputs = inputs.reshape(len(inputs), *self._network.input_shape[1:]).astype(np.float32)
        predicted = self._encoding.value.undo(models.predict(self._network, inputs, batch_size=256))
        table = pd.DataFrame({"next_value": predicted[:, 0]})
        if predicted.shape[1] > 1:
            table = table.assign(forecast=predicted.tolist())
        if self._half_widths:
            width = np.array(self._half_widths)
            table = table.assign(low=(predicted - width).tolist(), high=(predicted + width).tolist())
        return table
