"""Single texts on the page: how networks read them word by word, and which ones they get wrong."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.features.clean_rows import read_texts
from rnnlab.project.params import Params
from rnnlab.project.tasks import positive, right
from rnnlab.report.pages import cut

EVERY = 10  # words between numbers
LEAD = 300  # characters of a text that are shown before a click
LONGEST = 4000  # characters of a text on the page


class Word(NamedTuple):
    """A word as a network read it, with the probability of the positive class up to and with it.

    Attributes:
        shade: of its background, from 0, surely negative, to 10, surely positive.
        positive: whether the network calls the text positive so far.
        turn: whether this word changed that.
        number: the probability where it is printed, "" elsewhere.
    """

    text: str
    probability: str
    shade: int
    positive: bool
    turn: bool
    number: str


class Reading(NamedTuple):
    """How a network reads a text: the words, its final label and probability, and a verdict on both."""

    model: str
    words: Sequence[Word]
    said: str
    probability: str
    verdict: str


class Traced(NamedTuple):
    """A text, its true label, and how each network reads it."""

    label: str
    readings: Sequence[Reading]


class Opinion(NamedTuple):
    """A network's label for a text; the probability is that of the positive class, mean over the seeds."""

    model: str
    label: str
    probability: str
    right: bool


class Mistake(NamedTuple):
    """A test row that a network gets wrong; the page filters by its groups, such as ``wrong-rnn`` or ``differ``."""

    id: str
    label: str
    words: int
    opinions: Sequence[Opinion]
    groups: Sequence[str]
    lead: str
    rest: str


def traced(settings: Params, traces: pd.DataFrame) -> list[Traced]:
    """Returns each text of `rnnlab.report.figures.texts.read_traces` with readings in the order of the parameters."""
    texts = []
    for _, rows in traces.groupby("text_id", sort=False):
        label, labels = rows["label"].iloc[0], settings.data.labels
        readings = [reading(name, rows[rows["model"] == name], labels, label) for name in settings.compare]
        texts.append(Traced(label, readings))
    return texts


def reading(model: str, rows: pd.DataFrame, labels: Sequence[str], label: str) -> Reading:
    """Returns one network's reading of a text, its probabilities averaged over the seeds."""
    means = rows.groupby("position", sort=True).agg({"word": "first", "probability": "mean"})
    words = walk(means["word"].tolist(), means["probability"].tolist(), int(means.index[0]))
    said = labels[int(words[-1].positive)]
    turns = [position for position, word in zip(means.index, words, strict=True) if word.turn]
    times = "once" if len(turns) == 1 else f"{len(turns)} times"
    changes = f"changes its mind {times}, last at word {turns[-1]}" if turns else "never changes its mind"
    verdict = f"{'right' if said == label else 'wrong'}; {changes}"
    return Reading(model, words, said, words[-1].probability, verdict)


def walk(words: Sequence[str], probabilities: Sequence[float], first: int = 1) -> list[Word]:
    """Returns each word with its probability; there is one at least, at position ``first`` in the text."""
    sides = [positive(probability) for probability in probabilities]
    turns = [False, *(side != before for before, side in pairwise(sides))]
    last = first + len(words) - 1
    read = []
    for position, word in enumerate(zip(words, probabilities, sides, turns, strict=True), first):
        text, probability, side, turn = word
        shown, printed = f"{probability:.2f}", turn or position % EVERY == 0 or position in (1, last)
        read.append(Word(text, shown, round(10 * probability), side, turn, shown if printed else ""))
    return read


def opinions(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Averages the probabilities over the seeds: indexed by id, label and words, a column per network."""
    compared = predictions[predictions["model"].isin(settings.compare)]
    means = compared.pivot_table("probability", ["id", "label", "words"], "model", sort=True)
    return means[list(settings.compare)]


def disagreements(means: pd.DataFrame, count: int) -> list[str]:
    """Returns ids that only the first or only the last network gets right, ``count`` of each, widest apart first."""
    first, last = means.iloc[:, 0], means.iloc[:, -1]
    table = pd.DataFrame({"gap": (first - last).abs(), "right": right(means.index.get_level_values("label"), last)})
    differ = table[positive(first) != positive(last)].reset_index().sort_values(["gap", "id"], ascending=[False, True])
    return [str(key) for _, rows in differ.groupby("right", sort=False) for key in rows["id"].head(count)]


def mistakes(settings: Params, predictions: pd.DataFrame, table: pd.DataFrame, rows: Path, count: int) -> list[Mistake]:
    """Lists the most confident mistakes of each network and the rows on which they differ, each row once.

    Args:
        settings: names networks and labels.
        predictions: of the test rows.
        table: the mistakes, from `rnnlab.evaluation.explanation_tables`: columns id and others.
        rows: the file that holds the texts.
        count: disagreements of either kind.
    """
    means = opinions(settings, predictions)
    differ = disagreements(means, count) if len(means.columns) > 1 else []
    chosen = list(dict.fromkeys([*table["id"], *differ]))
    texts = read_texts(rows, chosen)
    listed = means.reset_index().set_index("id").loc[chosen]
    return [mistake(settings, str(key), row, texts.get(str(key), "")) for key, row in listed.iterrows()]


def mistake(settings: Params, key: str, row: Mapping[str, Any], text: str) -> Mistake:
    """Describes one row from its line of `opinions`."""
    labels, truth = settings.data.labels, int(row["label"])
    given = [
        Opinion(name, labels[int(positive(row[name]))], f"{row[name]:.2f}", bool(right(truth, row[name])))
        for name in settings.compare
    ]
    groups = [f"wrong-{opinion.model}" for opinion in given if not opinion.right]
    if len({opinion.right for opinion in given}) > 1:
        groups.append("differ")
    shown = cut(text, LONGEST)
    # Split at the last space of the lead if it is not far from the end.
    end = len(shown) if len(shown) <= LEAD else max(shown.rfind(" ", LEAD - 60, LEAD), 0) or LEAD
    return Mistake(key, labels[truth], int(row["words"]), given, groups, shown[:end], shown[end:])
