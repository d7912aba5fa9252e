"""Single rows on the page: how networks read texts word by word, and which rows with labels they get wrong."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from rnnlab.evaluation.tables import cut
from rnnlab.features.clean_rows import read_texts
from rnnlab.project.params import Params
from rnnlab.project.tasks import answers

EVERY = 10  # words between numbers
LEAD = 300  # characters of a text that are shown before a click
LONGEST = 4000  # characters of a text on the page
LONGEST_LABEL = 24  # characters of a label behind a word
Shown = Callable[[Path, Sequence[str]], dict[str, str]]


class Step(NamedTuple):
    """What a network says of a text up to and with a word: the number of a label, and the probability that is told."""

    word: str
    label: int
    probability: float


class Word(NamedTuple):
    """A word as a network read it, with what it says of the text up to and with it.

    Attributes:
        probability: of the second of two labels, or of the likeliest of more.
        shade: of its background, from 0 to 10 with that probability, or from 5 on for more than two labels.
        said: the likeliest label so far.
        is_low: whether that is the first of two labels.
        turn: whether this word changed the label.
        number: the probability where it is printed, after the likeliest of more labels where that is new; "" elsewhere.
    """

    text: str
    probability: str
    shade: int
    said: str
    is_low: bool
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
    """What a model's networks say of a text: the probability by each (of more than two labels, of which) and errors."""

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


def traced(settings: Params, traces: pd.DataFrame, labels: Sequence[str]) -> list[Traced]:
    """Returns each text of `rnnlab.report.figures.texts.read_traces` as the networks of the first seed read it."""
    texts = []
    for key, rows in traces[traces["seed"] == settings.train.seeds[0]].groupby("text_id", sort=False):
        label = rows["label"].iloc[0]
        readings = [reading(name, rows[rows["model"] == name], labels, label) for name in settings.compare]
        texts.append(Traced(key, label, readings))
    return texts


def reading(model: str, rows: pd.DataFrame, labels: Sequence[str], label: str) -> Reading:
    """Returns one network's reading of a text."""
    steps = zip(rows["word"].tolist(), answers(rows).tolist(), rows["probability"].tolist(), strict=True)
    words = walk([Step(*step) for step in steps], labels, int(rows["position"].iloc[0]))
    said = words[-1].said
    turns = [position for position, word in zip(rows["position"], words, strict=True) if word.turn]
    times = "once" if len(turns) == 1 else f"{len(turns)} times"
    changes = f"changes its mind {times}, last at word {turns[-1]}" if turns else "never changes its mind"
    verdict = f"{'right' if said == label else 'wrong'}; {changes}"
    return Reading(model, words, said, words[-1].probability, verdict)


def walk(steps: Sequence[Step], labels: Sequence[str], first: int = 1) -> list[Word]:
    """Returns each word as the page shows it; there is one at least, at position ``first`` in the text."""
    turns = [False, *(step.label != before.label for before, step in pairwise(steps))]
    last, few = first + len(steps) - 1, len(labels) == 2
    read = []
    for position, (step, turn) in enumerate(zip(steps, turns, strict=True), first):
        said, shown = labels[step.label], f"{step.probability:.2f}"
        is_named = turn or position in (first, last)
        number = shown if is_named or position % EVERY == 0 or position == 1 else ""
        number = f"{cut(said, LONGEST_LABEL)} {shown}" if is_named and not few else number
        shade = round(10 * step.probability) if few else 5 + round(5 * step.probability)
        read.append(Word(step.word, shown, shade, said, few and not step.label, turn, number))
    return read


def opinions(settings: Params, predictions: pd.DataFrame) -> pd.DataFrame:
    """Sets answers side by side: indexed by id, label and words, predicted and probability of each model and seed."""
    compared = predictions[predictions["model"].isin(settings.compare)].assign(predicted=answers)
    keys, values = ["id", "label", "words"], ["predicted", "probability"]
    return compared.pivot(index=keys, columns=["model", "seed"], values=values)


def disagreements(table: pd.DataFrame, first: str, last: str, count: int) -> list[str]:
    """Returns ids that more seeds of one of two models get right, ``count`` for each of them.

    Those come first where the numbers of seeds, and then the mean probabilities, are widest apart.
    """
    truth, said, probability = table.index.get_level_values("label"), table["predicted"], table["probability"]
    wins = {name: said[name].eq(truth, axis=0).sum(axis=1) for name in (first, last)}
    gap = (probability[last].mean(axis=1) - probability[first].mean(axis=1)).abs()
    leads = pd.DataFrame({"lead": wins[last] - wins[first], "gap": gap}).query("lead != 0").reset_index()
    ranked = leads.assign(seeds=leads["lead"].abs()).sort_values(["seeds", "gap", "id"], ascending=[False, False, True])
    return [str(key) for _, rows in ranked.groupby(ranked["lead"] > 0) for key in rows["id"].head(count)]


def mistakes(
    settings: Params,
    predictions: pd.DataFrame,
    table: pd.DataFrame,
    labels: Sequence[str],
    rows: Path,
    count: int,
    shown: Shown = read_texts,
) -> list[Mistake]:
    """Lists the most confident mistakes of each model and the rows on which models differ, each row once.

    Args:
        settings: names networks.
        predictions: of the test rows.
        table: the mistakes, from `rnnlab.evaluation.explanation_tables`: columns id and others.
        labels: by their numbers.
        rows: the file that holds the texts.
        count: disagreements of either kind.
        shown: returns what the page shows of rows, by id.
    """
    said = opinions(settings, predictions)
    chosen = list(dict.fromkeys([*table["id"], *disagreements(said, settings.compare[0], settings.compare[-1], count)]))
    texts = shown(rows, chosen)
    listed = said[said.index.isin(chosen, level="id")]
    found = {
        facts[0]: mistake(settings, labels, facts, row, texts.get(facts[0], "")) for facts, row in listed.iterrows()
    }
    return [found[key] for key in chosen]


def mistake(settings: Params, labels: Sequence[str], facts: tuple[str, int, int], row: pd.Series, text: str) -> Mistake:
    """Describes one row from its id, label and number of words, and its line of `opinions`."""
    key, truth, words = facts
    given = []
    for name in settings.compare:
        said, values = row["predicted"][name].astype(int), [f"{value:.2f}" for value in row["probability"][name]]
        if len(labels) > 2:
            values = [f"{cut(labels[label], LONGEST_LABEL)} {value}" for label, value in zip(said, values, strict=True)]
        given.append(Opinion(name, values, int((said != truth).sum())))
    groups = [f"wrong-{opinion.model}" for opinion in given if opinion.wrong]
    if len({opinion.wrong for opinion in given}) > 1:
        groups.append("differ")
    shown = cut(text, LONGEST)
    # Split at the last space of the lead if it is not far from the end.
    end = len(shown) if len(shown) <= LEAD else max(shown.rfind(" ", LEAD - 60, LEAD), 0) or LEAD
    return Mistake(key, labels[truth], words, given, groups, shown[:end], shown[end:])
