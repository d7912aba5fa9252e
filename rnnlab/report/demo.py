"""A local page: type a text and watch networks make up their minds, word by word."""

import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Timer
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from flask import Flask, Response, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from rnnlab.evaluation import states
from rnnlab.features import text
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.tasks import decide, told
from rnnlab.report import heat_maps, pages
from rnnlab.report.heat_maps import HeatMap
from rnnlab.report.readings import Step, Word, walk
from rnnlab.serving import predictors

LONGEST = 5_000  # characters of a text
EXAMPLE = "The film was slow at first, and the acting was dull, but by the end I was glad that I had stayed."
THREADS = 32  # a browser opens six connections at most
ASKING = 3.0  # seconds for a whole request
WORDS = 200  # that are followed: each costs a prediction
# Nothing from other hosts, and no script or style but the page's own.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
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


def networks(settings: Params, folder: Path = Path()) -> dict[str, Reader]:
    """Loads each model of the last run with its best seed by validation loss; without a run, the champion.

    Raises:
        UserError: the task has no texts, or there is neither a run nor a champion.
    """
    if settings.task != "text":
        raise UserError("params.yaml: task: the demo reads texts, not numbers; set it to text")
    loaded = {}
    for model in settings.compare:
        runs = [run for run in settings.runs if run.model == model and (folder / layout.network(run)).is_file()]
        losses = {run: read_table(folder / layout.history(run))["val_loss"].min() for run in runs}
        if losses:
            best = folder / layout.network(min(losses, key=losses.__getitem__))
            files = (layout.VOCABULARY, layout.LOCK, layout.SUMMARY)
            vocabulary, lock, summary = (folder / file for file in files)
            loaded[model] = predictors.load_file(best, vocabulary, settings, lock, summary)
    if not loaded:
        champion = predictors.load_champion(predictors.open_store(), settings.promote.name)
        loaded[champion.version] = champion
    return {name: _reader(predictor) for name, predictor in loaded.items()}


def _reader(predictor: predictors.Predictor) -> Reader:
    classifier = predictor.classifier
    look = classifier and (lambda raw: states.read(classifier.network, raw, classifier.vocabulary, classifier.options))
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


def app(readers: Mapping[str, Reader], example: str) -> Flask:
    """Makes the page: a text comes back with each network's reading of it, as HTML with everything escaped."""
    made = Flask(__name__, static_folder=None)
    labels = next(iter(readers.values())).labels
    made.config["MAX_FORM_MEMORY_SIZE"] = made.config["MAX_CONTENT_LENGTH"] = 16 * LONGEST
    # Otherwise a page of another host could reach this one under that host's name (DNS rebinding).
    made.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]

    def page(template: str, raw: str) -> str:
        answer = follow(readers, raw)
        return pages.render(template, answer=answer, text=raw[:LONGEST], labels=labels, longest=LONGEST)

    @made.get("/")
    def start() -> str:
        return page("demo.html", example)

    @made.post("/")
    def read_without_script() -> str:
        return page("demo.html", request.form.get("text", ""))

    @made.post("/answer")
    def read() -> str:
        return page("demo_answer.html", request.form.get("text", ""))

    @made.get("/<any('style.css', 'demo.css', 'demo.js'):name>")
    def asset(name: str) -> Response:
        return Response(pages.render(name), mimetype="text/css" if name.endswith("css") else "text/javascript")

    @made.after_request
    def restrict(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    return made


class Handler(WSGIRequestHandler):
    """Leaves a client that is silent in the middle of a request."""

    timeout = 1.0  # second: it is on this machine


def _stop_reading(client: socket.socket) -> None:
    with suppress(OSError):  # it has gone
        client.shutdown(socket.SHUT_RD)


class Server(ThreadedWSGIServer):
    """Answers any number of clients with a few threads: the others wait."""

    def __init__(self, host: str, port: int, app: Flask) -> None:
        super().__init__(host, port, app, Handler)
        self._pool = ThreadPoolExecutor(THREADS)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answers a client, unless it takes too long to ask: a byte a second would hold a thread for hours."""
        hurry = Timer(ASKING, partial(_stop_reading, request))
        hurry.start()
        try:
            super().process_request_thread(request, client_address)
        finally:
            hurry.cancel()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Leaves a client to the next free thread."""
        self._pool.submit(self.process_request_thread, request, client_address)

    def server_close(self) -> None:
        """Forgets clients that still wait."""
        super().server_close()
        self._pool.shutdown(wait=False, cancel_futures=True)


def serve(settings: Params, port: int) -> None:
    """Loads the networks and serves the page on 127.0.0.1 until Ctrl-C."""
    readers = networks(settings)
    for sample in (EXAMPLE, "good"):  # the first predictions compile
        follow(readers, sample)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = Server("127.0.0.1", port, app(readers, EXAMPLE))
    print(f"{' and '.join(readers)} read on http://127.0.0.1:{port}; stop with Ctrl-C", flush=True)
    server.serve_forever()
