import io
import os
import time
from pathlib import Path

import numpy as np
import pytest

from rnnlab.networks import checkpoints
from rnnlab.networks.checkpoints import State
from rnnlab.project import layout

STATE = State(
    {"epochs": [{"epoch": 1, "loss": 0.25}]}, {"weights": np.arange(6.0).reshape(2, 3), "draws": np.uint32([1, 2])}
)
DATA = [np.arange(5), np.ones((5, 1), np.float32)]


def place(
    folder: Path, identity: dict[str, object] | None = None, data: list[np.ndarray] = DATA
) -> checkpoints.Checkpoint:
    return checkpoints.of_training(folder, "lstm-1", identity or {"seed": 1}, data)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    place(tmp_path).write(STATE)
    found = place(tmp_path).read()
    assert found is not None
    assert found.progress == STATE.progress
    assert found.arrays.keys() == STATE.arrays.keys()
    for name, array in STATE.arrays.items():
        assert found.arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(found.arrays[name], array)


def test_there_is_none_before_the_first_and_after_the_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert place(tmp_path).read() is None
    place(tmp_path).write(STATE)
    place(tmp_path).remove()
    assert place(tmp_path).read() is None
    assert not list(tmp_path.iterdir())
    assert not capsys.readouterr().err


def test_what_a_kill_left_half_written_goes_with_it(tmp_path: Path) -> None:
    checkpoint = place(tmp_path)
    checkpoint.write(STATE)
    checkpoint.path.with_name(f".{checkpoint.path.stem}.123.npz").write_bytes(b"half")
    other = checkpoint.path.with_name(".lstm-2-0123456789abcdef.123.npz")
    other.write_bytes(b"of a training that goes on")
    checkpoint.remove()
    assert list(checkpoint.path.parent.iterdir()) == [other]


def test_other_parameters_and_other_data_have_another_place(tmp_path: Path) -> None:
    place(tmp_path).write(STATE)
    assert place(tmp_path, {"seed": 2}).read() is None
    assert place(tmp_path, data=[DATA[0] + 1, DATA[1]]).read() is None
    assert place(tmp_path).read() is not None


def test_other_code_has_another_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def path(name: str, **code: str) -> Path:
        for room, source in code.items():
            (tmp_path / name / room).mkdir(parents=True)
            (tmp_path / name / room / "code.py").write_text(source)
        monkeypatch.setattr(layout, "PACKAGE", tmp_path / name)
        return place(tmp_path).path

    first = path("first", networks="epochs = 3", report="color = 1")
    assert path("another-page", networks="epochs = 3", report="color = 2") == first
    assert path("another-training", networks="epochs = 4", report="color = 1") != first


def test_a_torn_one_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoint = place(tmp_path)
    checkpoint.write(STATE)
    whole = checkpoint.path.read_bytes()
    generator = np.random.default_rng(1)
    flipped = []
    for spot in generator.integers(0, len(whole), 30):
        flipped.append(whole[:spot] + bytes([whole[spot] ^ 255]) + whole[spot + 1 :])
    cut = [whole[:length] for length in range(0, len(whole), 40)]
    zeroed = [bytes(len(whole)), whole[:200] + bytes(len(whole) - 200)]
    array = io.BytesIO()
    np.save(array, DATA[0])
    absurd = array.getvalue().replace(b"(5,), }", b"(%s,)}" % (b"9" * 20))
    for damaged in cut + zeroed + [array.getvalue(), absurd]:
        checkpoint.path.write_bytes(damaged)
        assert checkpoint.read() is None
    assert "damaged checkpoint" in capsys.readouterr().err
    for damaged in flipped:  # names and dates in the archive have no sum, and may be wrong without harm
        checkpoint.path.write_bytes(damaged)
        found = checkpoint.read()
        assert found is None or all(
            np.array_equal(found.arrays[name], array) for name, array in STATE.arrays.items() if name in found.arrays
        )


def test_trainings_that_nobody_took_up_are_forgotten(tmp_path: Path) -> None:
    old, new = place(tmp_path, {"seed": 2}), place(tmp_path, {"seed": 3})
    for checkpoint in (old, new):
        checkpoint.write(STATE)
    week = time.time() - 7 * 24 * 3600
    os.utime(old.path, (week - 60, week - 60))
    os.utime(new.path, (week + 60, week + 60))
    place(tmp_path)
    assert not old.path.exists()
    assert new.path.exists()
