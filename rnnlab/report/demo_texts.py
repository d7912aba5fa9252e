"""The page on which networks read a text word by word."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from rnnlab.evaluation import states
from rnnlab.features import text
from rnnlab.project import layout
from rnnlab.project.params import Params
from rnnlab.report import demo_readings
from rnnlab.report.demo_page import DemoPage
from rnnlab.report.demo_readings import Answer, Reader
from rnnlab.serving import predictors
from rnnlab.serving.last_run import best_networks

LONGEST = 5_000  # characters of a text
EXAMPLE = "The film was slow at first, and the acting was dull, but by the end I was glad that I had stayed."


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
        templates=("demo_text.html", "demo_reading.html"),
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
    """Lets networks read a text word by word."""
    words = text.words(text.clean(pa.array([raw[:LONGEST]], pa.string())))[0].as_py()
    split = [word for word in words if word]  # an empty text is one empty word
    if not split:
        return Answer(problem="Nothing to read yet: the text has no words.")
    return demo_readings.follow(readers, split, lambda length: " ".join(split[:length]), "word")
