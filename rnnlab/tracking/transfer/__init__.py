"""Runs, models and versions of one MLflow store copied to another."""
