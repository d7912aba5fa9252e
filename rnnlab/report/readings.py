"""What the page shows of single texts: how networks read them word by word, and which ones they get wrong."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.features.clean_rows import read_texts
from rnnlab.project.params import Params
from rnnlab.report.pages import cut

EVERY = 10  # words between numbers
LEAD = 300  # characters of a text that are shown at once
LONGEST = 4000  # characters of a text that the page holds


class Word(NamedTuple):
    """A word as a network has read it.

    Attributes:
        text: the word.
        probability: of the positive class up to and with it.
        shade: of its background, from 0, negative for sure, to 10, positive for sure.
        positive: which side of a half the network is on.
        turn: whether this word brought it there.
        number: the probability where it is printed, "" elsewhere.
    """

    text: str
    probability: str
    shade: int
    positive: bool
    turn: bool
    number: str


class Reading(NamedTuple):
    """One network's way through a text: its words, the label and probability it ends with, and how it came there."""

    model: str
    words: Sequence[Word]
    said: str
    probability: str
    verdict: str


class Traced(NamedTuple):
    """A text, its true label, and each network's way through it."""

    label: str
    readings: Sequence[Reading]


class Opinion(NamedTuple):
    """What a network says of a text; the probability is that of the positive class, mean over the seeds."""

    model: str
    label: str
    probability: str
    right: bool


class Mistake(NamedTuple):
    """A test row that a network gets wrong.

    Attributes:
        id: of the row.
        label: the true one.
        words: of the text.
        opinions: of every network.
        groups: what one may look for: ``wrong-rnn``, ``differ``.
        lead: the beginning of the text.
        rest: what follows it, "" for a short text.
    """

    id: str
    label: str
    words: int
    opinions: Sequence[Opinion]
    groups: Sequence[str]
    lead: str
    rest: str


def traced(settings: Params, traces: pd.DataFrame) -> list[Traced]:
    """Puts the networks' readings of each text one above the other, in the order of the parameters.

    Args:
        settings: name networks and labels.
        traces: from `rnnlab.report.figures.result.read_traces`.
    """
    texts = []
    for _, rows in traces.groupby("text_id", sort=False):
        label = rows["label"].iloc[0]
        readings = [
            reading(name, rows[rows["model"] == name], settings.data.labels, label) for name in settings.compare
        ]
        texts.append(Traced(label, readings))
    return texts


def reading(model: str, rows: pd.DataFrame, labels: Sequence[str], label: str) -> Reading:
    """Shows one network's way through a text, its probabilities averaged over the seeds."""
    means = rows.groupby("position", sort=True).agg({"word": "first", "probability": "mean"})
    words = walk(means["word"].tolist(), means["probability"].tolist(), int(means.index[0]))
    said = labels[int(words[-1].positive)]
    turns = [place for place, word in zip(means.index, words, strict=True) if word.turn]
    counted = {0: "never changes its mind", 1: "changes its mind once"}.get(
        len(turns), f"changes its mind {len(turns)} times"
    )
    where = f", last at word {turns[-1]}" if turns else ""
    verdict = f"{'right' if said == label else 'wrong'}; {counted}{where}"
    return Reading(model, words, said, words[-1].probability, verdict)


def walk(words: Sequence[str], probabilities: Sequence[float], first: int = 1) -> list[Word]:
    """Shows each word with the probability of the positive class up to and with it.

    Args:
        words: one at least.
        probabilities: one a word.
        first: the place in the text of the first of them.
    """
    sides = [probability >= 0.5 for probability in probabilities]
    turns = [False, *(side != before for before, side in pairwise(sides))]
    last = first + len(words) - 1
    return [
        Word(
            text=word,
            probability=f"{probability:.2f}",
            shade=round(10 * probability),
            positive=side,
            turn=turn,
            number=f"{probability:.2f}" if turn or place % EVERY == 0 or place in (1, last) else "",
        )
        for place, (word, probability, side, turn) in enumerate(
            zip(words, probabilities, sides, turns, strict=True), start=first
        )
    ]


def opinions(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Averages each network's probabilities over the seeds: indexed by id, label and words, a column a network."""
    compared = predictions[predictions["model"].isin(settings.compare)]
    means = compared.pivot_table("probability", ["id", "label", "words"], "model", sort=True)
    return means[list(settings.compare)]


def disagreements(means: pd.DataFrame, count: int) -> list[str]:
    """Finds the rows on which the first and the last network decide otherwise: the widest apart of either kind.

    Args:
        means: from `opinions`.
        count: rows at most that one alone has right, and as many of the other.
    """
    first, last = means.iloc[:, 0], means.iloc[:, -1]
    table = pd.DataFrame(
        {"gap": (first - last).abs(), "right": (last >= 0.5) == (means.index.get_level_values(1) == 1)}
    )
    differ = table[(first >= 0.5) != (last >= 0.5)].reset_index().sort_values(["gap", "id"], ascending=[False, True])
    return [str(key) for _, rows in differ.groupby("right", sort=False) for key in rows["id"].head(count)]


def mistakes(settings: Params, predictions: pd.DataFrame, table: pd.DataFrame, rows: Path, count: int) -> list[Mistake]:
    """Lists the most confident mistakes of each network and the rows on which they differ, each row once.

    Args:
        settings: name networks and labels.
        predictions: of the test rows.
        table: the most confident mistakes, from `rnnlab.evaluation.explanation_tables`: columns id and others.
        rows: the file that holds the texts.
        count: rows of each kind.
    """
    means = opinions(settings, predictions)
    chosen = list(dict.fromkeys([*table["id"], *(disagreements(means, count) if len(means.columns) > 1 else [])]))
    texts = read_texts(rows, chosen)
    found = means.reset_index().set_index("id").loc[chosen]
    return [mistake(settings, str(key), row, texts.get(str(key), "")) for key, row in found.iterrows()]


def mistake(settings: Params, key: str, row: Mapping[str, Any], text: str) -> Mistake:
    """Describes one row from its line of `opinions`."""
    labels, truth = settings.data.labels, int(row["label"])
    said = [
        Opinion(name, labels[int(row[name] >= 0.5)], f"{row[name]:.2f}", (row[name] >= 0.5) == (truth == 1))
        for name in settings.compare
    ]
    groups = [f"wrong-{opinion.model}" for opinion in said if not opinion.right]
    if len({opinion.right for opinion in said}) > 1:
        groups.append("differ")
    whole = cut(text, LONGEST)
    # Cut between words where there is a gap near.
    end = len(whole) if len(whole) <= LEAD else max(whole.rfind(" ", LEAD - 60, LEAD), 0) or LEAD
    return Mistake(key, labels[truth], int(row["words"]), said, groups, whole[:end], whole[end:])
