import base64
import io
import threading
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from PIL import Image

from rnnlab.evaluation.states import States
from rnnlab.project import layout
from rnnlab.report import heat_maps

WORDS = ["not", "a", "bad", "film"]


def pixels(source: str) -> npt.NDArray[np.int_]:
    """The red, green and blue of each pixel of a data URI: (rows, columns, 3)."""
    kind, _, content = source.partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def states(**others: npt.NDArray[np.float32]) -> States:
    hidden = np.array([[-1, 1, 0], [0, 0, 0], [0.5, 0, -0.5], [-1, 0, 1]], np.float32)
    return States(WORDS, {"hidden": hidden, **others})


def test_a_picture_has_a_pixel_per_unit_and_word_the_highest_last_state_on_top() -> None:
    (picture,) = heat_maps.draw(states()).pictures
    red, _, blue = np.moveaxis(pixels(picture.source), 2, 0)
    assert np.sign(blue - red).tolist() == [[0, 0, -1, 1], [1, 0, 0, 0], [-1, 0, 1, -1]]
    assert picture.label == "hidden state h of 3 units, in rows, after each of 4 words, in columns"


def test_all_quantities_have_the_units_in_one_order() -> None:
    forget = np.array([[0.0, 0.5, 1.0]] * 4, np.float32)
    _, gate = heat_maps.draw(states(forget=forget)).pictures
    brightness = pixels(gate.source).sum(axis=2)
    assert (np.diff(brightness, axis=1) == 0).all()
    assert brightness[0, 0] > brightness[1, 0] > brightness[2, 0]  # 1 for the third unit, 0.5, 0 for the first


def test_the_colour_bar_says_what_a_colour_stands_for() -> None:
    cell = np.array([[0, 0, -7.71]] * 4, np.float32)
    pictures = heat_maps.draw(states(cell=cell, update=np.zeros((4, 3), np.float32))).pictures
    assert [(each.title, each.low, each.high) for each in pictures] == [
        ("hidden state h", "−1", "1"),
        ("cell state c", "−7.71", "7.71"),
        ("update gate z", "0", "1"),
    ]
    (bar,) = pixels(pictures[1].bar)
    assert (pixels(pictures[1].source)[0, 0] == bar[0]).all()  # the third unit, on top
    (bar,) = pixels(pictures[2].bar)
    assert (pixels(pictures[2].source) == bar[0]).all()


def test_small_cell_states_look_small() -> None:
    pictures = heat_maps.draw(states(cell=np.full((4, 3), 0.01, np.float32))).pictures
    assert (pictures[1].low, pictures[1].high) == ("−1", "1")
    assert pixels(pictures[1].source).min() > 240


def test_tables_are_read_as_they_are_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    layout.EXPLANATIONS.mkdir(parents=True)
    rows = [
        *(("007", "rnn", "hidden", word, 0.25, -0.5, None) for word in ("null", "NA")),
        *(
            ("007", "gru", name, word, 0.25, 0.5, 1)
            for name in ("hidden", "update", "reset")
            for word in ("null", "NA")
        ),
        ("1e5", "rnn", "hidden", "9", 0.25, -0.5, None),
    ]
    columns = ["text_id", "model", "quantity", "word", "unit_1", "unit_2", "unit_3"]
    pd.DataFrame(rows, columns=columns).to_csv(layout.EXPLANATIONS / "states.csv", index=False)
    found = heat_maps.read()
    assert {(key, model) for key, by_model in found.items() for model in by_model} == {
        *(("007", "rnn"), ("007", "gru"), ("1e5", "rnn"))
    }
    assert found["007"]["rnn"].words == found["007"]["gru"].words == ["null", "NA"]
    assert pixels(found["007"]["rnn"].pictures[0].source).shape == (2, 2, 3)
    titles = [picture.title for picture in found["007"]["gru"].pictures]
    assert titles == ["hidden state h", "update gate z", "reset gate r"]
    assert pixels(found["007"]["gru"].pictures[2].source).shape == (3, 2, 3)


def test_threads_draw_at_the_same_time() -> None:
    given = [states(cell=np.full((4, 3), number, np.float32)) for number in range(16)]
    expected = [heat_maps.draw(each) for each in given]
    drawn: dict[int, heat_maps.HeatMap] = {}
    threads = [
        threading.Thread(target=lambda n=number: drawn.__setitem__(n, heat_maps.draw(given[n])))
        for number in range(len(given))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [drawn[number] for number in range(len(given))] == expected
