"""Predictions on the test rows → intervals, and a verdict in plain words on every pair of models.

The curves tell which trainings had not converged, so that longer ones may change a verdict.
"""

from rnnlab.evaluation import comparisons, convergence, glance, slices
from rnnlab.project import layout, params
from rnnlab.project.dataframes import read_parquet, read_table
from rnnlab.project.errors import exit_status
from rnnlab.project.files import drop_leftovers, read_json, write_json, write_text
from rnnlab.project.tasks import SERIES, TASKS


def main() -> None:
    """Compares every pair of models."""
    settings = params.read()
    drop_leftovers(layout.HISTORY, [layout.history(run).name for run in settings.runs])
    task, margin = TASKS[settings.task], settings.intervals.margin
    predictions = read_parquet(layout.PREDICTIONS)
    scores = comparisons.scores_by_model(task, predictions, settings.scored)
    histories = {run: read_table(layout.history(run)) for run in settings.runs}
    converged = convergence.judge(task.measure, histories, convergence.budgets(settings), margin)
    comparison = comparisons.compare(task, scores, settings.baselines, margin, converged)
    if task.measure.is_share:
        rows = predictions.drop_duplicates(task.row)[task.truth].value_counts()
        comparison["imbalance"] = round(float(rows.max() / rows.min()), 6)
    if SERIES in predictions:
        comparison["series"] = predictions[SERIES].nunique()
    if settings.evaluate.metrics:
        comparison["metrics"] = list(settings.evaluate.metrics)
    predictions = slices.by_origin(task, slices.by_series(predictions), settings.evaluate.origins)
    comparison["slices"] = slices.compare(task, predictions, settings.scored, settings.baselines, margin)
    if settings.match != "none":
        networks = [{"model": name, **read_json(layout.size(name))} for name in settings.compare]
        comparison["matched"] = {"by": settings.match, "networks": networks}
    write_json(layout.COMPARISON, comparison)
    write_json(layout.GLANCE, glance.at_a_glance(comparison, settings.compare, settings.baselines))
    write_text(layout.COMPARISON_PAGE, comparisons.markdown(comparison))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
