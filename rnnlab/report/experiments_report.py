"""The report on the named experiments: Markdown and figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import matplotlib
import pandas as pd
from matplotlib.figure import Figure

from rnnlab.evaluation import convergence
from rnnlab.evaluation.tables import figures_shown
from rnnlab.experiments import catalogue, dvc_experiments
from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.gains import Gains, all_gains
from rnnlab.experiments.results import of_experiment, read_experiments
from rnnlab.project import params
from rnnlab.project.files import replacing, write_text
from rnnlab.project.results import Result, weights
from rnnlab.report import classics_sweep, findings, known_sweeps
from rnnlab.report.figures import common
from rnnlab.report.known_sweeps import Swept

LEARNED = "what-each-cell-learns.png"


def write(target: Path) -> list[Path]:
    """Writes the report, and the figures in a folder of its name beside it; returns all files.

    Raises:
        UserError: an experiment's file is wrong, or this is no repository of Git and DVC.
    """
    named = catalogue.load_all(params.read())
    results = read_experiments(named, dvc_experiments.recorded(), dvc_experiments.cache(Path().resolve()))
    written = []
    swept = _swept(named, results)
    for name, found in swept.items():
        written.append(target.with_suffix("") / f"{name}.png")
        _save(partial(found.sweep.draw, found.points), written[-1])
        written.append(written[-1].with_suffix(".csv"))  # the page draws it anew
        write_text(written[-1], found.points.to_csv(index=False, lineterminator="\n"))
    if classics := _classics(swept):
        written.append(target.with_suffix("") / LEARNED)
        _save(partial(classics_sweep.draw_all, classics), written[-1])
    write_text(target, markdown(named, results, target.stem))
    return [target, *written]


def _save(draw: Callable[[], Figure], target: Path) -> None:
    with matplotlib.rc_context(common.STYLE), replacing(target) as temporary:
        figure = draw()
        figure.savefig(temporary, dpi=120, metadata={"Software": None})
        common.close(figure)


def _swept(named: Iterable[Named], results: Mapping[str, Result]) -> dict[str, Swept]:
    """Returns each sweep over one parameter that was run, by the name of its experiment."""
    swept = {experiment.name: known_sweeps.of_experiment(experiment, results) for experiment in named}
    return {name: found for name, found in swept.items() if found}


def _classics(swept: Mapping[str, Swept]) -> dict[str, pd.DataFrame]:
    """Returns the points of each experiment on a classic task, by its name."""
    return {name: found.points for name, found in swept.items() if found.sweep is classics_sweep.SWEEP}


def markdown(named: Sequence[Named], results: Mapping[str, Result], pictures: str) -> str:
    """Writes the whole report.

    Args:
        named: all experiments, each after the one it extends.
        results: by DVC experiment; those not run are absent.
        pictures: the folder of the figures, as seen from the report.
    """
    gains = all_gains(named, results)
    blocks = [
        "# Named experiments",
        "Written by `rnnlab experiments report` from the DVC experiments of this repository: every figure and every"
        " finding is computed from their results. Intervals are 95 % intervals over test rows and, where there are two"
        " seeds or more, over seeds; all gains over another experiment are judged together. What was not run yet shows"
        " the command that runs it.",
        _baselines(results),
        summary_table(named, results, gains),
        _learned(_classics(_swept(named, results)), pictures),
    ]
    for experiment in named:
        blocks += section(experiment, named, results, gains, pictures)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _baselines(results: Mapping[str, Result]) -> str:
    """Names the commit of the code; if there are several, each with its experiments."""
    by_commit: dict[str, list[str]] = {}
    for name, result in results.items():
        by_commit.setdefault(result.baseline[:12], []).append(name)
    if len(by_commit) == 1:
        return f"All ran the code of commit `{next(iter(by_commit))}`."
    return "\n".join(f"- Code of commit `{commit}`: {', '.join(names)}." for commit, names in by_commit.items())


def _learned(classics: Mapping[str, pd.DataFrame], pictures: str) -> str:
    """Shows what each cell can learn, in one figure; "" if no classic task was run."""
    if not classics:
        return ""
    told = "Share of the seeds that solve a classic task, by length, with exact 95 % limits"
    return f"**What each cell can learn.** {told}:\n\n![Line charts: {told}]({pictures}/{LEARNED})"


def summary_table(named: Sequence[Named], results: Mapping[str, Result], gains: Gains) -> str:
    """Shows each experiment's models, a row each; a sweep over one parameter is a single row."""
    rows = [row for experiment in named for row in _summary_rows(experiment, results, gains)]
    headings = [
        "experiment",
        "model",
        "original",
        "here, test rows (95 % interval)",
        "seeds",
        "minutes per seed",
        "finding",
    ]
    return _table(headings, rows, "llrrrrl")


def _summary_rows(experiment: Named, results: Mapping[str, Result], gains: Gains) -> list[list[str]]:
    link, run = _link(experiment.name), of_experiment(experiment, results)
    if swept := known_sweeps.of_experiment(experiment, results):
        return [[link, *"–––––", swept.sentence]]
    if not run:
        return [[link, *"–––––", f"not run yet: {_command(experiment)}"]]
    rows = []
    for setup, result in run:
        link = _link(experiment.name, setup.name)
        first = next(iter(findings.all_findings(experiment, setup, result, gains)), "–")
        for model in result.contenders:
            there, seeds = _original(experiment, result, model), len(result.metrics[model]["per_seed"])
            rows.append([link, model, there, score(result, model), str(seeds), minutes(result, model), first])
            link = first = ""  # once a setup
    return rows


def section(
    experiment: Named, named: Sequence[Named], results: Mapping[str, Result], gains: Gains, pictures: str
) -> list[str]:
    """Describes an experiment and its results, as blocks of Markdown."""
    file, run = experiment.experiment, of_experiment(experiment, results)
    blocks = [f"## {experiment.name}", f"**{file.title}.**"]
    for heading, text in {"Reproduces": file.reproduces, "Expected": file.expects}.items():
        blocks.append(f"{heading}: {text.strip()}".replace("<", r"\<"))  # <unk> is no tag
    swept = known_sweeps.of_experiment(experiment, results)
    if swept:
        headings, rows = swept.sweep.table(swept.points)
        picture = f"![{swept.sweep.label}]({pictures}/{experiment.name}.png)"
        blocks += [swept.sweep.about, _table(headings, rows, "r" * len(headings)), picture]
    sentences = [*_sentences(experiment, run, swept, gains), *findings.causes(experiment, named, gains)]
    blocks.append("\n".join(f"- {sentence}." for sentence in sentences))
    if run:
        blocks.append(models_table({setup.name: result for setup, result in run}))
    missing = [setup.name for setup in experiment.setups if setup.name not in results]
    if missing:
        which = f" ({', '.join(missing)})" if run else ""
        blocks.append(f"Not run yet{which}: {_command(experiment)}.")
    return blocks


def _sentences(experiment: Named, run: Sequence[tuple[Setup, Result]], swept: Swept | None, gains: Gains) -> list[str]:
    """Returns the findings of each setup; of a sweep, one for all of them, and what had not converged."""
    sentences = [swept.sentence] if swept else []
    for setup, result in run:
        label = f"{setup.name}: " if len(experiment.setups) > 1 else ""
        if swept:
            found = convergence.sentences(result.comparison.get("convergence", {}))
        else:
            found = findings.all_findings(experiment, setup, result, gains)
        sentences += [f"{label}{sentence}" for sentence in found]
        sentences += findings.drift(setup, result)
    return sentences


def models_table(results: Mapping[str, Result]) -> str:
    """Shows every model and baseline of an experiment; the rows of a sweep begin with the DVC experiment."""
    task = next(iter(results.values())).task
    measure = task.measure
    models = [model for result in results.values() for model in result.metrics.values()]
    others = {heading: figure for heading, figure in figures_shown(task, models).items() if figure != measure.key}
    several = len(results) > 1
    rows = []
    for name, result in results.items():
        for model in [*result.contenders, *result.baselines]:
            scored = result.metrics[model]
            more = [f"{scored['mean'][figure]:.3f}" for figure in others.values()]
            seeds = ", ".join(measure.number(seed[measure.key]) for seed in scored["per_seed"].values())
            cells = [model, score(result, model), seeds or "–", *more, weights(scored)]
            rows.append([*([name] if several else []), *cells, minutes(result, model)])
    headings = ["model", f"{measure.name} (95 % interval)", "each seed", *others, "parameters", "minutes per seed"]
    headings = [*(["experiment"] if several else []), *headings]
    return _table(headings, rows, "l" * (2 if several else 1) + "r" * (5 + len(others)))


def score(result: Result, model: str) -> str:
    """Shows a model's mean score with its interval, where reports/comparison.json has one."""
    measure, ends = result.measure, result.comparison.get("intervals", {}).get(model)
    if not ends:
        return measure.amount(result.metrics[model]["mean"][measure.key])
    return f"{measure.amount(ends['mean'])} ({measure.number(ends['low'])} to {measure.number(ends['high'])})"


def minutes(result: Result, model: str) -> str:
    """Shows the minutes that a training took, mean over the seeds; a dash where they are lost."""
    seconds = [sum(timing["epoch_seconds"]) for run, timing in result.timings.items() if run.model == model]
    return f"{fmean(seconds) / 60:.1f}" if seconds else "–"


def _original(experiment: Named, result: Result, model: str) -> str:
    original = experiment.experiment.original
    if not original or original.model != model:
        return "–"
    measure = result.measure
    if measure.key in original.figures:
        return measure.amount(original.figures[measure.key])
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in original.figures.items())


def _command(experiment: Named) -> str:
    return f"`rnnlab experiments run {experiment.name}`"


def _link(section_: str, text: str = "") -> str:
    return f"[{text or section_}](#{section_})"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """Writes a Markdown table without padding, which a long sentence would make huge."""
    rule = ["--:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))
