"""The script that MLflow runs to make the served model: code and arrays, never a pickle."""

import mlflow.models

from rnnlab.serving import TextClassifier

mlflow.models.set_model(TextClassifier())
