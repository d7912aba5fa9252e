import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pytest

from rnnlab.features import arrays
from rnnlab.features.arrays import Features
from rnnlab.features.text import Encoded
from rnnlab.project.errors import UserError
from rnnlab.project.files import replacing

WIDTH = 3


def batch(rows: int, start: int = 0) -> tuple[Encoded, pa.Array, pa.Array]:
    numbers = np.arange(start, start + rows, dtype=np.int32)
    encoded = Encoded(np.repeat(numbers[:, None], WIDTH, axis=1), numbers + 1, unknown=rows)
    return encoded, pa.array(numbers % 2, pa.int8()), pa.array([f"{number:016x}" for number in numbers], pa.string())


def written(folder: Path, *sizes: int) -> Features:
    arrays.create(folder, sum(sizes), WIDTH)
    start = 0
    for size in sizes:
        arrays.write(folder, start, *batch(size, start))
        start += size
    return arrays.load(folder)


def write_part(folder: Path, part: tuple[int, int]) -> None:
    start, rows = part
    arrays.write(folder, start, *batch(rows, start))


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / f"{name}.npy").read_bytes() for name in Features._fields}


@pytest.mark.parametrize("sizes", [(5,), (2, 0, 3), (1, 1, 1, 1, 1)])
def test_batches_come_back_as_one(tmp_path: Path, sizes: tuple[int, ...]) -> None:
    loaded = written(tmp_path / "train", *sizes)
    assert loaded.tokens.tolist() == [[number] * WIDTH for number in range(5)]
    assert loaded.labels.tolist() == [0, 1, 0, 1, 0]
    assert loaded.lengths.tolist() == [1, 2, 3, 4, 5]
    assert loaded.ids.tolist() == [f"{number:016x}".encode() for number in range(5)]


def test_arrays_have_the_promised_types(tmp_path: Path) -> None:
    loaded = written(tmp_path / "train", 2)
    assert [column.dtype for column in loaded] == ["int32", "int16", "int32", "S16"]


def test_arrays_are_mapped_not_read(tmp_path: Path) -> None:
    assert all(isinstance(column, np.memmap) for column in written(tmp_path / "train", 2))


def test_a_released_array_takes_no_memory_and_can_be_read_again(tmp_path: Path) -> None:
    np.save(tmp_path / "ones.npy", np.ones((4000, 1000), np.int32))
    mapped = np.asarray(arrays.map_array(tmp_path / "ones.npy"))
    process = psutil.Process()
    before = process.memory_info().rss
    assert mapped.sum() == mapped.size
    read = process.memory_info().rss
    arrays.release(mapped[:10])
    assert read - before > 0.9 * mapped.nbytes
    assert read - process.memory_info().rss > 0.9 * mapped.nbytes
    assert mapped.sum() == mapped.size


def test_the_same_rows_give_the_same_bytes_however_they_are_batched(tmp_path: Path) -> None:
    written(tmp_path / "one", 1500)
    written(tmp_path / "many", 9, 1000, 0, 491)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_files_are_those_that_numpy_writes(tmp_path: Path) -> None:
    loaded = written(tmp_path / "train", 5)
    for name, column in loaded._asdict().items():
        np.save(tmp_path / name, column, allow_pickle=False)
        assert (tmp_path / f"{name}.npy").read_bytes() == (tmp_path / "train" / f"{name}.npy").read_bytes()


def test_several_processes_write_to_one_split_in_any_order(tmp_path: Path) -> None:
    parts = [(start, min(70, 1000 - start)) for start in range(0, 1000, 70)]
    arrays.create(tmp_path / "many", 1000, WIDTH)
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(partial(write_part, tmp_path / "many"), parts[::-1]))
    written(tmp_path / "one", 1000)
    assert contents(tmp_path / "one") == contents(tmp_path / "many")


def test_no_rows_give_empty_arrays(tmp_path: Path) -> None:
    loaded = written(tmp_path / "train")
    assert loaded.tokens.shape == (0, WIDTH)
    assert loaded.labels.shape == (0,)


def test_nothing_is_left_when_writing_breaks_off(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "train") as folder:
        arrays.create(folder, 5, WIDTH)
        arrays.write(folder, 0, *batch(2))
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", Features._fields)
def test_a_missing_array_is_named(tmp_path: Path, name: str) -> None:
    written(tmp_path / "train", 4)
    source = tmp_path / "train" / f"{name}.npy"
    source.unlink()
    with pytest.raises(UserError) as mistake:
        arrays.load(tmp_path / "train")
    assert str(mistake.value) == f"{source}: no such file; `dvc repro` makes it"


@pytest.mark.parametrize("name", Features._fields)
@pytest.mark.parametrize("kept", [0, 3, 40, -1])
def test_a_torn_array_is_refused(tmp_path: Path, name: str, kept: int) -> None:
    written(tmp_path / "train", 4)
    source = tmp_path / "train" / f"{name}.npy"
    source.write_bytes(source.read_bytes()[:kept])
    with pytest.raises(UserError) as mistake:
        arrays.load(tmp_path / "train")
    assert str(mistake.value).startswith(f"{source}: damaged or cut short (")
    assert str(mistake.value).endswith("; remove it and run `dvc repro`")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("pwned"),)


@pytest.mark.parametrize("save", ["pickle", "objects", "archive"])
def test_what_could_hold_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, save: str) -> None:
    monkeypatch.chdir(tmp_path)
    source = tmp_path / "labels.npy"
    with source.open("wb") as stream:
        if save == "pickle":
            pickle.dump(Bomb(), stream)
        elif save == "objects":
            np.save(stream, np.array([Bomb()], object), allow_pickle=True)
        else:
            np.savez(stream, labels=np.arange(3))
    with pytest.raises(UserError, match=r"labels\.npy: damaged or cut short"):
        arrays.map_array(source)
    assert not Path("pwned").exists()


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "train", 4)
    (tmp_path / "train" / "labels.npy").write_text("positive\nnegative\n")
    with pytest.raises(UserError, match=r"labels\.npy: damaged or cut short"):
        arrays.load(tmp_path / "train")
