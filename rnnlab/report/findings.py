"""Sentences on the results of named experiments, each computed from these results."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from rnnlab.evaluation import comparisons
from rnnlab.evaluation.statistics import next_seed
from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.gains import Gain, Gains
from rnnlab.project import overrides
from rnnlab.project.results import Result
from rnnlab.project.tasks import ACCURACY, TaskName


def all_findings(experiment: Named, setup: Setup, result: Result, gains: Gains) -> list[str]:
    """Returns the findings on a DVC experiment, the most important first."""
    file, sentences = experiment.experiment, []
    by_model = {model: gain for (name, model), gain in gains.items() if name == setup.name}
    # One that scores the same on every row is the same network, to which the experiment adds something else.
    sentences += [gain.sentence for gain in by_model.values() if not gain.verdict.same]
    if file.extends and not by_model:
        sentences.append(f"no comparison with {file.extends}: it was not run, or DVC's cache has lost predictions")
    for model, least in file.at_least.items():
        if model in result.metrics:
            sentences.append(least_sentence(model, least, result.metrics[model]["mean"]["accuracy"]))
    if file.original and file.original.model in result.metrics:
        sentences += original_sentences(file.original.model, file.original.figures, result)
    matched = comparisons.match_sentence(result.comparison)
    return [*sentences, *([matched] if matched else []), *pair_sentences(result)]


def least_sentence(model: str, least: float, mean: float) -> str:
    """States whether a model reaches the required accuracy, and by how much it exceeds or misses it."""
    verdict = "reaches" if mean >= least else "misses"
    gap = f"{ACCURACY.number(abs(mean - least))} points {'more' if mean >= least else 'less'}"
    return f"{model} {verdict} the required {ACCURACY.amount(least)}: {ACCURACY.amount(mean)}, {gap}"


def original_sentences(model: str, originals: Mapping[str, float], result: Result) -> list[str]:
    """Says of each figure of the original, which is of a single training, whether one of ours might have given it."""
    sentences = []
    for figure, original in originals.items():
        values = seed_values(result, model, figure)
        if values:
            measured = figure == result.measure.key
            name = result.measure.name if measured else figure.replace("_", " ")
            write = result.measure.amount if measured or result.measure.has_any_size else "{:.4f}".format
            sentences.append(original_sentence(f"{model}'s {name}", original, values, write))
    return sentences


def original_sentence(what: str, original: float, values: Sequence[float], write: Callable[..., str]) -> str:
    """States whether the original lies in the interval that would hold one more seed of ours."""
    claim = f"{what} was {write(original)} in the original"
    if len(values) < 2:
        return f"{claim} and is {write(values[0])} here; whether that reproduces it, two seeds at least must tell"
    mean, low, high = next_seed(values)
    verdict = "reproduced" if low <= original <= high else "not reproduced"
    seeds = f"one more seed of ours would lie between {write(low)} and {write(high)} (95 % of times)"
    return f"{verdict}: {claim}; {seeds}, with a mean of {write(mean)} over {len(values)}"


def seed_values(result: Result, model: str, figure: str) -> list[float]:
    """Returns a figure of each seed: of the test rows, or the loss of the epoch whose weights were kept."""
    column = {"validation_loss": "val_loss", "training_loss": "loss"}.get(figure)
    if column is None:
        return [seed[figure] for seed in result.metrics[model]["per_seed"].values() if figure in seed]
    best = result.training_of(model).get("keep", "best") == "best"
    histories = [history for run, history in result.histories.items() if run.model == model]
    epochs = [history["val_loss"].idxmin() if best else history.index[-1] for history in histories]
    return [float(history[column][epoch]) for history, epoch in zip(histories, epochs, strict=True)]


def pair_sentences(result: Result) -> list[str]:
    """Returns the comparisons of networks with each other and with the baselines that `RIVALS` names."""
    means = {name: ends["mean"] for name, ends in result.comparison.get("intervals", {}).items()}
    rivals = RIVALS[result.task.name]({name: means[name] for name in result.baselines if name in means})
    shown = {*result.contenders, *rivals}
    pairs = [pair for pair in result.comparison.get("pairs", []) if {pair["first"], pair["second"]} <= shown]
    pairs.sort(key=lambda pair: not rivals.isdisjoint((pair["first"], pair["second"])))
    return [pair["sentence"] for pair in pairs]


# By task, the baselines that networks are compared with: of rows with labels the best one, of a series each.
RIVALS: dict[TaskName, Callable[[dict[str, float]], set[str]]] = {
    "text": lambda means: {max(means, key=means.__getitem__)} if means else set(),
    "series": set,
    "sequences": lambda means: {max(means, key=means.__getitem__)} if means else set(),
}


def drift(setup: Setup, result: Result) -> list[str]:
    """Warns of a result whose parameters are no longer those of the file, or whose code is in no commit."""
    changed = []
    for key, value in setup.changes.items():
        used: Any = result.values
        for part in key.split("."):
            used = used.get(part) if isinstance(used, dict) else None
        if used != value:
            changed.append(f"{key} {overrides.override(used)}, not {overrides.override(value)}")
    warnings = {
        "with other parameters than its file names now": "; ".join(changed),
        "with changes that were not committed": ", ".join(result.edited),
    }
    return [f"{setup.name} ran {what}: {which}" for what, which in warnings.items() if which]


def causes(parent: Named, named: Iterable[Named], gains: Gains) -> list[str]:
    """Ranks the changes to an experiment that others try one by one: those that are shown to gain, and the others."""
    heirs = {setup.name for other in named if other.lineage[:-1] == parent.lineage for setup in other.setups}
    tried = [(name, model, gain) for (name, model), gain in gains.items() if name in heirs]
    if len(heirs) < 2 or not tried:
        return []
    single = len({model for _, model, _ in tried}) == 1
    tried.sort(
        key=lambda entry: entry[2].verdict.pair.difference.mean,
        reverse=not tried[0][2].verdict.pair.measure.lower_is_better,
    )
    sizes = [(f"{name if single else f'{name} ({model})'} ({_size(gain)})", gain.clear) for name, model, gain in tried]
    clear = ", ".join(size for size, is_clear in sizes if is_clear)
    rest = ", ".join(size for size, is_clear in sizes if not is_clear)
    left = ", ".join(sorted(heirs - {name for name, _, _ in tried}))
    parts = {
        f"What held {parent.name} back, by what each change to it gains": clear,
        "without a gain that is shown" if clear else f"No change to {parent.name} is shown to gain": rest,
        "not compared yet": left,
    }
    return ["; ".join(f"{lead}: {names}" for lead, names in parts.items() if names)]


def _size(gain: Gain) -> str:
    measure, difference = gain.verdict.pair.measure, gain.verdict.pair.difference
    mean, low, high = (measure.number(end, sign="+") for end in difference.interval())
    return f"{mean}{measure.difference_unit}, interval {low} to {high}"
