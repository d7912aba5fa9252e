"""What networks learned: what each word changes, and which rows go wrong."""

from collections.abc import Sequence

import keras
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from rnnlab.evaluation.metrics import CALIBRATION_BINS
from rnnlab.evaluation.states import DRAWN_WORDS
from rnnlab.features.text import encode, words
from rnnlab.networks import predicting
from rnnlab.project.sections.data import TokenizePad
from rnnlab.project.tasks import answers, confidence, decide, has_more_than_two, right, told

TRACED_WORDS = 200  # of one text at most, its last ones: each costs a prediction


def trace(
    model: keras.Model,
    text: str,
    vocabulary: list[str],
    options: TokenizePad,
    batch_size: int,
    thresholds: Sequence[float] | None = None,
) -> list[tuple[str, int, float]]:
    """Follows a network's opinion while it reads a cleaned text: what it says up to and with each word.

    Returns:
        Each word with the number of the label that is given then (see `rnnlab.project.tasks.decide` on thresholds), and
        the probability of the second of two labels, or of that label of more. In reading order, they are the last
        `TRACED_WORDS` words of the text, or of its first ``max_length`` words where truncation lets the network see no
        others; the last one's are of the whole text.
    """
    split: list[str] = words(pa.array([text], pa.string()))[0].as_py()
    if options.truncation == "post":
        split = split[: options.max_length]
    lengths = range(max(1, len(split) - TRACED_WORDS + 1), len(split) + 1)
    beginnings = pa.array([" ".join(split[:length]) for length in lengths], pa.string())
    probabilities = predicting.predict(model, encode(beginnings, vocabulary, options).tokens, batch_size)
    labels = decide(probabilities, thresholds)
    read = zip(lengths, labels.tolist(), told(probabilities, labels).tolist(), strict=True)
    return [(split[length - 1], label, probability) for length, label, probability in read]


def gap(first: pd.DataFrame, second: pd.DataFrame, *, more_than_two: bool) -> "pd.Series[float]":
    """Tells how far apart two networks are on each of the same rows, by whose id both tables are indexed.

    Args:
        first: predictions of one network.
        second: those of the other.
        more_than_two: whether the rows that these are chosen from have more than two labels.

    Returns:
        The difference of what they think of a label, or the mean of what each thinks of its own where those differ.
    """
    one, other = first["probability"], second["probability"]
    is_of_one_label = (answers(first) == answers(second)) | (not more_than_two)
    return (other - one).abs().where(is_of_one_label, (one + other) / 2)


def choose_traced(predictions: pd.DataFrame, first: str, second: str, count: int) -> list[str]:
    """Chooses test rows worth tracing: those on which two networks, of one seed, disagree most.

    Rows that the second one gets right and rows that it gets wrong alternate, so that the choice favours neither; when
    one kind runs out, the other fills up.

    Returns:
        At most ``count`` ids, the largest disagreement first within each kind; of texts with at most `DRAWN_WORDS`
        words, or of the ``count`` shortest where too few are so short.
    """
    lengths = predictions.loc[predictions["model"] == second, "words"]
    short = predictions[predictions["words"] <= max(DRAWN_WORDS, lengths.nsmallest(count).max())]
    one, other = (short[short["model"] == name].set_index("id").sort_index() for name in (first, second))
    apart = gap(one, other, more_than_two=has_more_than_two(predictions))
    gaps = pd.DataFrame({"gap": apart, "wrong": ~right(other)}).reset_index()
    ranked = gaps.sort_values(["gap", "id"], ascending=[False, True])
    ranked["rank"] = ranked.groupby("wrong").cumcount()
    chosen: list[str] = ranked.sort_values(["rank", "wrong"])["id"].head(count).tolist()
    return chosen


def mistakes(predictions: pd.DataFrame, count: int) -> pd.DataFrame:
    """Returns the rows that most seeds of one model get wrong, those first whose least confident mistake is surest.

    Returns:
        The columns id, label, words, wrong (a number of seeds), and the probability of each: seed_1, …; ties go by id.
    """
    sure, wrong = confidence(predictions), ~right(predictions)
    rows = predictions[wrong].assign(sure=sure[wrong]).groupby(["id", "label", "words"])["sure"]
    ranked = rows.agg(wrong="size", sure="min").sort_values(["wrong", "sure", "id"], ascending=[False, False, True])
    worst = ranked.head(count).drop(columns="sure").reset_index()
    shown = predictions[predictions["id"].isin(worst["id"])].pivot(index="id", columns="seed", values="probability")
    seeds = shown.reindex(columns=sorted(predictions["seed"].unique())).add_prefix("seed_")
    return worst.join(seeds, on="id")


def calibration(
    is_so: npt.NDArray[np.bool_], forecasts: npt.NDArray[np.float32], bins: int = CALIBRATION_BINS
) -> list[tuple[float, float, int]]:
    """Compares forecasts with what happened (DeGroot & Fienberg 1983, "The comparison and evaluation of forecasters").

    Returns:
        Mean forecast, share of those that came true and rows of each bin of equal width that is not empty, by forecast.
        The mean of their gaps, weighted by rows, is `rnnlab.evaluation.metrics.calibration_error`.
    """
    bin_of = np.minimum((forecasts * bins).astype(int), bins - 1)
    members = [bin_of == index for index in np.unique(bin_of)]
    return [(float(forecasts[m].mean()), float(is_so[m].mean()), int(m.sum())) for m in members]
