import re
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from rnnlab.report import demo, demo_readings, demo_texts

LABELS = ("negative", "positive")


def echo(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([[0.1, 0.9] if "good" in text.split() else [0.8, 0.2] for text in texts], np.float32)


READERS = {"rnn": demo_readings.Reader(echo, LABELS), "lstm": demo_readings.Reader(echo, LABELS)}


def app() -> Flask:
    return demo.app(demo_texts.page(READERS, "an example"))


@pytest.fixture
def client() -> FlaskClient:
    return app().test_client()


@pytest.mark.parametrize("text", ["", "   ", "...", "\x00"])
def test_nothing_to_read_is_told(client: FlaskClient, text: str) -> None:
    reply = client.post("/answer", data={"text": text})
    assert reply.status_code == 200
    assert "Nothing to read yet" in reply.text


def test_what_is_typed_comes_back_as_text(client: FlaskClient) -> None:
    attack = "</textarea><script>alert(1)</script> \"good\" <img src=x onerror=alert(1)> &amp; 'x'"
    for path in ("/", "/answer"):
        reply = client.post(path, data={"text": attack})
        assert "<script>alert" not in reply.text
        assert "<img src=x" not in reply.text
        assert len(re.findall("<textarea", reply.text)) == (path == "/")


def test_right_to_left_and_very_long_words_are_read(client: FlaskClient) -> None:
    reply = client.post("/answer", data={"text": "فيلم " + "x" * 4000})
    assert reply.status_code == 200
    assert 'dir="auto"' in reply.text


def test_more_than_a_text_is_refused(client: FlaskClient) -> None:
    assert client.post("/answer", data={"text": "x" * 85_000}).status_code == 413
    assert client.post("/answer", data={"text": "y" * 10_000}).status_code == 200


def test_only_this_machine_s_own_name_is_answered(client: FlaskClient) -> None:
    assert client.get("/", headers={"Host": "127.0.0.1:5050"}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_nothing_but_the_page_s_own_is_loaded(client: FlaskClient) -> None:
    page = client.get("/")
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assets = set(re.findall(r'(?:href|src)="([^"]+)"', page.text)) - {"data:,"}
    assert {client.get(f"/{asset}").status_code for asset in assets} == {200}
    assert "style=" not in page.text
    assert client.get("/../params.yaml").status_code == 404


@pytest.fixture
def server() -> Iterator[demo.Server]:
    opened = demo.Server("127.0.0.1", 0, app())
    serving = threading.Thread(target=opened.serve_forever)
    serving.start()
    yield opened
    opened.shutdown()
    serving.join()


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"POST /answer HTTP/1.1\r\nContent-Length: 9\r\n\r\ntext"])
def test_slow_clients_hold_few_threads_and_are_left(
    server: demo.Server, sent: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    before = threading.active_count()
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(100)]
    for client in clients:
        client.sendall(sent)
    time.sleep(0.5)
    assert threading.active_count() - before <= 2 * demo.THREADS  # one to answer, one to watch the time
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30) as reply:
        assert reply.status == 200
    for client in clients:
        client.settimeout(30)
        while client.recv(1 << 16):
            pass
        client.close()
    assert capfd.readouterr().err == ""


def test_a_client_that_sends_a_byte_now_and_then_is_left(
    server: demo.Server, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "ASKING", 1.0)
    clients = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(demo.THREADS)]
    started = time.monotonic()
    waiting = dict.fromkeys(clients)
    while waiting and time.monotonic() - started < 20:
        for client in list(waiting):
            try:
                client.sendall(b"G")
            except OSError:  # the server has closed it
                del waiting[client]
        time.sleep(0.2)
    assert not waiting
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/", timeout=30) as reply:
        assert reply.status == 200
    assert "Traceback" not in capfd.readouterr().err
