"""The few numbers of a comparison that stand beside each other in tables of many results, such as DVC's."""

from collections.abc import Mapping, Sequence
from typing import Any

from rnnlab.project.tasks import MEASURES, Measure

MOST = 12  # numbers: more columns than that nobody reads
DIFFERENCE, LOW, HIGH, UNSETTLED = OWN = ("diff", "low", "high", "unsettled")  # short: a row takes 80 characters


def at_a_glance(comparison: Mapping[str, Any], networks: Sequence[str], baselines: Sequence[str]) -> dict[str, float]:
    """Reduces a comparison to at most `MOST` numbers, to four digits each.

    Args:
        comparison: from `rnnlab.evaluation.comparisons.compare`.
        networks: that are compared, in the order of the parameters.
        baselines: those of the models that have no seeds.

    Returns:
        ``diff``, the last network's mean score minus the first's, or minus the best baseline's where there is a single
        network, with the ends ``low`` and ``high`` of its 95 % interval; ``unsettled``, how many trainings had not
        converged; and by name the mean scores of these two networks, the best baseline, and as many others as there is
        room for, the best first. A model with one of these four names has ``_score`` behind its own.
    """
    measure = MEASURES[comparison["measure"]]
    means = {name: float(ends["mean"]) for name, ends in comparison["intervals"].items()}
    sign = 1 if measure.lower_is_better else -1
    ranked = sorted(means, key=lambda name: sign * means[name])
    best = [name for name in ranked if name in baselines][:1]
    first, last = (networks[0], networks[-1]) if len(networks) > 1 else ((*best, None)[0], networks[0])
    others = [name for name in ranked if name not in baselines]
    shown = list(dict.fromkeys([*networks[:1], *networks[-1:], *best, *others]))[: MOST - len(OWN)]
    numbers = {f"{name}_score" if name in OWN else name: _rounded(measure, means[name]) for name in shown}
    for pair in comparison["pairs"]:
        if (pair["first"], pair["second"]) == (last, first):
            ends = {DIFFERENCE: "mean", LOW: "low", HIGH: "high"}
            numbers |= {name: _rounded(measure, pair["difference"][end]) for name, end in ends.items()}
    return numbers | {UNSETTLED: sum(len(one["reasons"]) for one in comparison["convergence"].values())}


def _rounded(measure: Measure, value: float) -> float:
    """Keeps four decimals of a share, and four digits of an error, whose unit may be any."""
    return round(value, 4) if measure.is_share else float(f"{value:.4g}")
