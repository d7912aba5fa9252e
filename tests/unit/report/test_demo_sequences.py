from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from rnnlab.report import demo, demo_readings, demo_sequences

LABELS, CHANNELS = ("down", "up"), ("a", "b")
Rows = Sequence[list[list[float]]]


def both(second: list[float]) -> npt.NDArray[np.float32]:
    """The probabilities of two labels, from that of the second."""
    return np.array([[1 - probability, probability] for probability in second], np.float32)


def by_last_step(rows: Rows) -> npt.NDArray[np.float32]:
    return both([0.9 if steps[-1][0] > 0 else 0.2 for steps in rows])


def by_length(rows: Rows) -> npt.NDArray[np.float32]:
    return both([min(0.1 * len(steps), 1) for steps in rows])


READERS = {"rnn": demo_readings.Reader(by_last_step, LABELS), "lstm": demo_readings.Reader(by_length, LABELS)}


@pytest.mark.parametrize("separator", [",", ", ", "\t", ";"])
@pytest.mark.parametrize("header", ["", "a,b\n", "\n"])
def test_each_network_is_asked_of_every_beginning(separator: str, header: str) -> None:
    lines = (header + "-1,2.5\n1,3\n\n-0.12345678,1e3\n").replace(",", separator)
    answer = demo_sequences.follow(READERS, CHANNELS, lines)
    rnn, lstm = answer.opinions
    assert [word.text for word in rnn.words] == [
        "-1,\N{NO-BREAK SPACE}2.5",
        "1,\N{NO-BREAK SPACE}3",
        "-0.1235,\N{NO-BREAK SPACE}1000",
    ]
    assert [word.probability for word in rnn.words] == ["0.20", "0.90", "0.20"]
    assert [word.probability for word in lstm.words] == ["0.10", "0.20", "0.30"]
    assert (rnn.said, rnn.probability, lstm.said, lstm.probability) == ("down", "0.80", "down", "0.70")
    assert answer.parting == "farthest apart at step 2, “1,\N{NO-BREAK SPACE}3”: rnn 0.90, lstm 0.20"


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (
            "1,2\n\n1,2,3\n",
            "Line 3 has 3 cells, and a step has 2: a, b; commas, semicolons or tabs stand between them.",
        ),
        ("1 2\n", "Line 1 has 1 cell, and a step has 2: a, b; commas, semicolons or tabs stand between them."),
        ("a,b\n1,<b>x</b>\n", "Line 2 has '<b>x</b>' for channel 'b'; expected a finite number."),
        ("1,\n", "Line 1 has '' for channel 'b'; expected a finite number."),
        ("1,2\na,b\n", "Line 2 has 'a' for channel 'a'; expected a finite number."),
        ("inf,1\n", "Line 1 has 'inf' for channel 'a'; expected a finite number."),
        ("1,1e39\n", "Line 1 has '1e39' for channel 'b'; expected a finite number."),
        (" \n\n", "Nothing to read yet: paste a line of numbers for each step."),
        ("a,b\n", "Nothing to read yet: paste a line of numbers for each step."),
    ],
)
def test_what_cannot_be_read_is_a_sentence(raw: str, sentence: str) -> None:
    answer = demo_sequences.follow(READERS, CHANNELS, raw)
    assert (answer.problem, list(answer.opinions)) == (sentence, [])


def test_the_largest_numbers_that_networks_compute_with_are_read() -> None:
    largest = float(np.finfo(np.float32).max)
    assert demo_sequences.read(f"{largest},{-largest}\n", CHANNELS) == [[largest, -largest]]


def test_of_a_long_sequence_the_beginning_is_followed_and_the_whole_is_judged() -> None:
    answer = demo_sequences.follow(READERS, CHANNELS, "-1,0\n" * demo_readings.FOLLOWED + "1,0\n")
    assert (len(answer.opinions[0].words), answer.left_out) == (demo_readings.FOLLOWED, 1)
    assert answer.opinions[0].said == "up"


def test_the_page_begins_with_the_first_test_sequence(tmp_path: Path) -> None:
    source = tmp_path / "rows.parquet"
    assert demo_sequences.example(CHANNELS, source) == ""
    values = {"channel_a": [[1.0], [0.5, -2.0], [3.0]], "channel_b": [[1.0], [1 / 3, 4e6], [3.0]]}
    pd.DataFrame({"id": ["x", "y", "z"], "split": ["train", "test", "test"], **values}).to_parquet(source)
    assert demo_sequences.example(("a",), source) == ""
    example = demo_sequences.example(CHANNELS, source)
    assert example == "0.5,0.333333\n-2,4e+06\n"
    client = demo.app(demo_sequences.page(READERS, CHANNELS, example)).test_client()
    page = client.get("/").text
    assert "0.5,0.333333" in page and "Steps of a sequence, a line each, of a, b" in page
    assert "Each step is shaded" in page and "What the units hold" not in page and "style=" not in page
    answer = client.post("/answer", data={"text": "1,<i>2</i>"}).text
    assert "&lt;i&gt;" in answer and "<i>" not in answer
