"""The page on which networks read a text word by word."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rnnlab.evaluation import states
from rnnlab.features import text
from rnnlab.project import layout
from rnnlab.project.params import Params
from rnnlab.project.tasks import decide, told
from rnnlab.report import heat_maps
from rnnlab.report.demo_page import DemoPage
from rnnlab.report.heat_maps import HeatMap
from rnnlab.report.readings import Step, Word, walk
from rnnlab.serving import predictors
from rnnlab.serving.last_run import best_networks

LONGEST = 5_000  # characters of a text
EXAMPLE = "The film was slow at first, and the acting was dull, but by the end I was glad that I had stayed."
WORDS = 200  # that are followed: each costs a prediction
Probabilities = npt.NDArray[np.floating[Any]]
Classify = Callable[[Sequence[str]], Probabilities]


class Reader(NamedTuple):
    """A network that reads.

    Attributes:
        classify: from texts to the probabilities of all labels, of shape (rows, labels).
        labels: by their numbers.
        thresholds: of each label, see `rnnlab.project.tasks.decide`.
        look: from a cleaned text to what goes on inside the network, None where that cannot be seen.
    """

    classify: Classify
    labels: Sequence[str]
    thresholds: Sequence[float] | None = None
    look: Callable[[str], states.States] | None = None


class Opinion(NamedTuple):
    """A network's label and its probability for a whole text, and how it read each word."""

    model: str
    said: str
    probability: str
    words: Sequence[Word]
    heat_map: HeatMap | None


class Answer(NamedTuple):
    """What the page shows of a text.

    Attributes:
        opinions: none for a text without words.
        parting: where the first and the last network are farthest apart, "" if there is only one.
        left_out: words that are not followed, but count for the label.
    """

    opinions: Sequence[Opinion]
    parting: str
    left_out: int


def make(settings: Params) -> DemoPage:
    """Makes the page of the networks of the last run, or of the champion.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    return page(networks(settings), EXAMPLE)


def page(readers: Mapping[str, Reader], example: str) -> DemoPage:
    """Makes the page of networks: a text comes back with each one's reading of it."""
    labels = next(iter(readers.values())).labels
    return DemoPage(
        models=list(readers),
        verb="read",
        templates=("demo_text.html", "demo_text_answer.html"),
        answer=lambda raw: {"answer": follow(readers, raw), "labels": labels},
        examples=(example, "good"),
        longest=LONGEST,
    )


def networks(settings: Params, folder: Path = Path()) -> dict[str, Reader]:
    """Loads each model of the last run with its best seed by validation loss; without a run, the champion.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    files = (layout.VOCABULARY, layout.LOCK, layout.SUMMARY)
    vocabulary, lock, summary = (folder / file for file in files)
    loaded = {
        model: predictors.load_file(network, vocabulary, settings, lock, summary)
        for model, network in best_networks(settings, folder).items()
    }
    if not loaded:
        champion = predictors.load_champion(predictors.open_store(), settings.promote.name)
        loaded[champion.version] = champion
    return {name: _reader(predictor) for name, predictor in loaded.items()}


def _reader(predictor: predictors.Predictor) -> Reader:
    classifier = predictor.classifier
    look = (
        (lambda raw: states.read(classifier.network, raw, classifier.vocabulary, classifier.options))
        if classifier and states.can_follow(classifier.network)
        else None
    )
    thresholds = classifier and classifier.thresholds
    return Reader(lambda texts: predictor.classify(texts)[1], predictor.labels, thresholds, look)


def follow(readers: Mapping[str, Reader], raw: str) -> Answer:
    """Lets networks read a text: all its beginnings in one batch, each as a separate text."""
    words = text.words(text.clean(pa.array([raw[:LONGEST]], pa.string())))[0].as_py()
    split = [word for word in words if word]  # an empty text is one empty word
    if not split:
        return Answer([], "", 0)
    followed = split[:WORDS]
    beginnings = [" ".join(split[:length]) for length in range(1, len(followed) + 1)]
    whole = " ".join(split)
    paths = {name: reader.classify([*beginnings, whole]) for name, reader in readers.items()}
    opinions = [_opinion(name, readers[name], path, followed, whole) for name, path in paths.items()]
    labels = next(iter(readers.values())).labels
    return Answer(opinions, _parting(paths, labels, followed), len(split) - len(followed))


def _opinion(name: str, reader: Reader, path: Probabilities, followed: Sequence[str], whole: str) -> Opinion:
    """Describes what a network says of each beginning, and of the whole text last; ``path`` has its probabilities."""
    compact = path[:, 1] if path.shape[1] == 2 else path
    answers = decide(compact, reader.thresholds)
    *said, last = answers.tolist()
    steps = list(map(Step, followed, said, told(compact, answers)[:-1].tolist()))
    heat_map = heat_maps.draw(reader.look(whole)) if reader.look else None
    return Opinion(name, reader.labels[last], f"{path[-1, last]:.2f}", walk(steps, reader.labels), heat_map)


def _parting(paths: Mapping[str, Probabilities], labels: Sequence[str], words: Sequence[str]) -> str:
    """Says at which word the first and the last network are farthest apart, on which label."""
    (first, one), (last, other) = (list(paths.items())[index] for index in (0, -1))
    if first == last:
        return ""
    gaps = np.abs(one - other)[:-1, ::-1]  # of two labels the second is named
    widest, place = map(int, np.unravel_index(gaps.argmax(), gaps.shape))
    label = len(labels) - 1 - place
    of_which = "" if len(labels) == 2 else f" on {labels[label]}"
    values = f"{first} {one[widest, label]:.2f}, {last} {other[widest, label]:.2f}"
    return f"farthest apart{of_which} at word {widest + 1}, “{words[widest]}”: {values}"
