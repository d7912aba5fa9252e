"""What MLflow serves: a text or sequence in, its label and probability out; or rows of a series in, the next out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnlab.features import series_encoding
from rnnlab.features.sequences import read_scaler
from rnnlab.features.series_encoding import Encoding
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from rnnlab.project.sections.data import TokenizePad
from rnnlab.serving.classifier import PROBABILITY, Classifier, answer


def network_of(context: Any) -> tuple[Path, Path | None]:
    """Returns the file of a logged network, and that of its cell, where a project has one of its own."""
    cell = context.artifacts.get("cell")
    return Path(context.artifacts["network"]), Path(cell) if cell else None


class TextClassifier(mlflow.pyfunc.PythonModel):
    """A trained network with its vocabulary, tokenizing as in training."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        options = TokenizePad.model_validate(context.model_config["tokenize_pad"])
        labels = tuple(context.model_config["labels"])
        network = models.load(*network_of(context))
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
        labels, probabilities = self._classifier.classify(model_input["text"].fillna("").astype(str).tolist())
        names = self._classifier.labels
        return _table(labels, probabilities, names, params, names[1] if self._tells_second else None)


class SequenceClassifier(mlflow.pyfunc.PythonModel):
    """A trained network with its scaler, for sequences of steps in the unit of the data."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        self._scaler = read_scaler(Path(context.artifacts["encoding"]))
        self._network = models.load(*network_of(context))
        self._labels, self._thresholds = context.model_config["labels"], context.model_config.get("thresholds")

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Classifies the column ``steps``: lists of steps, each the values of all channels in the order of training.

        Returns:
            As `TextClassifier.predict` does.
        """
        sequences = [np.array([list(step) for step in steps], np.float64) for steps in model_input["steps"]]
        answers = answer(self._network, self._scaler.encode(sequences), self._labels, self._thresholds)
        return _table(*answers, self._labels, params)


def _table(
    labels: Sequence[str],
    probabilities: npt.NDArray[np.float32],
    names: Sequence[str],
    params: dict[str, Any] | None,
    told: str | None = None,
) -> pd.DataFrame:
    """Writes answers as a table, with the probability of the label given, or of the one that is ``told``."""
    given = probabilities[np.arange(len(labels)), [names.index(told or label) for label in labels]]
    table = pd.DataFrame({"label": labels, "probability": given.astype(float)})
    columns = [f"{PROBABILITY}{name}" for name in names] if (params or {}).get("all") else []
    return table.join(pd.DataFrame(probabilities[:, : len(columns)].astype(float), columns=columns))


class SeriesForecaster(mlflow.pyfunc.PythonModel):
    """A trained network with its encoding, in the unit of the series."""

    def load_context(self, context: Any) -> None:
        """Loads the network; Keras is imported here, so that logging the model does not need it."""
        with importing_keras():
            from rnnlab.networks import models
        network = models.load(*network_of(context))
        encoding = series_encoding.read(Path(context.artifacts["encoding"]))
        widths = context.model_config.get("half_widths")  # models up to 0.1.0 have none
        if widths and not context.model_config.get("are_standardised"):  # up to 0.2.0, in the data's unit
            widths = [width / encoding.series[""].scaler.scale for width in widths]
        self.use(network, encoding, widths)

    def use(self, network: Any, encoding: Encoding, half_widths: Sequence[float] | None = None) -> None:
        """Forecasts with a network that is loaded already.

        Half-widths are of its prediction intervals by step, as multiples of the standard deviation of a series.
        """
        self._network, self._encoding, self._half_widths = network, encoding, half_widths

    def predict(self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Predicts from each row, whose column ``values`` is a list of as many values as in training.

        A column for each covariate has lists of as many numbers or words; of one that is known ahead, these and the
        numbers or words of the steps to predict. Where series have names, the column ``series`` has that of each row's.

        Returns:
            The column ``next_value``; of a network that predicts several, also ``forecast``, a list of all; of one
            whose errors on validation rows are known, also the ends of prediction intervals, the lists ``low`` and
            ``high``.

        Raises:
            UserError: a series was not among those of the training.
        """
        from rnnlab.networks import predicting

        series = self._numbers_of(model_input)
        columns = {name: np.array(model_input[name].tolist()) for name in self._encoding.covariates}
        values, horizon = np.array(model_input["values"].tolist(), np.float64), self._network.output_shape[-1]
        inputs = self._encoding.encode(self._encoding.standardise(values, series), columns, horizon)
        # Networks up to 0.1.0 read values without an axis of channels.
        inputs = inputs.reshape(len(inputs), *self._network.input_shape[1:]).astype(np.float32)
        predicted = self._encoding.undo(predicting.predict(self._network, inputs, batch_size=256), series)
        table = pd.DataFrame({"next_value": predicted[:, 0]})
        if predicted.shape[1] > 1:
            table = table.assign(forecast=predicted.tolist())
        if self._half_widths:
            width = np.array(self._half_widths) * self._encoding.scales(series)
            table = table.assign(low=(predicted - width).tolist(), high=(predicted + width).tolist())
        return table

    def _numbers_of(self, model_input: pd.DataFrame) -> npt.NDArray[np.int64]:
        if not self._encoding.has_names:
            return np.zeros(len(model_input), np.int64)
        known = list(self._encoding.series)
        for name in set(model_input["series"]) - set(known):
            raise UserError(f"series {name!r} is not among those of the training: {', '.join(known[:20])}")
        return np.array([known.index(name) for name in model_input["series"]])
