"""The part of the page that tells how much of a gap is tuning: from the study of the same data, not from this run."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rnnlab.evaluation import search_curves, studies
from rnnlab.evaluation.search_curves import Curves
from rnnlab.evaluation.studies import Finished
from rnnlab.project import dvc_lock, layout
from rnnlab.project.params import Params
from rnnlab.project.tasks import Measure
from rnnlab.report.figures import search
from rnnlab.report.figures.tables import Panel
from rnnlab.report.pages import Table


class TuningSection(NamedTuple):
    """What is told of a study.

    Attributes:
        sentences: on what was tried, and what is left of a gap.
        tables: the expected best by number of trials, and the best options of each model.
        measure: what the trials were scored by.
        curves: of the expected best, None where there are none.
    """

    sentences: Sequence[str]
    tables: Sequence[Table]
    measure: Measure
    curves: Curves | None


def find(settings: Params) -> Finished | None:
    """Returns the study of the data; None if there is none with all of the networks."""
    study = studies.read(studies.name_of(settings))
    fits = study and {*settings.compare} <= {*study.facts["models"]} and study.facts["task"] == settings.task
    return study if fits else None


def panels(section: TuningSection | None) -> Iterator[Panel]:
    """Draws what a search of each length finds."""
    if section and section.curves:
        figure = search.expected_best(section.measure, section.curves)
        caption = f"The best of so many trials, on average, by its {section.measure.name} on validation rows."
        yield Panel("tuning", "tuning", figure, "Line chart: expected best score over trials", caption)


def describe(settings: Params) -> TuningSection | None:
    """Describes the study of the data, if there is one; see `find`."""
    if not (study := find(settings)):
        return None
    trials, seeds = int(study.trials.groupby("model").size().min()), len(study.facts["seeds"])
    told = [
        f"From rnnlab tune, not from this run: {trials} trials of each model, with {seeds} seeds each, scored on"
        " validation rows"
    ]
    if study.facts["features"] not in ("", _features()):
        told.append("The study is of another version of the data")
    tables = [_winners(study)]
    if curves := study.curves:
        told += search_curves.sentences(study.measure, curves)
        rows = search_curves.rows(study.measure, curves)
        caption = f"Expected best {study.measure.name} on validation rows by number of trials, with 95 % intervals"
        tables.insert(0, Table(caption, list(rows[0]), [list(row.values()) for row in rows]))
    return TuningSection(told, tables, study.measure, curves)


def _features() -> str:
    """Returns the hash of the training rows in dvc.lock, "" if it is not known."""
    try:
        stages = dvc_lock.stages(layout.LOCK.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return ""
    return dvc_lock.output_hash(stages, "tokenize_pad", layout.TRAIN)


def _winners(study: Finished) -> Table:
    winners = {model: study.facts["winners"][model] for model in study.facts["models"]}
    options = list(study.facts["space"])
    best = study.trials.groupby("model")["score"].agg("min" if study.measure.lower_is_better else "max")
    rows = [
        [model, study.measure.amount(float(best[model]), 1), *(str(drawn[name]) for name in options)]
        for model, drawn in winners.items()
    ]
    return Table("The best trial of each model", ["model", f"validation {study.measure.name}", *options], rows)
