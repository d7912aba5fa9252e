"""The script that MLflow runs to build the served model, from code and arrays instead of a pickle."""

import mlflow.models

from rnnlab.serving.pyfunc import SequenceClassifier, SeriesForecaster, TextClassifier

served = {"text": TextClassifier, "series": SeriesForecaster, "sequences": SequenceClassifier}
mlflow.models.set_model(served[mlflow.models.ModelConfig().get("task")]())
