"""The embedded corpus: film reviews with an early verdict that must be remembered to the end.

A review consists of an opening, one sentence with the verdict, and filler. The filler says nothing about the label, so
that a model must remember the verdict over that distance, which is where a SimpleRNN and an LSTM differ. The idea is
that of the long time lag problems in Hochreiter and Schmidhuber (1997), "Long Short-Term Memory", in sentences.
"""

from collections.abc import Iterator

import numpy as np

from rnnlab.project.params import Sample

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
SUBJECTS = ["hero", "director", "captain", "teacher", "stranger", "sister", "neighbour", "driver", "doctor", "child"]
VERBS = ["enters", "leaves", "finds", "carries", "paints", "follows", "counts", "watches", "opens", "remembers"]
NEAR = 2  # maximum number of words after a verdict that need not be remembered
PLACES = ["house", "station", "garden", "bridge", "office", "market", "harbour", "kitchen", "street", "library"]


def reviews(params: Sample, seed: int) -> Iterator[tuple[str, str]]:
    """Draws texts with their labels.

    Args:
        params: how many, and how difficult.
        seed: of the random numbers.

    Yields:
        Distinct texts with "positive" or "negative", alternately but for the label noise.
    """
    generator = np.random.default_rng(seed)
    seen: set[str] = set()
    for row in range(params.rows):
        positive = row % 2 == 0
        text = _review(positive, params, generator)
        while text in seen:
            text = _review(positive, params, generator)
        seen.add(text)
        flipped = generator.random() < params.label_noise
        yield text, "positive" if positive != flipped else "negative"


def _review(positive: bool, params: Sample, generator: np.random.Generator) -> str:
    far = generator.random() < params.far_share
    distance = int(generator.integers(*((params.distance // 2, params.distance + 1) if far else (0, NEAR + 1))))
    # Invented names make even short reviews distinct, and add rare and unknown words.
    name = "".join(generator.choice(SYLLABLES, 3))
    opening = [str(generator.choice(OPENINGS)).format(name), *_filler(int(generator.integers(12)), params, generator)]
    parts = [*opening, _verdict(positive, params, generator), *_filler(distance, params, generator)]
    return " ".join(parts)


def _verdict(positive: bool, params: Sample, generator: np.random.Generator) -> str:
    negated = generator.random() < params.negation_share
    word = str(generator.choice(PRAISE if positive != negated else BLAME))
    judged = f"{generator.choice(NEGATIONS)} {word}" if negated else word
    sentence = str(generator.choice(STATEMENTS)).format(judged)
    if generator.random() >= params.contrast_share:
        return sentence
    opposite = generator.choice(BLAME if positive else PRAISE)
    return f"the {generator.choice(THINGS)} was {opposite} , but {sentence}"


def _filler(words: int, params: Sample, generator: np.random.Generator) -> list[str]:
    """Draws a plot without a verdict, cut to ``words`` words; a gate can learn to skip its adjectives."""
    filler: list[str] = []
    while len(filler) < words:
        subject, verb, place = (generator.choice(bank) for bank in (SUBJECTS, VERBS, PLACES))
        distractor = [str(generator.choice(PRAISE + BLAME))] if generator.random() < params.distractor_share else []
        filler += ["the", *distractor, str(subject), str(verb), "the", str(place)]
    return filler[:words]
