"""Which differences between models are shown, and in which words: all pairs of a table are judged together."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.evaluation import statistics
from rnnlab.evaluation.statistics import Components, Estimate
from rnnlab.project.results import ENSEMBLE
from rnnlab.project.tasks import Measure

SIGNIFICANCE = 0.05

Scores = npt.NDArray[np.float64]


class Pair(NamedTuple):
    """Two models whose scores are paired by row and seed.

    Attributes:
        first: the name of a model.
        second: that of its rival.
        difference: first minus second, with its standard error.
        components: of the difference's variance.
        margin: differences up to this size do not matter, in the unit of the scores.
        measure: what the scores are.
        notes: what else a reader must know of the two models.
    """

    first: str
    second: str
    difference: Estimate
    components: Components
    margin: float
    measure: Measure
    notes: Sequence[str] = ()


class Verdict(NamedTuple):
    """What is shown of a pair.

    Attributes:
        pair: that is judged.
        p_value: two-sided, of no difference, corrected for the family.
        family: number of pairs that are judged together.
    """

    pair: Pair
    p_value: float
    family: int

    @property
    def shown(self) -> bool:
        """Whether one model is shown to be better."""
        return self.p_value < SIGNIFICANCE

    @property
    def first_is_better(self) -> bool:
        """Whether the first model has the better mean, shown or not."""
        return self.pair.measure.is_better(self.pair.difference.mean)

    @property
    def same(self) -> bool:
        """Whether both models score the same on every row."""
        return not self.pair.difference.mean and not self.pair.difference.error

    @property
    def equal(self) -> bool:
        """Whether the interval lies within the margin."""
        _, low, high = self.pair.difference.interval()
        return -self.pair.margin <= low and high <= self.pair.margin

    @property
    def significance(self) -> float:
        """The level of the pair's own test at which the family's is kept, whatever the other pairs show."""
        return SIGNIFICANCE / self.family

    @property
    def visible(self) -> float:
        """The smallest difference that would probably have been shown; see `Estimate.visible`."""
        return self.pair.difference.visible(self.significance)

    @property
    def sentence(self) -> str:
        """Says all that there is to say: the claim, and the remarks on it."""
        return "; ".join([self.claim, *self.remarks])

    @property
    def claim(self) -> str:
        """Says which model is better, that they are equal, or that neither is shown."""
        first, second, difference, _, margin, measure, _ = self.pair
        if self.same:
            return f"{first} and {second} score the same on every test row"
        # Beside an interval of differences either way, the difference has its sign; that of the better model has none.
        mean, low, high = difference.interval()
        if self.shown and mean < 0:
            mean, low, high = -mean, -high, -low
        better, worse = (first, second) if self.first_is_better else (second, first)
        template = measure.clear if self.shown else measure.equal if self.equal else measure.unclear
        size, least = measure.number(mean), measure.number(margin)
        claim = template.format(first=first, second=second, better=better, worse=worse, size=size, margin=least)
        return f"{claim} (95 % interval {measure.number(low)} to {measure.number(high)})"

    @property
    def remarks(self) -> list[str]:
        """Says what else a reader must know."""
        return [*self._remarks(), *self.pair.notes]

    def _remarks(self) -> Iterable[str]:
        if self.same:
            return
        pair, seeds = self.pair, self.pair.components.seeds
        if self.shown and self.equal:
            yield f"less than the {pair.measure.difference(pair.margin)} that matter"
        if not self.shown and not self.equal:
            _, low, high = pair.difference.interval()
            if seeds == 2:
                yield "two seeds are too few to tell"
            elif low > 0 or high < 0:
                yield f"too little for one of {self.family} pairs (p = {self.p_value:.2g} after Holm's correction)"
            size = pair.measure.difference(self.visible)
            yield f"with these seeds and rows, a difference of less than {size} would not have been seen"
        if seeds == 1:
            yield "another seed may differ"

    def facts(self) -> dict[str, Any]:
        """Returns all of it for a file."""
        pair = self.pair
        return {
            "first": pair.first,
            "second": pair.second,
            "difference": pair.difference.interval()._asdict(),
            "p_value": self.p_value,
            "shown": self.shown,
            "equal": self.equal,
            "visible": self.visible,
            "margin": pair.margin,
            "significance": self.significance,
            "components": pair.components._asdict(),
            "claim": self.claim,
            "remarks": self.remarks,
            "sentence": self.sentence,
        }


def pair(
    first: tuple[str, Scores], second: tuple[str, Scores], margin: float, measure: Measure, *, dependent: bool
) -> Pair:
    """Pairs the scores, (seeds, rows), of two named models of the same rows; ``margin`` is `intervals.margin`.

    Raises:
        UserError: rows or seeds cannot be paired.
    """
    (name, rival), (scores, others) = (first[0], second[0]), _by_ensemble(first, second)
    between = statistics.difference(scores, others)
    components = statistics.components(between, dependent=dependent)
    size = measure.margin(margin, float(np.mean(others)))
    return Pair(name, rival, components.estimate(float(between.mean())), components, size, measure)


def _by_ensemble(*named: tuple[str, Scores]) -> list[Scores]:
    """Returns scores; of a network that is compared with ensembles, the mean of the seeds that each of them joins."""
    count = min((len(scores) for name, scores in named if name == ENSEMBLE), default=0)
    return [
        scores.reshape(count, -1, scores.shape[1]).mean(axis=1) if count and not len(scores) % count else scores
        for _, scores in named
    ]


def judge(pairs: Iterable[Pair]) -> list[Verdict]:
    """Judges all pairs of a table as one family, by Holm's method."""
    family = list(pairs)
    corrected = statistics.holm([pair.difference.p_value() for pair in family])
    return [Verdict(pair, p_value, len(family)) for pair, p_value in zip(family, corrected, strict=True)]
