"""What a study leaves behind: a page, all of its trials, and its winners as a named experiment."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from rnnlab.evaluation import search_curves, studies
from rnnlab.evaluation.studies import Finished
from rnnlab.project import dvc_lock, layout
from rnnlab.project.files import read_json, write_csv, write_json, write_text
from rnnlab.project.overrides import override
from rnnlab.project.sections.networks import Range
from rnnlab.sweeps import space
from rnnlab.sweeps.study import Study, Tried

SHOWN = 10  # trials of each model on the page; the table has all
FIGURES = ("score", "loss", "weights", "epochs", "stopped", "diverged")


class Files(NamedTuple):
    """What was written: the page that people read, its text, and the named experiment."""

    page: Path
    text: str
    experiment: Path


def introduction(name: str, study: Study, trials: int) -> str:
    """Says what is going to be tried, and whether it goes on from an earlier study of that name."""
    seeds = study.settings.tune.seeds
    planned = f"{trials} trials of each model ({', '.join(study.settings.compare)}), {len(seeds)} seeds each"
    if not studies.facts(name).is_file():
        return planned
    goes_on = read_json(studies.facts(name)).get("key") == study.key
    file = studies.page(name)
    return f"{planned}; " + (
        f"goes on from {file}" if goes_on else f"{file} is of another space, data or code, and this study replaces it"
    )


def nothing_learned(study: Study) -> str:
    """Says that no trial of some model has a score, and what to try."""
    models = [model for model in study.settings.compare if not study.ranked(model)]
    ranges = ", ".join(f"{name} {_shown(draw)}" for name, draw in study.settings.tune.space.items())
    return (
        f"params.yaml: tune.space: every trial of {' and '.join(models)} diverged, its loss is not a number ({ranges});"
        " try lower learning rates, or a clip_norm"
    )


def _shown(draw: Any) -> str:
    return f"{draw.low:g} to {draw.high:g}" if isinstance(draw, Range) else override(draw)


def write(name: str, study: Study, sampler: space.Sampler) -> Files:
    """Writes the files of a study whose models all have a trial with a score."""
    winners = {model: study.ranked(model)[0] for model in study.settings.compare}
    options = list(study.settings.tune.space)
    header = ["model", "trial", *options, *FIGURES]
    rows = [_row(tried, options) for of_model in study.tried.values() for tried in of_model]
    write_csv(studies.table(name), header, rows)
    write_json(studies.facts(name), _facts(study, sampler, winners))
    experiment = layout.EXPERIMENTS / f"tuned-{name}.yaml"
    write_text(experiment, _experiment(study, winners))
    finished = studies.read(name)
    assert finished
    return Files(studies.page(name), _page(finished, study), experiment)


def _row(tried: Tried, options: list[str]) -> list[Any]:
    drawn = ["" if tried.options[name] is None else tried.options[name] for name in options]
    known = ["", ""] if tried.diverged else [round(tried.score, 6), round(tried.loss, 6)]
    epochs = sum(len(outcome.history) for outcome in tried.outcomes)
    weights = max(outcome.parameters for outcome in tried.outcomes)
    return [tried.model, tried.number, *drawn, *known, weights, epochs, tried.stopped, int(tried.diverged)]


def _facts(study: Study, sampler: space.Sampler, winners: dict[str, Tried]) -> dict[str, Any]:
    settings = study.settings
    recorded = dvc_lock.stages(layout.LOCK.read_text(encoding="utf-8"))
    return {
        "key": study.key,
        "task": settings.task,
        "data": settings.data.csv,
        "features": dvc_lock.output_hash(recorded, "tokenize_pad", layout.TRAIN),
        "models": list(settings.compare),
        "sampler": sampler,
        "seeds": list(settings.tune.seeds),
        "space": settings.tune.model_dump(mode="json")["space"],
        "winners": {model: dict(tried.options) for model, tried in winners.items()},
    }


def _experiment(study: Study, winners: dict[str, Tried]) -> str:
    """Writes the winners as the file of a named experiment, whose seeds are those of params.yaml."""
    models, trials = " and ".join(winners), len(study)
    changes: dict[str, Any] = {"compare": list(winners)}
    for model, tried in winners.items():
        changes |= space.changes(model, tried.options)
    content = {
        "title": f"{models}, each with the best options of {trials} trials",
        "reproduces": "Nothing: written by rnnlab tune, which chose the options on validation rows.",
        "expects": "Less of a gap than with equal options: each model was tuned at the same price.",
        "data": "own",
    }
    # JSON is YAML; a line each can be read and edited.
    lines = [f"{key}: {json.dumps(value)}" for key, value in content.items()]
    return "\n".join([*lines, "params:", *(f"  {key}: {json.dumps(value)}" for key, value in changes.items()), ""])


def _page(finished: Finished, study: Study) -> str:
    measure, facts = finished.measure, finished.facts
    seeds = ", ".join(map(str, facts["seeds"]))
    curves = finished.curves
    parts = [
        f"# What {finished.name} gives each model after {len(study)} trials",
        f"{len(study)} trials of each model, drawn {'at random' if facts['sampler'] == 'random' else 'by TPE'}. A "
        f"trial's score is the {measure.name} on validation rows, the mean over the seeds {seeds}; no test row was "
        "read. Trainings that did worse than the median of earlier trials of the same model were stopped. Of trials "
        "with the same score, the one with fewer weights times epochs comes first.",
    ]
    if curves:
        told = search_curves.rows(measure, curves)
        parts += [
            "## What tuning is worth",
            *(f"{sentence}." for sentence in search_curves.sentences(measure, curves)),
            f"Expected best {measure.name} on validation rows by number of trials, with 95 % intervals:",
            tabulate(told, headers="keys", tablefmt="github", disable_numparse=True),
        ]
    for model in facts["models"]:
        best = study.ranked(model)[:SHOWN]
        shown = [{"trial": tried.number, **_cells(tried, measure.table_decimals)} for tried in best]
        parts += [f"## {model}", tabulate(shown, headers="keys", tablefmt="github", disable_numparse=True)]
        diverged = sum(tried.diverged for tried in study.tried[model])
        if diverged:
            parts.append(f"{diverged} of {len(study.tried[model])} trials diverged.")
    return "\n\n".join(parts) + "\n"


def _cells(tried: Tried, decimals: int) -> dict[str, Any]:
    return {
        **{name: override(value) for name, value in tried.options.items()},
        "score": f"{tried.score:.{decimals}f}",
        "validation loss": f"{tried.loss:.4f}",
        "weights": f"{max(outcome.parameters for outcome in tried.outcomes):,}",
        "epochs": sum(len(outcome.history) for outcome in tried.outcomes),
        "stopped": tried.stopped,
    }
