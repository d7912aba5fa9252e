"""MLflow: the store, runs, logged models, and copies of all of them."""
