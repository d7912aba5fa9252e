"""Trained models and test rows → predictions and metrics of every run, and explanations of the networks.

The only stage that reads the labels of test rows, and the only one after training that starts TensorFlow.
"""

from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import layout, params
from rnnlab.project.errors import exit_status
from rnnlab.project.files import drop_leftovers, replacing, write_json, write_text


def main() -> None:
    """Scores all models."""
    settings = params.read()
    drop_leftovers(layout.MODELS, [layout.network(run).name for run in settings.runs])
    drop_leftovers(layout.EARLY, [layout.early(run).name for run in settings.runs])
    with importing_keras():  # which takes seconds: mistakes in params are reported first
        from rnnlab.evaluation import scoring

    scored = scoring.score(settings)
    with replacing(layout.PREDICTIONS) as target:
        scored.predictions.to_parquet(target, index=False)
    with replacing(layout.EXPLANATIONS) as folder:
        folder.mkdir()
        for name, table in scored.explanations.items():
            csv = table.to_csv(index=False, lineterminator="\n", float_format="%.6g")
            write_text(folder / f"{name}.csv", csv)
    write_json(layout.METRICS, scored.metrics)
    write_json(layout.THRESHOLDS, dict(scored.thresholds))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
