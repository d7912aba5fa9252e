"""Networks read what is typed word by word, in full."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rnnlab.report import demo_readings

LABELS = ("short", "long")


def by_length(beginnings: Sequence[str]) -> npt.NDArray[np.float64]:
    second = np.array([len(each) / 10 for each in beginnings])
    return np.stack([1 - second, second], axis=1)


def read(steps: str) -> demo_readings.Answer:
    readers = {"rnn": demo_readings.Reader(by_length, LABELS)}
    return demo_readings.follow(readers, list(steps), lambda count: steps[:count], "step")


def test_each_step_has_what_is_said_up_to_and_with_it() -> None:
    answer = read("abcdef")
    [opinion] = answer.opinions
    assert [(word.text, word.probability) for word in opinion.words] == [
        *(("a", "0.10"), ("b", "0.20"), ("c", "0.30"), ("d", "0.40"), ("e", "0.50"), ("f", "0.60"))
    ]
    assert [word.turn for word in opinion.words] == [False, False, False, False, True, False]
    assert (opinion.said, opinion.probability, answer.left_out, answer.unit) == ("long", "0.60", 0, "step")


def test_of_one_step_there_is_one_word() -> None:
    [opinion] = read("a").opinions
    assert [word.number for word in opinion.words] == ["0.10"]
    assert (opinion.said, opinion.probability) == ("short", "0.90")
