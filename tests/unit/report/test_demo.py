import re
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import pytest
from flask.testing import FlaskClient

from rnnlab.evaluation.states import States
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.report import demo

LABELS = ("negative", "positive")


def by_last_word(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([0.9 if text.split()[-1] == "good" else 0.2 for text in texts], np.float32)


def by_any_word(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([0.8 if "good" in text.split() else 0.1 for text in texts], np.float32)


def both(second: Callable[[Sequence[str]], npt.NDArray[np.float32]]) -> demo.Classify:
    """Classifies as two labels, from the probability of the second."""
    return lambda texts: np.stack([1 - second(texts), second(texts)], axis=1)


READERS = {"rnn": demo.Reader(both(by_last_word), LABELS), "lstm": demo.Reader(both(by_any_word), LABELS)}


@pytest.fixture
def client() -> FlaskClient:
    return demo.app(READERS, "an example").test_client()


def test_each_network_is_asked_of_every_beginning_and_of_the_whole() -> None:
    answer = demo.follow(READERS, "A good, old film")
    rnn, lstm = answer.opinions
    assert [word.text for word in rnn.words] == ["a", "good", "old", "film"]
    assert [word.probability for word in rnn.words] == ["0.20", "0.90", "0.20", "0.20"]
    assert [word.probability for word in lstm.words] == ["0.10", "0.80", "0.80", "0.80"]
    assert (rnn.said, rnn.probability, lstm.said, lstm.probability) == ("negative", "0.80", "positive", "0.80")
    assert answer.parting == "farthest apart at word 3, “old”: rnn 0.20, lstm 0.80"


def test_one_network_parts_from_nobody() -> None:
    assert demo.follow({"champion": READERS["lstm"]}, "a good film").parting == ""


def test_of_three_labels_the_likeliest_is_named() -> None:
    def by_length(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = {1: [0.5, 0.3, 0.2], 2: [0.2, 0.7, 0.1]}
        return np.array([rows.get(len(text.split()), [0.1, 0.1, 0.8]) for text in texts], np.float32)

    topics = ("food", "sport", "weather")
    readers = {
        "rnn": demo.Reader(by_length, topics),
        "lstm": demo.Reader(lambda texts: by_length(texts)[:, ::-1], topics),
    }
    answer = demo.follow(readers, "one two three")
    rnn = answer.opinions[0]
    assert (rnn.said, rnn.probability) == ("weather", "0.80")
    assert [word.number for word in rnn.words] == ["food 0.50", "sport 0.70", "weather 0.80"]
    assert [word.shade for word in rnn.words] == [7, 8, 9]
    assert answer.parting == "farthest apart on weather at word 3, “three”: rnn 0.80, lstm 0.10"
    assert "the label that is likeliest" in demo.app(readers, "one two").test_client().get("/").text


def looked(text: str) -> States:
    words = text.split()
    return States(words, {"hidden": np.linspace(-1, 1, 2 * len(words), dtype=np.float32).reshape(-1, 2)})


def test_what_goes_on_inside_is_shown_where_it_can_be_seen() -> None:
    seeing = {"rnn": READERS["rnn"]._replace(look=looked), "lstm": READERS["lstm"]}
    rnn, lstm = demo.follow(seeing, "A <b>good</b>, old film").opinions
    assert rnn.heat_map and rnn.heat_map.words == ["a", "good", "old", "film"]
    assert lstm.heat_map is None
    page = demo.app(seeing, "a good <i>film</i>").test_client().get("/")
    assert page.text.count('class="heat"') == 1
    assert re.findall(r'<div class="axis".*?>(.*)</div>', page.text) == [
        "<span>a</span><span>good</span><span>film</span>"
    ]
    assert set(re.findall(r'<img src="([^,]+),', page.text)) == {"data:image/png;base64"}
    assert "img-src data:;" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert "What the units hold" not in demo.app(READERS, "a film").test_client().get("/").text


def test_of_a_long_text_the_beginning_is_followed_and_the_whole_is_judged() -> None:
    answer = demo.follow(READERS, "dull " * demo.WORDS + "good")
    assert len(answer.opinions[0].words) == demo.WORDS
    assert answer.left_out == 1
    assert answer.opinions[0].said == "positive"


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


def test_a_series_has_no_texts_to_read(settings: Params) -> None:
    with pytest.raises(UserError, match=r"params\.yaml: task: the demo reads texts"):
        demo.networks(settings.model_copy(update={"task": "series"}))


@pytest.fixture
def server() -> Iterator[demo.Server]:
    opened = demo.Server("127.0.0.1", 0, demo.app(READERS, "an example"))
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
