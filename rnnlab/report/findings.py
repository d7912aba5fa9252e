"""Sentences on the results of named experiments, each computed from these results."""

from collections.abc import Callable, Iterable, Mapping
from statistics import fmean, stdev
from typing import Any

from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.gains import Gain, Gains, gain_sentence
from rnnlab.experiments.outcomes import Outcome
from rnnlab.project import overrides
from rnnlab.project.tasks import ACCURACY, MEASURES, TaskName, of_values


def all_findings(experiment: Named, setup: Setup, outcome: Outcome, gains: Gains) -> list[str]:
    """Returns the findings on a DVC experiment, the most important first."""
    file, sentences = experiment.experiment, []
    own = {model: gain for (name, model), gain in gains.items() if name == setup.name}
    for model, found in own.items():
        if not any(found.difference):  # the same network, to which the experiment adds something else
            continue
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


def least_sentence(model: str, least: float, mean: float) -> str:
    """States whether a model reaches the required accuracy, and by how much it exceeds or misses it."""
    verdict = "reaches" if mean >= least else "misses"
    gap = f"{ACCURACY.number(abs(mean - least))} points {'more' if mean >= least else 'less'}"
    return f"{model} {verdict} the required {ACCURACY.amount(least)}: {ACCURACY.amount(mean)}, {gap}"


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
    """States whether the original's result lies in our interval."""
    measure = MEASURES[figure]
    there, low, high = (measure.amount(value) for value in (original, ends.low, ends.high))
    position = "within"
    if not ends.low <= original <= ends.high:
        gap = max(ends.low - original, original - ends.high)
        size = f"{measure.number(gap)}{measure.difference_unit}"
        position = f"{size} {'below' if original < ends.low else 'above'}"
    return f"{model}'s {measure.name} was {there} in the original, {position} our interval of {low} to {high}"


def seed_values(outcome: Outcome, model: str, figure: str) -> list[float]:
    """Returns a figure of each seed: of the test rows, or the loss of the epoch whose weights were kept."""
    column = {"validation_loss": "val_loss", "training_loss": "loss"}.get(figure)
    if column is None:
        return [seed[figure] for seed in outcome.metrics[model]["per_seed"].values() if figure in seed]
    best = outcome.values["train"].get("keep", "best") == "best"
    histories = [history for run, history in outcome.histories.items() if run.model == model]
    kept = [history["val_loss"].idxmin() if best else history.index[-1] for history in histories]
    return [float(history[column][epoch]) for history, epoch in zip(histories, kept, strict=True)]


def pair_sentences(outcome: Outcome) -> list[str]:
    """Returns the comparisons of networks with each other and with the baselines that `RIVALS` names."""
    means = {name: ends["mean"] for name, ends in outcome.comparison.get("intervals", {}).items()}
    rivals = RIVALS[of_values(outcome.values).name]({name: means[name] for name in outcome.baselines if name in means})
    found = [
        (pair["sentence"], bool({pair["first"], pair["second"]} & rivals))
        for pair in outcome.comparison.get("pairs", [])
        if {pair["first"], pair["second"]} <= {*outcome.models, *rivals}
    ]
    return [sentence for sentence, _ in sorted(found, key=lambda pair: pair[1])]


# By task, the baselines that networks are compared with: of texts the best one, of a series each.
RIVALS: dict[TaskName, Callable[[dict[str, float]], set[str]]] = {
    "text": lambda means: {max(means, key=means.__getitem__)} if means else set(),
    "series": set,
}


def drift(setup: Setup, outcome: Outcome) -> list[str]:
    """Warns of a result whose parameters are no longer those of the file, or whose code is in no commit."""
    changed = []
    for key, value in setup.changes.items():
        place: Any = outcome.values
        for part in key.split("."):
            place = place.get(part) if isinstance(place, dict) else None
        if place != value:
            changed.append(f"{key} {overrides.override(place)}, not {overrides.override(value)}")
    warnings = {
        "with other parameters than its file names now": "; ".join(changed),
        "with changes that were not committed": ", ".join(outcome.edited),
    }
    return [f"{setup.name} ran {what}: {which}" for what, which in warnings.items() if which]


def causes(parent: Named, named: Iterable[Named], gains: Gains) -> list[str]:
    """Ranks the changes to an experiment that others try one by one: those with a clear gain, and the others."""
    heirs = {setup.name for other in named if other.lineage[:-1] == parent.lineage for setup in other.setups}
    tried = [(name, model, found) for (name, model), found in gains.items() if name in heirs]
    if len(heirs) < 2 or not tried:
        return []
    single = len({model for _, model, _ in tried}) == 1
    tried.sort(key=lambda entry: entry[2].difference.mean, reverse=not tried[0][2].measure.lower_is_better)
    sizes = [
        (f"{name if single else f'{name} ({model})'} ({_size(found)})", found.clear) for name, model, found in tried
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


def _size(found: Gain) -> str:
    mean, low, high = (f"{found.measure.scale * end:+z.{found.measure.decimals}f}" for end in found.difference)
    return f"{mean}{found.measure.difference_unit}, interval {low} to {high}"
