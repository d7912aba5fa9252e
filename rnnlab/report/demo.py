"""A local page: networks read a text or a sequence step by step, or forecast a series, that one types or pastes."""

import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from threading import Timer
from typing import Any

from flask import Flask, Response, request
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from rnnlab.project.params import Params
from rnnlab.project.tasks import TaskName
from rnnlab.report import demo_sequences, demo_series, demo_texts, pages
from rnnlab.report.demo_page import DemoPage

THREADS = 32  # a browser opens six connections at most
ASKING = 3.0  # seconds for a whole request
# Nothing from other hosts, and no script or style but the page's own.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
PAGES: dict[TaskName, Callable[[Params], DemoPage]] = {
    "text": demo_texts.make,
    "series": demo_series.make,
    "sequences": demo_sequences.make,
}


def app(shown: DemoPage) -> Flask:
    """Makes the page: what is typed comes back with each network's answer, as HTML with everything escaped."""
    made = Flask(__name__, static_folder=None)
    made.config["MAX_FORM_MEMORY_SIZE"] = made.config["MAX_CONTENT_LENGTH"] = 16 * shown.longest
    # Otherwise a page of another host could reach this one under that host's name (DNS rebinding).
    made.config["TRUSTED_HOSTS"] = ["127.0.0.1", "localhost"]
    whole, part = shown.templates

    def page(template: str, raw: str) -> str:
        typed = raw[: shown.longest]
        return pages.render(template, text=typed, longest=shown.longest, **shown.answer(typed))

    @made.get("/")
    def start() -> str:
        return page(whole, shown.examples[0])

    @made.post("/")
    def read_without_script() -> str:
        return page(whole, request.form.get("text", ""))

    @made.post("/answer")
    def read() -> str:
        return page(part, request.form.get("text", ""))

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
    """Loads the networks and serves the page on 127.0.0.1 until Ctrl-C.

    Raises:
        UserError: there is neither a run nor a champion.
    """
    shown = PAGES[settings.task](settings)
    for example in shown.examples:  # the first predictions compile
        shown.answer(example)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = Server("127.0.0.1", port, app(shown))
    print(f"{' and '.join(shown.models)} {shown.verb} on http://127.0.0.1:{port}; stop with Ctrl-C", flush=True)
    server.serve_forever()
