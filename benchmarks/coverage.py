"""Whether intervals hold the truth as often as they say, and tests err as seldom; writes reports/coverage.md.

Scores are drawn from models whose true mean is known, so that it can be counted how often it lies in an interval.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr
from scipy.stats import norm
from tabulate import tabulate
from tqdm import tqdm

from rnnlab.evaluation import comparisons, statistics, verdicts
from rnnlab.evaluation.statistics import Interval
from rnnlab.experiments import drift
from rnnlab.experiments.drift import Change
from rnnlab.project import layout
from rnnlab.project.dataframes import read_parquet
from rnnlab.project.errors import exit_status
from rnnlab.project.files import write_text
from rnnlab.project.params import NO_SEED
from rnnlab.project.sections.results import Drift
from rnnlab.project.tasks import ACCURACY, TASKS

Scores = npt.NDArray[np.float64]
SEEDS = (2, 3, 5, 10)
LARGE = 25_000  # rows; as many as IMDB has, drawn less often
# Share of the answers that turned each way when the embedded result was trained again with `train.threads: 2`, which
# changes the last digits of sums; measured once.
CHURN = {"rnn": 0.0185, "lstm": 0.0005}
ROW_SPREAD = 1.0  # of the difficulty of rows, in standard deviations of what is left to chance


class Population(NamedTuple):
    """Classifiers to draw: right with a probability that depends on seed and row (a probit model).

    Attributes:
        accuracy: true mean over all seeds and rows.
        seed_sd: standard deviation of the seeds' true accuracies, about.
        seeds: trainings in a sample.
        rows: test rows in a sample.
    """

    accuracy: float
    seed_sd: float
    seeds: int
    rows: int

    def draw(self, generator: np.random.Generator, models: int = 1) -> Scores:
        """Draws 1.0 for right and 0.0 for wrong, of shape (models, seeds, rows); models share the rows."""
        centre = norm.ppf(self.accuracy)
        spread = self.seed_sd / norm.pdf(centre) * np.sqrt(1 + ROW_SPREAD**2)
        hard = generator.normal(0, ROW_SPREAD, self.rows)
        luck = generator.normal(0, spread, (models, self.seeds, 1))
        chance = ndtr(centre * np.sqrt(1 + ROW_SPREAD**2 + spread**2) + luck + hard)
        return np.asarray(generator.random(chance.shape) < chance, np.float64)


def pigeonhole(scores: Scores, generator: np.random.Generator, resamples: int = 200) -> Interval:
    """The percentile bootstrap over seeds and rows that intervals were computed with before (Owen 2007)."""
    seeds, rows = scores.shape
    of_seeds = generator.multinomial(seeds, np.full(seeds, 1 / seeds), resamples) / seeds
    of_rows = generator.multinomial(rows, np.full(rows, 1 / rows), resamples) / rows
    means = ((of_rows @ scores.T) * of_seeds).sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float(scores.mean()), float(low), float(high))


def ours(scores: Scores, generator: np.random.Generator) -> Interval:
    """The interval of an accuracy that is published."""
    return statistics.estimate(scores).share_interval(scores.shape[1])


def over_seeds_alone(scores: Scores, generator: np.random.Generator) -> Interval:
    """A t interval of the seeds' means, which speaks of these test rows only."""
    return statistics.over_seeds(list(scores.mean(axis=1))).interval()


METHODS = {"ours": ours, "bootstrap": pigeonhole, "t over seeds": over_seeds_alone}


def cover(
    population: Population, repetitions: int, methods: Sequence[str] = ("ours",)
) -> dict[str, tuple[float, float]]:
    """Counts how often each method's interval holds the true accuracy; returns shares and mean widths."""
    generator = np.random.default_rng(1)
    held, width = np.zeros(len(methods)), np.zeros(len(methods))
    for _ in range(repetitions):
        scores = population.draw(generator)[0]
        for index, name in enumerate(methods):
            found = METHODS[name](scores, generator)
            held[index] += found.low <= population.accuracy <= found.high
            width[index] += found.high - found.low
    return {name: (held[i] / repetitions, width[i] / repetitions) for i, name in enumerate(methods)}


def cover_difference(population: Population, repetitions: int) -> float:
    """Counts how often the interval of a paired difference of two models that are equally good holds 0."""
    generator = np.random.default_rng(2)
    held = 0
    for _ in range(repetitions):
        found = statistics.estimate(statistics.difference(*population.draw(generator, 2))).interval()
        held += found.low <= 0 <= found.high
    return held / repetitions


def false_claims(population: Population, repetitions: int, models: int = 5) -> float:
    """Counts in how many tables of equally good models any pair is said to differ."""
    generator = np.random.default_rng(3)
    wrong = 0
    for _ in range(repetitions):
        scores = population.draw(generator, models)
        pairs = [
            verdicts.pair((str(i), scores[i]), (str(j), scores[j]), 0.01, ACCURACY, dependent=False)
            for i in range(models)
            for j in range(i)
        ]
        wrong += any(verdict.shown for verdict in verdicts.judge(pairs))
    return wrong / repetitions


def series_losses(generator: np.random.Generator, seeds: int, rows: int, memory: float) -> Scores:
    """Draws differences of losses with a mean of 0; steps resemble the one before by ``memory``, seeds by half."""
    start = 100  # steps until the beginning is forgotten
    steps = generator.normal(size=(seeds + 1, rows + start))
    for step in range(1, rows + start):
        steps[:, step] += memory * steps[:, step - 1]
    return np.asarray(steps[:1, start:] + steps[1:, start:], np.float64)


def cover_series(seeds: int, rows: int, memory: float, repetitions: int, *, dependent: bool = True) -> float:
    """Counts how often an interval over steps of a series holds the true mean."""
    generator = np.random.default_rng(4)
    held = 0
    for _ in range(repetitions):
        found = statistics.estimate(series_losses(generator, seeds, rows, memory), dependent=dependent).interval()
        held += found.low <= 0 <= found.high
    return held / repetitions


def found_groups(seeds: int, apart: float, repetitions: int) -> float:
    """Counts how often seeds are said to fall into two groups: half of them higher by ``apart``, each ± 0.015."""
    generator, found = np.random.default_rng(5), 0
    for _ in range(repetitions):
        scores = generator.normal(0.6, 0.015 if apart else 0.064, seeds)
        solved = generator.permutation(seeds) < seeds // 2
        found += statistics.groups(list(scores + apart * solved), 0.05) is not None
    return found / repetitions


def rerun(scores: Scores, generator: np.random.Generator, *, churn: float, fall: float, together: bool) -> Scores:
    """Changes scores of a result as a rerun may: some answers turn right and as many wrong, and more turn wrong.

    Args:
        scores: 1.0 and 0.0, of shape (seeds, rows).
        generator: of the draws.
        churn: share of the rows that turn right, and that turn wrong, about.
        fall: share of the rows that turn wrong besides.
        together: whether these are the same rows with every seed, as far as they were right.
    """
    right, ranks = scores == 1, generator.random(scores.shape)
    turned = ranks < churn / np.where(right, scores.mean(), 1 - scores.mean())
    order = generator.random(scores.shape[1]) if together else generator.random(scores.shape)
    first = np.where(right, order, np.inf).argsort(axis=1)[:, : round(fall * scores.shape[1])]
    fallen = np.zeros_like(right)
    np.put_along_axis(fallen, first, True, axis=1)
    return np.asarray(np.where(fallen, 0.0, np.where(turned, ~right, right)), np.float64)


def drifts(scores: Scores, repetitions: int, **change: float | bool) -> float:
    """Counts how often `rnnlab drift` calls reruns worse, at its default limits."""
    generator, limits, alarms = np.random.default_rng(6), Drift(tolerance=0.01, significance=0.001), 0
    for _ in range(repetitions):
        again = rerun(scores, generator, **change)  # type: ignore[arg-type]
        difference = statistics.estimate((again - scores).mean(axis=0, keepdims=True))
        judged = Change("it", float(scores.mean()), float(again.mean()), difference, "", 1)
        alarms += drift.word(judged, ACCURACY, limits) == "worse"
    return alarms / repetitions


def gate(rows: int, changed: float, loss: float, repetitions: int) -> float:
    """Counts how often a model passes that is right less often than the champion by ``loss``; margin 1 point, 5 %.

    Args:
        rows: test rows.
        changed: share of the rows that only one of both has right.
        loss: true difference in accuracy.
        repetitions: number of test sets.
    """
    shares = [(changed - loss) / 2, (changed + loss) / 2, 1 - changed]
    drawn = np.random.default_rng(7).multinomial(rows, shares, repetitions)
    return float(np.mean([statistics.loss_p_value(won, lost, rows, 0.01) < 0.05 for won, lost, _ in drawn]))


class Table(NamedTuple):
    """A table of the report."""

    title: str
    note: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def _audited(repetitions: int) -> Table:
    rows = []
    for sd, count in ((0.064, LARGE), (0.064, 1200), (0.008, LARGE), (0.0, 1200)):
        for seeds in SEEDS:
            found = cover(Population(0.75, sd, seeds, count), _times(repetitions, count), list(METHODS))
            cells = [f"{held:.2f}, {100 * width:.1f}" for held, width in found.values()]
            rows.append([f"{sd:g}", f"{count:,}", str(seeds), *cells])
    note = "Share of 95 % intervals that hold the true accuracy, 0.75, and their mean width in points."
    return Table("Ours, and others", note, ["seed sd", "rows", "seeds", *METHODS], rows)


def _times(repetitions: int, rows: int) -> int:
    return max(repetitions // 3, 50) if rows == LARGE else repetitions


def _coverage(repetitions: int) -> Table:
    rows = []
    for accuracy in (0.75, 0.98):
        for sd in (0.0, 0.008, *((0.064,) if accuracy < 0.9 else ())):
            for count in (300, 1200, LARGE):
                times = _times(repetitions, count)
                every = [Population(accuracy, sd, seeds, count) for seeds in SEEDS]
                means = [cover(each, times)["ours"][0] for each in every]
                pairs = [cover_difference(each, times) for each in every]
                cells = [f"{mean:.3f} / {pair:.3f}" for mean, pair in zip(means, pairs, strict=True)]
                rows.append([f"{accuracy:g}", f"{sd:g}", f"{count:,}", *cells])
    note = "Share of 95 % intervals that hold the truth: of an accuracy / of the difference of two models."
    return Table("Coverage", note, ["accuracy", "seed sd", "rows", *(f"{seeds} seeds" for seeds in SEEDS)], rows)


def _pairs(repetitions: int) -> Table:
    rows = []
    for sd, count in ((0.0, 300), (0.008, 1200), (0.064, 300)):
        every = [Population(0.75, sd, seeds, count) for seeds in SEEDS]
        shares = [false_claims(each, repetitions) for each in every]
        with patch.object(statistics, "LEAST_SEED_SQUARE", 0.0):
            without = [false_claims(each, repetitions) for each in every]
        cells = [f"{share:.3f} / {other:.3f}" for share, other in zip(shares, without, strict=True)]
        rows.append([f"{sd:g}", f"{count:,}", *cells])
    note = (
        "Share of tables of five equally good models, ten pairs, in which any pair is said to differ, 0.05 being"
        " promised / what it would be if the seeds' mean square had no lower limit."
    )
    return Table("False claims", note, ["seed sd", "rows", *(f"{seeds} seeds" for seeds in SEEDS)], rows)


def _series(repetitions: int) -> Table:
    rows = []
    for count in (200, 400, 2000):
        for memory in (0.0, 0.4, 0.7):
            cells = [f"{cover_series(seeds, count, memory, repetitions):.3f}" for seeds in (1, 3, 5)]
            naive = cover_series(5, count, memory, repetitions, dependent=False)
            rows.append([f"{count:,}", f"{memory:g}", *cells, f"{naive:.3f}"])
    note = "Share of 95 % intervals that hold the true mean loss difference, where steps resemble the one before."
    headings = ["steps", "correlation", "1 seed", "3 seeds", "5 seeds", "5 seeds, as if steps were independent"]
    return Table("Series", note, headings, rows)


def _groups(repetitions: int) -> Table:
    rows = [
        [str(seeds), *(f"{found_groups(seeds, apart, repetitions):.3f}" for apart in (0, 0.2, 0.45))]
        for seeds in (4, 5, 10)
    ]
    note = "Share of results whose seeds are said to fall into two groups, 0.015 being the spread within a group."
    return Table("Two groups of seeds", note, ["seeds", "one group", "0.2 apart", "0.45 apart"], rows)


def _drift(repetitions: int) -> Table:
    predictions, task, rows = read_parquet(layout.PREDICTIONS), TASKS["text"], []
    networks = predictions[predictions["seed"] != NO_SEED]
    for model, scores in comparisons.scores_by_model(task, networks, list(networks["model"].unique())).items():
        churn = CHURN.get(model, 0.01)
        false = drifts(scores, 10 * repetitions, churn=churn, fall=0.0, together=False)
        found = [drifts(scores, repetitions, churn=churn, fall=0.02, together=together) for together in (False, True)]
        rows.append(
            [model, f"{scores.mean():.3f}", f"{churn:.4f}", f"{false:.4f}", *(f"{share:.3f}" for share in found)]
        )
    note = (
        "Share of reruns of the last result that `rnnlab drift` calls worse at its default limits: where a share of the"
        " rows turns right and as many turn wrong, as when sums are rounded differently, and where 2 points more turn"
        " wrong, with each seed on rows of its own or on the same ones."
    )
    headings = ["model", "accuracy", "turned", "no fall", "fall of 2 points, own rows", "the same rows"]
    return Table("Drift", note, headings, rows)


def _gate(repetitions: int) -> Table:
    rows = []
    for count in (300, 1200, LARGE):
        for changed in (0.03, 0.1):
            passes = [gate(count, changed, loss, 10 * repetitions) for loss in (0.02, 0.01, 0.0, -0.01)]
            rows.append([f"{count:,}", f"{changed:g}", *(f"{share:.3f}" for share in passes)])
    note = "Share of candidates that are promoted, by what they truly lose against the champion; the margin is 1 point."
    headings = ["rows", "rows that one alone has right", "loses 2 points", "loses 1", "is as good", "gains 1"]
    return Table("The gate", note, headings, rows)


def markdown(tables: Sequence[Table], repetitions: int) -> str:
    """Writes the report."""
    parts = [
        "# Do the intervals cover?",
        f"Written by `make coverage` with {repetitions:,} repetitions, fewer on {LARGE:,} rows and more for rare"
        " errors. [Statistics](../docs/statistics.md) explains the methods.",
    ]
    for table in tables:
        shown = tabulate(table.rows, table.headings, "github", disable_numparse=True)
        parts.append(f"## {table.title}\n\n{table.note}\n\n{shown}")
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Simulates everything and writes the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("--repetitions", type=int, default=2000, help="samples per figure; 2,000 by default")
    parser.add_argument("--out", type=Path, default=Path("reports/coverage.md"), help="the report to write")
    options = parser.parse_args()
    tables = [made for step in tqdm(TABLES, desc="coverage", disable=None) if (made := step(options.repetitions))]
    write_text(options.out, markdown(tables, options.repetitions))
    print(f"wrote {options.out}")


TABLES = (_audited, _coverage, _pairs, _series, _groups, _drift, _gate)

if __name__ == "__main__":
    sys.exit(exit_status(main))
