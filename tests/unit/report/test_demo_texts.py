import re
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from rnnlab.evaluation.states import States
from rnnlab.report import demo, demo_readings, demo_texts

LABELS = ("negative", "positive")


def by_last_word(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([0.9 if text.split()[-1] == "good" else 0.2 for text in texts], np.float32)


def by_any_word(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    return np.array([0.8 if "good" in text.split() else 0.1 for text in texts], np.float32)


def both(second: Callable[[Sequence[str]], npt.NDArray[np.float32]]) -> demo_readings.Classify:
    """Classifies as two labels, from the probability of the second."""
    return lambda texts: np.stack([1 - second(texts), second(texts)], axis=1)


READERS = {
    "rnn": demo_readings.Reader(both(by_last_word), LABELS),
    "lstm": demo_readings.Reader(both(by_any_word), LABELS),
}


def test_each_network_is_asked_of_every_beginning_and_of_the_whole() -> None:
    answer = demo_texts.follow(READERS, "A good, old film")
    rnn, lstm = answer.opinions
    assert [word.text for word in rnn.words] == ["a", "good", "old", "film"]
    assert [word.probability for word in rnn.words] == ["0.20", "0.90", "0.20", "0.20"]
    assert [word.probability for word in lstm.words] == ["0.10", "0.80", "0.80", "0.80"]
    assert (rnn.said, rnn.probability, lstm.said, lstm.probability) == ("negative", "0.80", "positive", "0.80")
    assert answer.parting == "farthest apart at word 3, “old”: rnn 0.20, lstm 0.80"


def test_one_network_parts_from_nobody() -> None:
    assert demo_texts.follow({"champion": READERS["lstm"]}, "a good film").parting == ""


def test_of_three_labels_the_likeliest_is_named() -> None:
    def by_length(texts: Sequence[str]) -> npt.NDArray[np.float32]:
        rows = {1: [0.5, 0.3, 0.2], 2: [0.2, 0.7, 0.1]}
        return np.array([rows.get(len(text.split()), [0.1, 0.1, 0.8]) for text in texts], np.float32)

    topics = ("food", "sport", "weather")
    readers = {
        "rnn": demo_readings.Reader(by_length, topics),
        "lstm": demo_readings.Reader(lambda texts: by_length(texts)[:, ::-1], topics),
    }
    answer = demo_texts.follow(readers, "one two three")
    rnn = answer.opinions[0]
    assert (rnn.said, rnn.probability) == ("weather", "0.80")
    assert [word.number for word in rnn.words] == ["food 0.50", "sport 0.70", "weather 0.80"]
    assert [word.shade for word in rnn.words] == [7, 8, 9]
    assert answer.parting == "farthest apart on weather at word 3, “three”: rnn 0.80, lstm 0.10"
    assert "the label that is likeliest" in demo.app(demo_texts.page(readers, "one two")).test_client().get("/").text


def looked(text: str) -> States:
    words = text.split()
    return States(words, {"hidden": np.linspace(-1, 1, 2 * len(words), dtype=np.float32).reshape(-1, 2)})


def test_what_goes_on_inside_is_shown_where_it_can_be_seen() -> None:
    seeing = {"rnn": READERS["rnn"]._replace(look=looked), "lstm": READERS["lstm"]}
    rnn, lstm = demo_texts.follow(seeing, "A <b>good</b>, old film").opinions
    assert rnn.heat_map and rnn.heat_map.words == ["a", "good", "old", "film"]
    assert lstm.heat_map is None
    page = demo.app(demo_texts.page(seeing, "a good <i>film</i>")).test_client().get("/")
    assert page.text.count('class="heat"') == 1
    assert re.findall(r'<div class="axis".*?>(.*)</div>', page.text) == [
        "<span>a</span><span>good</span><span>film</span>"
    ]
    assert set(re.findall(r'<img src="([^,]+),', page.text)) == {"data:image/png;base64"}
    assert "img-src data:;" in page.headers["Content-Security-Policy"]
    assert "style=" not in page.text
    assert "What the units hold" not in demo.app(demo_texts.page(READERS, "a film")).test_client().get("/").text


def test_of_a_long_text_the_beginning_is_followed_and_the_whole_is_judged() -> None:
    answer = demo_texts.follow(READERS, "dull " * demo_readings.FOLLOWED + "good")
    assert len(answer.opinions[0].words) == demo_readings.FOLLOWED
    assert answer.left_out == 1
    assert answer.opinions[0].said == "positive"
