"""The script that MLflow runs to make the served model: code and arrays, never a pickle."""

import mlflow.models

from rnnlab.serving.pyfunc import SeriesForecaster, TextClassifier

served = {"text": TextClassifier, "series": SeriesForecaster}
mlflow.models.set_model(served[mlflow.models.ModelConfig().get("task")]())
