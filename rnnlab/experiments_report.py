"""What came of the named experiments, read from DVC's experiments; every sentence is computed from their results."""

import io
import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator, PercentFormatter
from ruamel.yaml import YAML

from rnnlab import experiments, figures, params, provenance, statistics
from rnnlab.errors import UserError
from rnnlab.experiments import Named, Recorded, Setup
from rnnlab.files import replacing, write_text
from rnnlab.params import Run
from rnnlab.statistics import ACCURACY, MEAN_SQUARED_ERROR, Interval, Measure

CODE = ("dvc.yaml", "rnnlab", "stages")
DISTANCE = "sample.distance"
HOLDS = 0.95
CHANCE = 0.5
NEAR_CHANCE = 0.05

# Columns of the tables by measure: heading and figure of reports/metrics.json.
COLUMNS = {
    "accuracy": {"F1": "f1", "ROC AUC": "roc_auc", "log loss": "log_loss"},
    "mse": {"MAE": "mae", "R²": "r2"},
}


class Outcome(NamedTuple):
    """What a DVC experiment left behind.

    Attributes:
        baseline: the commit it started from.
        values: its params.yaml, unchecked: an older experiment may lack what is a parameter today.
        metrics: its reports/metrics.json.
        comparison: its reports/comparison.json, empty where there is none.
        histories: epochs of each training.
        seconds: of the epochs of each training; those that DVC's cache has lost are absent.
        predictions: of the test rows, None where DVC's cache has lost them.
        lengths: test accuracy by length of text, None where there is none.
        edited: files of code that were not as the baseline has them.
    """

    baseline: str
    values: Mapping[str, Any]
    metrics: Mapping[str, Any]
    comparison: Mapping[str, Any]
    histories: Mapping[Run, pd.DataFrame]
    seconds: Mapping[Run, Sequence[float]]
    predictions: pd.DataFrame | None
    lengths: pd.DataFrame | None
    edited: Sequence[str] = ()

    @property
    def measure(self) -> str:
        """What the models are compared by."""
        return "mse" if self.values.get("task") == "series" else "accuracy"

    @property
    def models(self) -> list[str]:
        """Networks, and the ensemble if there is one."""
        return [*self.values["compare"], *(["ensemble"] if "ensemble" in self.metrics else [])]

    @property
    def baselines(self) -> list[str]:
        """Models without recurrence."""
        return [name for name in self.values.get("baselines", []) if name in self.metrics]


class Gain(NamedTuple):
    """One experiment's model against the same of the experiment it extends.

    Attributes:
        difference: of their mean scores, over the same test rows.
        won: seeds, and seeds in all.
        measure: of the scores.
        rows: how many test rows both have.
        of: how many there are in all.
    """

    difference: Interval
    won: tuple[int, int]
    measure: Measure
    rows: int
    of: int

    @property
    def clear(self) -> bool:
        """Whether the whole interval speaks for the first."""
        return self.difference.high < 0 if self.measure.lower_is_better else self.difference.low > 0


# By DVC experiment and model.
Gains = Mapping[tuple[str, str], Gain]


def write(target: Path) -> list[Path]:
    """Writes the report, and the figures in a folder of its name beside it; returns all files.

    Raises:
        UserError: an experiment's file is wrong, or this is no repository of Git and DVC.
    """
    named = experiments.load_all(params.read())
    cache = subprocess.run(("dvc", "cache", "dir"), capture_output=True, text=True, check=False)
    if cache.returncode:
        raise UserError(f"dvc cache dir failed: {cache.stderr.strip()}")
    outcomes = read_outcomes(named, experiments.recorded(), Path(cache.stdout.strip()))
    written = []
    for experiment in named:
        points = range_points(experiment, outcomes)
        if points is not None:
            written.append(target.with_suffix("") / f"{experiment.name}.png")
            with replacing(written[-1]) as temporary:
                figure = draw_range(points)
                figure.savefig(temporary, dpi=120, metadata={"Software": None})
                figures.close(figure)
    write_text(target, markdown(named, outcomes, target.stem))
    return [target, *written]


def read_outcomes(
    named: Iterable[Named], recorded: Mapping[str, Recorded], cache: Path, folder: Path | None = None
) -> dict[str, Outcome]:
    """Reads every DVC experiment that was asked for by name; those without results are absent.

    Args:
        named: the experiments.
        recorded: all DVC experiments.
        cache: DVC's.
        folder: of the repository, if it is not this one.
    """
    names = [setup.name for experiment in named for setup in experiment.setups if setup.name in recorded]
    outcomes = {name: read_outcome(recorded[name], cache, folder) for name in names}
    return {name: outcome for name, outcome in outcomes.items() if outcome}


def read_outcome(found: Recorded, cache: Path, folder: Path | None = None) -> Outcome | None:
    """Reads one DVC experiment, None when it holds no metrics."""

    def show(path: str) -> str:
        return provenance.git("show", f"{found.commit}:{path}", check=False, folder=folder)

    def table(path: str) -> pd.DataFrame | None:
        text = show(path)
        return pd.read_csv(io.StringIO(text)) if text else None

    metrics = json.loads(show("reports/metrics.json") or "{}")
    if not metrics:
        return None
    values = YAML(typ="safe").load(show("params.yaml"))
    runs = [Run(model, seed) for model in values["compare"] for seed in values["train"]["seeds"]]
    outputs = _cached_outputs(show("dvc.lock"), runs, cache)
    timings = {run: outputs.get(f"reports/timings/{run.name}.json") for run in runs}
    histories = {run: table(f"reports/history/{run.name}.csv") for run in runs}
    predictions = outputs.get("data/predictions.parquet")
    return Outcome(
        baseline=found.baseline,
        values=values,
        metrics=metrics,
        comparison=json.loads(show("reports/comparison.json") or "{}"),
        histories={run: history for run, history in histories.items() if history is not None},
        seconds={run: json.loads(file.read_bytes())["epoch_seconds"] for run, file in timings.items() if file},
        predictions=pd.read_parquet(predictions) if predictions else None,
        lengths=table("reports/tables/accuracy_by_length.csv"),
        edited=provenance.git("diff", "--name-only", found.baseline, found.commit, "--", *CODE, folder=folder).split(),
    )


def _cached_outputs(lock: str, runs: Iterable[Run], cache: Path) -> dict[str, Path]:
    """Finds what stages wrote in DVC's cache, by path; dvc.lock keeps stages that are not in use as well."""
    stages = (YAML(typ="safe").load(lock) or {}).get("stages", {})
    used = [stages[name] for name in ("evaluate", *(f"train@{run.name}" for run in runs)) if name in stages]
    outputs = {out["path"]: out["md5"] for stage in used for out in stage["outs"]}
    files = {path: cache / "files" / "md5" / md5[:2] / md5[2:] for path, md5 in outputs.items()}
    return {path: file for path, file in files.items() if file.is_file()}


def markdown(named: Sequence[Named], outcomes: Mapping[str, Outcome], pictures: str) -> str:
    """Writes the whole report.

    Args:
        named: all experiments, each after the one it extends.
        outcomes: by DVC experiment; those not run are absent.
        pictures: the folder of the figures, as seen from the report.
    """
    gains = all_gains(named, outcomes)
    blocks = [
        "# Named experiments",
        "Written by `rnnlab experiments report` from the DVC experiments of this repository: every figure and every"
        " finding is computed from their results. Intervals are 95 % bootstrap intervals over test rows and, where"
        " there are two seeds or more, over seeds; what was not run yet shows the command that runs it.",
        _baselines(outcomes),
        summary_table(named, outcomes, gains),
    ]
    for experiment in named:
        blocks += section(experiment, named, outcomes, gains, pictures)
    return "\n\n".join(block for block in blocks if block) + "\n"


def _baselines(outcomes: Mapping[str, Outcome]) -> str:
    """Names the code that was run: one commit, or each with its experiments."""
    by_commit: dict[str, list[str]] = {}
    for name, outcome in outcomes.items():
        by_commit.setdefault(outcome.baseline[:12], []).append(name)
    if len(by_commit) == 1:
        return f"All ran the code of commit `{next(iter(by_commit))}`."
    return "\n".join(f"- Code of commit `{commit}`: {', '.join(names)}." for commit, names in by_commit.items())


def summary_table(named: Sequence[Named], outcomes: Mapping[str, Outcome], gains: Gains) -> str:
    """Gives each experiment's models one row; a sweep over the distance is one row by itself."""
    rows = []
    for experiment in named:
        points = range_points(experiment, outcomes)
        if points is not None:
            rows.append([_link(experiment.name), *"–––––", range_sentence(points)])
            continue
        if not any(setup.name in outcomes for setup in experiment.setups):
            rows.append([_link(experiment.name), *"–––––", f"not run yet: {_command(experiment)}"])
        for setup in experiment.setups:
            if setup.name not in outcomes:
                continue
            link, outcome = _link(experiment.name, setup.name), outcomes[setup.name]
            first = next(iter(findings(experiment, setup, outcome, gains)), "–")
            for place, model in enumerate(outcome.models):
                there, seeds = _original(experiment, outcome, model), len(outcome.metrics[model]["per_seed"])
                figures_ = [there, score(outcome, model), str(seeds), minutes(outcome, model)]
                rows.append([link if place == 0 else "", model, *figures_, first if place == 0 else ""])
    headings = ["experiment", "model", "original", "here, test rows (95 % interval)", "seeds", "min a seed", "finding"]
    return _table(headings, rows, "llrrrrl")


def section(
    experiment: Named, named: Sequence[Named], outcomes: Mapping[str, Outcome], gains: Gains, pictures: str
) -> list[str]:
    """Writes what an experiment is and what came of it, as blocks of Markdown."""
    file = experiment.experiment
    blocks = [
        f"## {experiment.name}",
        f"**{file.title}.**",
        *(
            f"{heading}: {text.strip()}".replace("<", r"\<")  # <unk> is no tag
            for heading, text in {"Reproduces": file.reproduces, "Expected": file.expects}.items()
        ),
    ]
    run = [setup for setup in experiment.setups if setup.name in outcomes]
    points = range_points(experiment, outcomes)
    sentences = []
    if points is not None:
        about = f"Accuracy on the longest third of the test rows, whose verdict is a far one, by `{DISTANCE}`:"
        blocks += [about, range_table(points), f"![Accuracy over distance]({pictures}/{experiment.name}.png)"]
        sentences.append(range_sentence(points))
    for setup in run:
        label = f"{setup.name}: " if len(experiment.setups) > 1 else ""
        if points is None:
            found = findings(experiment, setup, outcomes[setup.name], gains)
            sentences += [f"{label}{sentence}" for sentence in found]
        sentences += drift(setup, outcomes[setup.name])
    sentences += causes(experiment, named, gains)
    blocks.append("\n".join(f"- {sentence}." for sentence in sentences))
    if run:
        blocks.append(models_table({setup.name: outcomes[setup.name] for setup in run}))
    missing = [setup.name for setup in experiment.setups if setup.name not in outcomes]
    if missing:
        which = f" ({', '.join(missing)})" if run else ""
        blocks.append(f"Not run yet{which}: {_command(experiment)}.")
    return blocks


def findings(experiment: Named, setup: Setup, outcome: Outcome, gains: Gains) -> list[str]:
    """Says what came of a DVC experiment, the most telling first."""
    file, sentences = experiment.experiment, []
    own = {model: gain for (name, model), gain in gains.items() if name == setup.name}
    for model, found in own.items():
        which = f" ({model})" if len(own) > 1 else ""
        sentences.append(gain_sentence(f"{setup.name}{which}", f"{file.extends}{which}", found))
    if file.extends and not own:
        sentences.append(f"no comparison with {file.extends}: it was not run, or DVC's cache has lost predictions")
    for model, least in file.at_least.items():
        if model in outcome.metrics:
            sentences.append(least_sentence(model, least, outcome.metrics[model]["mean"]["accuracy"]))
    if file.original and file.original.model in outcome.metrics:
        sentences += original_sentences(file.original.model, file.original.figures, outcome)
    return sentences + pair_sentences(outcome)


def original_sentences(model: str, originals: Mapping[str, float], outcome: Outcome) -> list[str]:
    """Compares each figure of the original with ours."""
    sentences = []
    ends = outcome.comparison.get("intervals", {}).get(model)
    for figure, original in originals.items():
        if figure == outcome.measure and ends:
            sentences.append(inside_sentence(model, original, Interval(**ends), figure))
            continue
        values = seed_values(outcome, model, figure)
        if values:
            name, mean = figure.replace("_", " "), fmean(values)
            spread = f" ± {stdev(values):.4f}" if len(values) > 1 else ""
            gap = f"{abs(mean - original):.4f} {'lower' if mean < original else 'higher'}"
            sentences.append(f"{model}'s {name} was {original:g} in the original and is {mean:.4f}{spread} here, {gap}")
    return sentences


def inside_sentence(model: str, original: float, ends: Interval, figure: str) -> str:
    """Says whether the original's result lies in our interval."""
    there, low, high = (_amount(value, figure) for value in (original, ends.low, ends.high))
    place = "within"
    if not ends.low <= original <= ends.high:
        gap = max(ends.low - original, original - ends.high)
        size = f"{100 * gap:.1f} points" if figure == "accuracy" else f"{gap:.4f}"
        place = f"{size} {'below' if original < ends.low else 'above'}"
    return f"{model}'s {figure} was {there} in the original, {place} our interval of {low} to {high}"


def least_sentence(model: str, least: float, mean: float) -> str:
    """Says whether a model reaches the accuracy that was asked for, and by how much it misses it."""
    verdict = "reaches" if mean >= least else "misses"
    gap = f"{100 * abs(mean - least):.1f} points {'more' if mean >= least else 'too few'}"
    return f"{model} {verdict} the {_amount(least, 'accuracy')} asked for: {_amount(mean, 'accuracy')}, {gap}"


def pair_sentences(outcome: Outcome) -> list[str]:
    """Takes comparisons of networks with each other and with the best baseline; of a series, with each of them."""
    means = {name: ends["mean"] for name, ends in outcome.comparison.get("intervals", {}).items()}
    known = [name for name in outcome.baselines if name in means]
    rivals = set(known)
    if outcome.measure == "accuracy" and known:
        rivals = {max(known, key=lambda name: means[name])}
    found = [
        (pair["sentence"], bool({pair["first"], pair["second"]} & rivals))
        for pair in outcome.comparison.get("pairs", [])
        if {pair["first"], pair["second"]} <= {*outcome.models, *rivals}
    ]
    return [sentence for sentence, _ in sorted(found, key=lambda pair: pair[1])]


def seed_values(outcome: Outcome, model: str, figure: str) -> list[float]:
    """Gives a figure under each seed: of test rows, or the loss of the epoch whose weights were kept."""
    column = {"validation_loss": "val_loss", "training_loss": "loss"}.get(figure)
    if column is None:
        return [seed[figure] for seed in outcome.metrics[model]["per_seed"].values() if figure in seed]
    best = outcome.values["train"].get("keep", "best") == "best"
    histories = [history for run, history in outcome.histories.items() if run.model == model]
    kept = [history["val_loss"].idxmin() if best else history.index[-1] for history in histories]
    return [float(history[column][epoch]) for history, epoch in zip(histories, kept, strict=True)]


def all_gains(named: Iterable[Named], outcomes: Mapping[str, Outcome]) -> dict[tuple[str, str], Gain]:
    """Compares every experiment with the one it extends, model by model, where both were run."""
    gains = {}
    for experiment in named:
        parent = outcomes.get(experiment.lineage[-2]) if len(experiment.lineage) > 1 else None
        for setup in experiment.setups:
            outcome = outcomes.get(setup.name)
            if not parent or not outcome:
                continue
            for model in outcome.values["compare"]:
                found = gain(outcome, parent, model)
                if found:
                    gains[setup.name, model] = found
    return gains


def gain(first: Outcome, second: Outcome, model: str) -> Gain | None:
    """Compares two experiments' models over the test rows that both have, seeds paired by position.

    Returns:
        First minus second; None where one has no predictions or they share no row.
    """
    if first.measure != second.measure or model not in second.values["compare"]:
        return None
    if first.predictions is None or second.predictions is None:
        return None
    ours, theirs = row_scores(first.predictions, model), row_scores(second.predictions, model)
    shared = ours.index.intersection(theirs.index)
    if shared.empty:
        return None
    seeds = min(ours.shape[1], theirs.shape[1])
    pair: list[npt.NDArray[np.float64]] = [scores.loc[shared].to_numpy().T[:seeds] for scores in (ours, theirs)]
    series = first.measure == "mse"
    difference = statistics.paired_difference(
        *pair,
        over_seeds=seeds > 1,
        resamples=first.values.get("intervals", {}).get("resamples", 2000),
        seed=first.values["seed"],
    )
    won = statistics.seeds_won(*pair, lower_is_better=series)
    measure = MEAN_SQUARED_ERROR if series else ACCURACY
    return Gain(difference, won, measure, len(shared), len(ours.index.union(theirs.index)))


def row_scores(predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    """Scores a model's test rows, a column a seed: 1.0 for a label that was found, or the squared error of a value."""
    rows = predictions[predictions["model"] == model]
    if "predicted" in rows:
        scores = rows.assign(score=(rows["predicted"] - rows["target"]).astype(float) ** 2)
        return scores.pivot(index="row", columns="seed", values="score")
    right = (rows["probability"] >= 0.5) == (rows["label"] == 1)
    return rows.assign(score=right.astype(float)).pivot(index="id", columns="seed", values="score")


def gain_sentence(first: str, second: str, found: Gain) -> str:
    """Says whether a change helped."""
    claim = statistics.sentence(first, second, found.difference, found.won, measure=found.measure)
    return claim if found.rows == found.of else f"{claim} (over the {found.rows:,} test rows that both have)"


def causes(parent: Named, named: Iterable[Named], gains: Gains) -> list[str]:
    """Ranks the changes to an experiment that others try one by one: those with a clear gain, and the others."""
    heirs = {setup.name for other in named if other.lineage[:-1] == parent.lineage for setup in other.setups}
    tried = [(name, model, found) for (name, model), found in gains.items() if name in heirs]
    if len(heirs) < 2 or not tried:
        return []
    single = len({model for _, model, _ in tried}) == 1
    tried.sort(key=lambda entry: entry[2].difference.mean, reverse=not tried[0][2].measure.lower_is_better)
    sizes = [
        (f"{name if single else f'{name} ({model})'} ({_gain(found)})", found.clear) for name, model, found in tried
    ]
    clear = ", ".join(size for size, is_clear in sizes if is_clear)
    rest = ", ".join(size for size, is_clear in sizes if not is_clear)
    left = ", ".join(sorted(heirs - {name for name, _, _ in tried}))
    parts = {
        f"What held {parent.name} back, by what each change to it gains": clear,
        "without a clear gain" if clear else f"No change to {parent.name} has a clear gain": rest,
        "not compared yet": left,
    }
    return ["; ".join(f"{lead}: {names}" for lead, names in parts.items() if names)]


def _gain(found: Gain) -> str:
    mean, low, high = (f"{found.measure.scale * end:+z.{found.measure.decimals}f}" for end in found.difference)
    return f"{mean}{' points' if found.measure is ACCURACY else ''}, interval {low} to {high}"


def range_points(experiment: Named, outcomes: Mapping[str, Outcome]) -> pd.DataFrame | None:
    """Collects a sweep over the distance: columns distance, model, seed and accuracy on far verdicts.

    Returns:
        None for another experiment, or when nothing of it was run.
    """
    variants = experiment.experiment.variants
    if not variants or not all(DISTANCE in changes for changes in variants.values()):
        return None
    run = [outcomes[setup.name] for setup in experiment.setups if setup.name in outcomes]
    tables = [
        far_accuracy(outcome.lengths, outcome.values["compare"]).assign(distance=outcome.values["sample"]["distance"])
        for outcome in run
        if outcome.lengths is not None
    ]
    return pd.concat(tables, ignore_index=True) if tables else None


def far_accuracy(lengths: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """Averages the two longest of the six groups of test rows, weighted by their rows: model, seed, accuracy."""
    rows = []
    for (model, seed), groups in lengths[lengths["model"].isin(models)].groupby(["model", "seed"], sort=False):
        longest = groups.nlargest(2, "words")
        rows.append((model, seed, float(np.average(longest["accuracy"], weights=longest["rows"]))))
    return pd.DataFrame(rows, columns=["model", "seed", "accuracy"])


def range_table(points: pd.DataFrame) -> str:
    """Shows the accuracy by distance: mean ± standard deviation, and each seed."""
    models = list(points["model"].unique())
    rows = []
    for distance, group in points.groupby("distance"):
        cells = []
        for model in models:
            seeds = (100 * group.loc[group["model"] == model, "accuracy"]).tolist()
            spread = f" ± {stdev(seeds):.1f}" if len(seeds) > 1 else ""
            cells.append(f"{fmean(seeds):.1f}{spread} % ({_joined(seeds)})" if seeds else "–")
        rows.append([str(distance), *cells])
    return _table(["distance", *models], rows, "r" * (1 + len(models)))


def _joined(percentages: Iterable[float]) -> str:
    return ", ".join(f"{value:.1f}" for value in percentages)


def range_sentence(points: pd.DataFrame) -> str:
    """Says how far each model holds a verdict, up to the first distance it fails at, and where it falls to chance."""
    chance, claims = f"within {100 * NEAR_CHANCE:.0f} points of chance", []
    for model, group in points.groupby("model", sort=False):
        means = group.groupby("distance")["accuracy"].mean()
        held = means.index[(means > HOLDS).cummin()]
        lost = means.index[means <= CHANCE + NEAR_CHANCE]
        first = f"holds a verdict over {held[-1]} words" if len(held) else "holds none of the distances"
        near = f"is first {chance} at {lost[0]} words" if len(lost) else f"is never {chance}"
        claims.append(f"{model} {first} (above {100 * HOLDS:.0f} %) and {near}")
    return "; ".join(claims)


def draw_range(points: pd.DataFrame) -> Figure:
    """Draws accuracy over distance: mean over the seeds with one standard deviation."""
    figure, panel = plt.subplots(figsize=(8, 5), layout="constrained")
    for index, (model, group) in enumerate(points.groupby("model", sort=False)):
        means = group.groupby("distance")["accuracy"].agg(["mean", "std", "size"]).fillna(0)
        panel.errorbar(
            means.index,
            means["mean"],
            means["std"],
            color=figures.COLOURS[index % 6],
            linestyle=figures.STYLES[index % 6],
            marker=figures.MARKERS[index % 6],
            linewidth=1.6,
            capsize=3,
            label=f"{model} ({means['size'].max()} seeds)",
        )
    panel.axhline(CHANCE, color="grey", linewidth=0.8, linestyle=":", label="chance")
    distances = sorted(points["distance"].unique())
    panel.set_xscale("log")
    panel.set_xticks(distances, [str(distance) for distance in distances])
    panel.xaxis.set_minor_locator(NullLocator())
    panel.set(
        xlabel="words that a far verdict must be remembered over, at most (logarithmic)",
        ylabel="accuracy on far verdicts, ± one standard deviation over seeds",
    )
    panel.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    panel.grid(**figures.GRID)
    panel.legend()
    return figure


def models_table(outcomes: Mapping[str, Outcome]) -> str:
    """Shows every model and baseline of an experiment; a sweep's with the DVC experiment in front."""
    measure = next(iter(outcomes.values())).measure
    several = len(outcomes) > 1
    rows = []
    for name, outcome in outcomes.items():
        for model in [*outcome.models, *outcome.baselines]:
            scored = outcome.metrics[model]
            more = [f"{scored['mean'][figure]:.3f}" for figure in COLUMNS[measure].values()]
            seeds = ", ".join(_number(seed[measure], measure) for seed in scored["per_seed"].values())
            cells = [model, score(outcome, model), seeds or "–", *more, f"{scored['parameters']:,}"]
            rows.append([*([name] if several else []), *cells, minutes(outcome, model)])
    unit = "accuracy" if measure == "accuracy" else "mean squared error"
    headings = ["model", f"{unit} (95 % interval)", "each seed", *COLUMNS[measure], "parameters", "min a seed"]
    headings = [*(["experiment"] if several else []), *headings]
    return _table(headings, rows, "l" * (2 if several else 1) + "r" * (5 + len(COLUMNS[measure])))


def score(outcome: Outcome, model: str) -> str:
    """Shows a model's mean score with its interval, where reports/comparison.json has one."""
    ends = outcome.comparison.get("intervals", {}).get(model)
    if not ends:
        return _amount(outcome.metrics[model]["mean"][outcome.measure], outcome.measure)
    low, high = (_number(ends[end], outcome.measure) for end in ("low", "high"))
    return f"{_amount(ends['mean'], outcome.measure)} ({low} to {high})"


def minutes(outcome: Outcome, model: str) -> str:
    """Shows how long a training took, on average over the seeds; a dash where nobody knows."""
    seconds = [sum(epochs) for run, epochs in outcome.seconds.items() if run.model == model]
    return f"{fmean(seconds) / 60:.1f}" if seconds else "–"


def _original(experiment: Named, outcome: Outcome, model: str) -> str:
    original = experiment.experiment.original
    if not original or original.model != model:
        return "–"
    if outcome.measure in original.figures:
        return _amount(original.figures[outcome.measure], outcome.measure)
    return ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in original.figures.items())


def drift(setup: Setup, outcome: Outcome) -> list[str]:
    """Warns of a result whose parameters are no longer those of the file, or whose code is in no commit."""
    changed = []
    for key, value in setup.changes.items():
        place: Any = outcome.values
        for part in key.split("."):
            place = place.get(part) if isinstance(place, dict) else None
        if place != value:
            changed.append(f"{key} {experiments.override(place)}, not {experiments.override(value)}")
    warnings = {
        "with other parameters than its file names now": "; ".join(changed),
        "with changes that were not committed": ", ".join(outcome.edited),
    }
    return [f"{setup.name} ran {what}: {which}" for what, which in warnings.items() if which]


def _amount(value: float, figure: str) -> str:
    return f"{_number(value, figure)} %" if figure == "accuracy" else _number(value, figure)


def _number(value: float, figure: str) -> str:
    return f"{100 * value:.1f}" if figure == "accuracy" else f"{value:.4f}"


def _command(experiment: Named) -> str:
    return f"`rnnlab experiments run {experiment.name}`"


def _link(section_: str, text: str = "") -> str:
    return f"[{text or section_}](#{section_})"


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """Writes a Markdown table without tabulate's padding, which a long sentence would blow up."""
    rule = ["--:" if side == "r" else "---" for side in sides]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (headings, rule, *rows))
