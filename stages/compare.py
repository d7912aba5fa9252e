"""Predictions on the test rows → intervals, and a verdict in plain words on every pair of models."""

from rnnlab.evaluation import comparisons, slices
from rnnlab.project import layout, params
from rnnlab.project.dataframes import read_parquet
from rnnlab.project.errors import exit_status
from rnnlab.project.files import read_json, write_json, write_text
from rnnlab.project.tasks import TASKS


def main() -> None:
    """Compares every pair of models."""
    settings = params.read()
    task = TASKS[settings.task]
    predictions, margin = read_parquet(layout.PREDICTIONS), settings.intervals.margin
    scores = comparisons.scores_by_model(task, predictions, settings.scored)
    comparison = comparisons.compare(task, scores, settings.baselines, margin)
    comparison["slices"] = slices.compare(task, predictions, settings.scored, settings.baselines, margin)
    if settings.match != "none":
        networks = [{"model": name, **read_json(layout.size(name))} for name in settings.compare]
        comparison["matched"] = {"by": settings.match, "networks": networks}
    write_json(layout.COMPARISON, comparison)
    write_text(layout.COMPARISON_PAGE, comparisons.markdown(comparison))


if __name__ == "__main__":
    raise SystemExit(exit_status(main))
