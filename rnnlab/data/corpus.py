"""The embedded corpus: film reviews with an early verdict that must be remembered to the end.

A review consists of an opening, one sentence with the verdict, and filler. The filler says nothing about the label, so
that a model must remember the verdict over that distance, which is where a SimpleRNN and an LSTM differ. The idea is
that of the long time lag problems in Hochreiter and Schmidhuber (1997), "Long Short-Term Memory", in sentences.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from rnnlab.project.sections.data import Sample

PRAISE = [
    "brilliant",
    "charming",
    "delightful",
    "gripping",
    "hilarious",
    "lovely",
    "moving",
    "superb",
    "touching",
    "wonderful",
]
BLAME = ["awful", "boring", "clumsy", "dreadful", "dull", "lifeless", "painful", "silly", "tedious", "terrible"]
THINGS = ["acting", "camera", "cast", "dialogue", "direction", "editing", "music", "photography", "plot", "script"]
OPENINGS = ("we saw this with {} .", "{} chose it .", "{} lent me the disc .", "this is for {} .")
SYLLABLES = ["ba", "do", "fi", "gu", "ke", "la", "mi", "no", "ra", "se", "ti", "vu"]
STATEMENTS = ("the film is {} .", "i found it {} .", "it was {} from start to finish .", "overall it is {} .")
NEGATIONS = ("not", "never", "hardly")
ADVERBS = ("really", "truly", "quite", "simply", "clearly", "honestly", "entirely", "frankly")
SUBJECTS = ["hero", "director", "captain", "teacher", "stranger", "sister", "neighbour", "driver", "doctor", "child"]
VERBS = ["enters", "leaves", "finds", "carries", "paints", "follows", "counts", "watches", "opens", "remembers"]
LABELS, MIXED = ("positive", "negative"), "mixed"
NEAR = 2  # maximum number of words after a verdict that need not be remembered
PLACES = ["house", "station", "garden", "bridge", "office", "market", "harbour", "kitchen", "street", "library"]


class Review(NamedTuple):
    """A text, "positive", "negative" or "mixed", and whether its verdict is "near" its end or "far" from it."""

    text: str
    label: str
    distance: str


def reviews(params: Sample, seed: int) -> Iterator[Review]:
    """Yields distinct texts, positive and negative ones alternately but for mixed ones and the label noise."""
    generator = np.random.default_rng(seed)
    seen: set[str] = set()
    for row in range(params.rows):
        label = LABELS[row % 2]
        if params.mixed_share and generator.random() < params.mixed_share:
            label = MIXED
        while (drawn := _review(label, params, generator))[0] in seen:
            pass
        text, distance = drawn
        seen.add(text)
        if generator.random() < params.label_noise:
            label = LABELS[row % 2 if label == MIXED else LABELS.index(label) - 1]
        yield Review(text, label, distance)


def _review(label: str, params: Sample, generator: np.random.Generator) -> tuple[str, str]:
    far = generator.random() < params.far_share
    distance = int(generator.integers(*((params.distance // 2, params.distance + 1) if far else (0, NEAR + 1))))
    # Invented names make even short reviews distinct, and add rare and unknown words.
    name = "".join(generator.choice(SYLLABLES, 3))
    opening = [str(generator.choice(OPENINGS)).format(name), *_filler(int(generator.integers(12)), params, generator)]
    text = " ".join([*opening, _verdict(label, params, generator), *_filler(distance, params, generator)])
    return text, "far" if far else "near"


def _verdict(label: str, params: Sample, generator: np.random.Generator) -> str:
    if label == MIXED:
        both = [str(generator.choice(words)) for words in (PRAISE, BLAME)]
        return str(generator.choice(STATEMENTS)).format(" and ".join(generator.permutation(both)))
    positive = label == "positive"
    negated = generator.random() < params.negation_share
    word = str(generator.choice(PRAISE if positive != negated else BLAME))
    negation = [str(generator.choice(NEGATIONS))] if negated else []
    sentence = str(generator.choice(STATEMENTS)).format(" ".join([*negation, *_adverbs(params, generator), word]))
    if generator.random() >= params.contrast_share:
        return sentence
    opposite = generator.choice(BLAME if positive else PRAISE)
    return f"the {generator.choice(THINGS)} was {opposite} , but {sentence}"


def _adverbs(params: Sample, generator: np.random.Generator) -> list[str]:
    """Draws words that part a negation from what it negates, and stand in other verdicts as well."""
    count = int(generator.integers(params.negation_gap + 1)) if params.negation_gap else 0
    return [str(adverb) for adverb in generator.choice(ADVERBS, count)]


def _filler(words: int, params: Sample, generator: np.random.Generator) -> list[str]:
    """Draws a plot without a verdict, cut to ``words`` words; a gate can learn to skip its adjectives."""
    filler: list[str] = []
    while len(filler) < words:
        subject, verb, place = (generator.choice(bank) for bank in (SUBJECTS, VERBS, PLACES))
        distractor = [str(generator.choice(PRAISE + BLAME))] if generator.random() < params.distractor_share else []
        filler += ["the", *distractor, str(subject), str(verb), "the", str(place)]
    return filler[:words]
