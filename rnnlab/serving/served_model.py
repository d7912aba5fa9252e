"""The script that MLflow runs to build the served model, from code and arrays instead of a pickle."""

import mlflow.models

from rnnlab.serving.pyfunc import SeriesForecaster, TextClassifier

served = {"text": TextClassifier, "series": SeriesForecaster}
mlflow.models.set_model(served[mlflow.models.ModelConfig().get("task")]())
