"""`rnnlab predict`."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rnnlab.serving import predictions


@pytest.mark.parametrize("words", [("--csv", "mine.csv"), ("--out", "said.csv")])
def test_a_csv_is_named_with_the_one_to_write(rnnlab: Any, capsys: Any, words: tuple[str, ...]) -> None:
    assert rnnlab("predict", *words) == 1
    assert capsys.readouterr().err == "error: --csv and --out: name both, the CSV to read and the one to write\n"


@pytest.mark.parametrize(
    ("flags", "told"), [((), "good\t0.750000\t3\n"), (("--all",), "good\t0.750000\t3\tbad=0.250000\tgood=0.750000\n")]
)
def test_the_probability_of_each_label_is_told_on_request(
    rnnlab: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, flags: tuple[str, ...], told: str
) -> None:
    def said(*_: Any, **__: Any) -> Iterator[Any]:
        yield SimpleNamespace(label="good", probability=0.75, model_version="3", all={"bad": 0.25, "good": 0.75})

    monkeypatch.setattr("rnnlab.cli.predict._predictor", lambda flags: None)
    monkeypatch.setattr(predictions, "predict_lines", said)
    assert rnnlab("predict", *flags, "fine") == 0
    assert capsys.readouterr().out == told
