"""How networks read what is typed into the demo: what they say of each of its beginnings."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnlab.evaluation import states
from rnnlab.project.tasks import decide, told
from rnnlab.report import heat_maps
from rnnlab.report.heat_maps import HeatMap
from rnnlab.report.readings import Step, Word, walk

FOLLOWED = 200  # words or steps: each costs a prediction
Probabilities = npt.NDArray[np.floating[Any]]
Classify = Callable[[Sequence[Any]], Probabilities]


class Reader(NamedTuple):
    """A network that reads.

    Attributes:
        classify: from texts or sequences to the probabilities of all labels, of shape (rows, labels).
        labels: by their numbers.
        thresholds: of each label, see `rnnlab.project.tasks.decide`.
        look: from a cleaned text to what goes on inside the network, None where that cannot be seen.
    """

    classify: Classify
    labels: Sequence[str]
    thresholds: Sequence[float] | None = None
    look: Callable[[str], states.States] | None = None


class Opinion(NamedTuple):
    """A network's label and its probability for all that it reads, and how it read each word or step."""

    model: str
    said: str
    probability: str
    words: Sequence[Word]
    heat_map: HeatMap | None


class Answer(NamedTuple):
    """What the page shows of a text or a sequence.

    Attributes:
        opinions: none where there is nothing to read.
        parting: where the first and the last network are farthest apart, "" if there is only one.
        left_out: words or steps that are not followed, but count for the label.
        unit: what is read one by one.
        problem: why there are no opinions, a sentence.
    """

    opinions: Sequence[Opinion] = ()
    parting: str = ""
    left_out: int = 0
    unit: str = "word"
    problem: str = ""


def follow(readers: Mapping[str, Reader], words: Sequence[str], beginning: Callable[[int], Any], unit: str) -> Answer:
    """Lets networks read all beginnings in one batch, each by itself.

    Args:
        readers: by name; all know the same labels.
        words: as the page shows them, or steps; one at least.
        beginning: returns so many of the first words as networks read them.
        unit: what a word is.
    """
    followed, whole = words[:FOLLOWED], beginning(len(words))
    beginnings = [*map(beginning, range(1, len(followed) + 1)), whole]
    paths = {name: reader.classify(beginnings) for name, reader in readers.items()}
    opinions = [_opinion(name, readers[name], path, followed, whole) for name, path in paths.items()]
    labels = next(iter(readers.values())).labels
    return Answer(opinions, _parting(paths, labels, followed, unit), len(words) - len(followed), unit)


def _opinion(name: str, reader: Reader, path: Probabilities, followed: Sequence[str], whole: Any) -> Opinion:
    """Describes what a network says of each beginning, and of the whole last; ``path`` has its probabilities."""
    compact = path[:, 1] if path.shape[1] == 2 else path
    answers = decide(compact, reader.thresholds)
    *said, last = answers.tolist()
    steps = list(map(Step, followed, said, told(compact, answers)[:-1].tolist()))
    heat_map = heat_maps.draw(reader.look(whole)) if reader.look else None
    return Opinion(name, reader.labels[last], f"{path[-1, last]:.2f}", walk(steps, reader.labels), heat_map)


def _parting(paths: Mapping[str, Probabilities], labels: Sequence[str], words: Sequence[str], unit: str) -> str:
    """Says at which word or step the first and the last network are farthest apart, on which label."""
    (first, one), (last, other) = (list(paths.items())[index] for index in (0, -1))
    if first == last:
        return ""
    gaps = np.abs(one - other)[:-1, ::-1]  # of two labels the second is named
    widest, place = map(int, np.unravel_index(gaps.argmax(), gaps.shape))
    label = len(labels) - 1 - place
    of_which = "" if len(labels) == 2 else f" on {labels[label]}"
    values = f"{first} {one[widest, label]:.2f}, {last} {other[widest, label]:.2f}"
    return f"farthest apart{of_which} at {unit} {widest + 1}, “{words[widest]}”: {values}"
