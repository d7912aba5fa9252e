"""The report on the named experiments: Markdown and figures."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import matplotlib
from matplotlib.figure import Figure

from rnnlab.evaluation import convergence
from rnnlab.evaluation.tables import figures_shown
from rnnlab.experiments import catalogue, dvc_experiments
from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.gains import Gains, all_gains
from rnnlab.experiments.results import of_experiment, read_experiments
from rnnlab.project import params
from rnnlab.project.dataframes import read_table
from rnnlab.project.files import read_json, replacing, write_json, write_text
from rnnlab.project.results import Result, weights
from rnnlab.report import classics_sweep, findings, known_sweeps
from rnnlab.report.figures import common
from rnnlab.report.known_sweeps import Swept

LEARNED = "what-each-cell-learns.png"
RECORD = "record.json"  # beside the figures: what the report says of each experiment, which outlives its results


class Entry(NamedTuple):
    """What the report says of an experiment, in a form that JSON can hold.

    Attributes:
        code: the commit, 12 digits, that each of its DVC experiments ran.
        rows: of the summary.
        section: Markdown below its heading.
        is_classic: whether it is a sweep over the length of a classic task.
    """

    code: dict[str, str]
    rows: list[list[str]]
    section: str
    is_classic: bool


Entries = Mapping[str, Entry]  # by experiment


def write(target: Path) -> list[Path]:
    """Writes the report, its record and the figures, in a folder of its name beside it; returns all files.

    An experiment whose results are not here, as in a new clone, is told as the record has it.

    Raises:
        UserError: an experiment's file is wrong, or this is no repository of Git and DVC.
    """
    named = catalogue.load_all(params.read())
    results = read_experiments(named, dvc_experiments.recorded(), dvc_experiments.cache(Path().resolve()))
    folder = target.with_suffix("")
    record, written = folder / RECORD, [target, folder / RECORD]
    kept = {name: Entry(**entry) for name, entry in read_json(record).items()} if record.exists() else {}
    for name, found in _swept(named, results).items():
        written.append(folder / f"{name}.png")
        _save(partial(found.sweep.draw, found.points), written[-1])
        written.append(written[-1].with_suffix(".csv"))  # the page draws it anew
        write_text(written[-1], found.points.to_csv(index=False, lineterminator="\n"))
    entries = all_entries(named, results, target.stem, kept)
    if classics := {name: read_table(folder / f"{name}.csv") for name, entry in entries.items() if entry.is_classic}:
        written.append(folder / LEARNED)
        _save(partial(classics_sweep.draw_all, classics), written[-1])
    write_json(record, {name: entry._asdict() for name, entry in entries.items()})
    write_text(target, markdown(named, entries, target.stem))
    return written


def all_entries(named: Sequence[Named], results: Mapping[str, Result], pictures: str, kept: Entries) -> Entries:
    """Tells each experiment by its results, or else as it was told before; those that never ran are left out.

    Args:
        named: all experiments, each after the one it extends.
        results: by DVC experiment; those not run are absent.
        pictures: the folder of the figures, as seen from the report.
        kept: what an earlier report said.
    """
    gains, swept = all_gains(named, results), _swept(named, results)
    entries = {}
    for experiment in named:
        run = of_experiment(experiment, results)
        if run:
            code = {setup.name: result.baseline[:12] for setup, result in run}
            told = "\n\n".join(_section(experiment, named, results, gains, pictures))
            is_classic = experiment.name in swept and swept[experiment.name].sweep is classics_sweep.SWEEP
            entries[experiment.name] = Entry(code, _summary_rows(experiment, results, gains), told, is_classic)
        elif experiment.name in kept:
            entries[experiment.name] = kept[experiment.name]
    return entries


def _save(draw: Callable[[], Figure], target: Path) -> None:
    with matplotlib.rc_context(common.STYLE), replacing(target) as temporary:
        figure = draw()
        figure.savefig(temporary, dpi=120, metadata={"Software": None})
        common.close(figure)


def _swept(named: Iterable[Named], results: Mapping[str, Result]) -> dict[str, Swept]:
    """Returns each sweep over one parameter that was run, by the name of its experiment."""
    swept = {experiment.name: known_sweeps.of_experiment(experiment, results) for experiment in named}
    return {name: found for name, found in swept.items() if found}


def markdown(named: Sequence[Named], entries: Entries, pictures: str) -> str:
    """Writes the whole report.

    Args:
        named: all experiments, each after the one it extends.
        entries: what is told of those that have run.
        pictures: the folder of the figures, as seen from the report.
    """
    blocks = [
        "# Named experiments",
        "Written by `rnnlab experiments report` from the DVC experiments of this repository: every figure and every"
        " finding is computed from their results. Intervals are 95 % intervals over test rows and, where there are two"
        " seeds or more, over seeds; all gains over another experiment are judged together. What was not run yet shows"
        " the command that runs it.",
        _code(entries),
        summary_table(named, entries),
        _learned(entries, pictures),
    ]
    for experiment in named:
        blocks.append(f"## {experiment.name}")
        blocks.append(entries[experiment.name].section if experiment.name in entries else _not_run(experiment))
    return "\n\n".join(block for block in blocks if block) + "\n"


def _code(entries: Entries) -> str:
    """Names the commit of the code; if there are several, each with its experiments."""
    by_commit: dict[str, list[str]] = {}
    for entry in entries.values():
        for name, commit in entry.code.items():
            by_commit.setdefault(commit, []).append(name)
    if len(by_commit) == 1:
        return f"All ran the code of commit `{next(iter(by_commit))}`."
    return "\n".join(f"- Code of commit `{commit}`: {', '.join(names)}." for commit, names in by_commit.items())


def _learned(entries: Entries, pictures: str) -> str:
    """Shows what each cell can learn, in one figure; "" if no classic task was run."""
    if not any(entry.is_classic for entry in entries.values()):
        return ""
    told = "Share of the seeds that solve a classic task, by length, with exact 95 % limits"
    return f"**What each cell can learn.** {told}:\n\n![Line charts: {told}]({pictures}/{LEARNED})"


def summary_table(named: Sequence[Named], entries: Entries) -> str:
    """Shows each experiment's models, a row each; a sweep over one parameter is a single row."""
    rows: list[list[str]] = []
    for experiment in named:
        absent = [_link(experiment.name), *"–––––", f"not run yet: {_command(experiment)}"]
        rows += entries[experiment.name].rows if experiment.name in entries else [absent]
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
    rows = []
    for setup, result in run:
        link = _link(experiment.name, setup.name)
        first = next(iter(findings.all_findings(experiment, setup, result, gains)), "–")
        for model in result.contenders:
            there, seeds = _original(experiment, result, model), len(result.metrics[model]["per_seed"])
            rows.append([link, model, there, score(result, model), str(seeds), minutes(result, model), first])
            link = first = ""  # once a setup
    return rows


def _about(experiment: Named) -> list[str]:
    file = experiment.experiment
    about = {"Reproduces": file.reproduces, "Expected": file.expects}
    # <unk> is no tag
    return [f"**{file.title}.**", *(f"{head}: {text.strip()}".replace("<", r"\<") for head, text in about.items())]


def _not_run(experiment: Named) -> str:
    return "\n\n".join([*_about(experiment), f"Not run yet: {_command(experiment)}."])


def _section(
    experiment: Named, named: Sequence[Named], results: Mapping[str, Result], gains: Gains, pictures: str
) -> list[str]:
    """Describes an experiment and its results, as blocks of Markdown."""
    run, blocks = of_experiment(experiment, results), _about(experiment)
    swept = known_sweeps.of_experiment(experiment, results)
    if swept:
        headings, rows = swept.sweep.table(swept.points)
        picture = f"![{swept.sweep.label}]({pictures}/{experiment.name}.png)"
        blocks += [swept.sweep.about, _table(headings, rows, "r" * len(headings)), picture]
    sentences = [*_sentences(experiment, run, swept, gains), *findings.causes(experiment, named, gains)]
    blocks.append("\n".join(f"- {sentence}." for sentence in sentences))
    blocks.append(models_table({setup.name: result for setup, result in run}))
    missing = [setup.name for setup in experiment.setups if setup.name not in results]
    if missing:
        blocks.append(f"Not run yet ({', '.join(missing)}): {_command(experiment)}.")
    return [block for block in blocks if block]


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
