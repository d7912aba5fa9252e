"""Single texts on the page: how networks read them word by word, and which ones they get wrong."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

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
    """How one network reads a text: the words, its final label and probability, and a verdict on both."""

    model: str
    words: Sequence[Word]
    said: str
    probability: str
    verdict: str


class Traced(NamedTuple):
    """A text, its true label, and how each network reads it."""

    id: str
    label: str
    readings: Sequence[Reading]


class Opinion(NamedTuple):
    """What a model's networks say of a text: the probability of the positive class by each, and how many are wrong."""

    model: str
    probabilities: Sequence[str]
    wrong: int


class Mistake(NamedTuple):
    """A test row that some network gets wrong; the page filters by its groups, such as ``wrong-rnn`` or ``differ``."""

    id: str
    label: str
    words: int
    opinions: Sequence[Opinion]
    groups: Sequence[str]
    lead: str
    rest: str


def traced(settings: Params, traces: pd.DataFrame) -> list[Traced]:
    """Returns each text of `rnnlab.report.figures.texts.read_traces` as the networks of the first seed read it."""
    texts = []
    for key, rows in traces[traces["seed"] == settings.train.seeds[0]].groupby("text_id", sort=False):
        label, labels = rows["label"].iloc[0], settings.data.labels
        readings = [reading(name, rows[rows["model"] == name], labels, label) for name in settings.compare]
        texts.append(Traced(key, label, readings))
    return texts


def reading(model: str, rows: pd.DataFrame, labels: Sequence[str], label: str) -> Reading:
    """Returns one network's reading of a text."""
    words = walk(rows["word"].tolist(), rows["probability"].tolist(), int(rows["position"].iloc[0]))
    said = labels[int(words[-1].positive)]
    turns = [position for position, word in zip(rows["position"], words, strict=True) if word.turn]
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
    """Sets the probabilities side by side: indexed by id, label and words, a column per model and seed."""
    compared = predictions[predictions["model"].isin(settings.compare)]
    table = compared.pivot(index=["id", "label", "words"], columns=["model", "seed"], values="probability")
    return table[list(settings.compare)]


def disagreements(table: pd.DataFrame, first: str, last: str, count: int) -> list[str]:
    """Returns ids that more seeds of one of two models get right, ``count`` for each of them.

    Those come first where the numbers of seeds, and then the mean probabilities, are widest apart.
    """
    positives = table.index.get_level_values("label") == 1
    wins = {name: positive(table[name]).eq(positives, axis=0).sum(axis=1) for name in (first, last)}
    gap = (table[last].mean(axis=1) - table[first].mean(axis=1)).abs()
    leads = pd.DataFrame({"lead": wins[last] - wins[first], "gap": gap}).query("lead != 0").reset_index()
    ranked = leads.assign(seeds=leads["lead"].abs()).sort_values(["seeds", "gap", "id"], ascending=[False, False, True])
    return [str(key) for _, rows in ranked.groupby(ranked["lead"] > 0) for key in rows["id"].head(count)]


def mistakes(settings: Params, predictions: pd.DataFrame, table: pd.DataFrame, rows: Path, count: int) -> list[Mistake]:
    """Lists the most confident mistakes of each model and the rows on which models differ, each row once.

    Args:
        settings: names networks and labels.
        predictions: of the test rows.
        table: the mistakes, from `rnnlab.evaluation.explanation_tables`: columns id and others.
        rows: the file that holds the texts.
        count: disagreements of either kind.
    """
    said = opinions(settings, predictions)
    chosen = list(dict.fromkeys([*table["id"], *disagreements(said, settings.compare[0], settings.compare[-1], count)]))
    texts = read_texts(rows, chosen)
    listed = said[said.index.isin(chosen, level="id")]
    found = {facts[0]: mistake(settings, facts, row, texts.get(facts[0], "")) for facts, row in listed.iterrows()}
    return [found[key] for key in chosen]


def mistake(settings: Params, facts: tuple[str, int, int], row: pd.Series, text: str) -> Mistake:
    """Describes one row from its id, label and number of words, and its line of `opinions`."""
    key, truth, words = facts
    given = [
        Opinion(name, [f"{value:.2f}" for value in row[name]], int((~right(truth, row[name])).sum()))
        for name in settings.compare
    ]
    groups = [f"wrong-{opinion.model}" for opinion in given if opinion.wrong]
    if len({opinion.wrong for opinion in given}) > 1:
        groups.append("differ")
    shown = cut(text, LONGEST)
    # Split at the last space of the lead if it is not far from the end.
    end = len(shown) if len(shown) <= LEAD else max(shown.rfind(" ", LEAD - 60, LEAD), 0) or LEAD
    return Mistake(key, settings.data.labels[truth], words, given, groups, shown[:end], shown[end:])
