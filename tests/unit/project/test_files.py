import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.files import drop_leftovers, package_digest, read_json, reading, replacing, write_json, write_text

# RLIMIT_FSIZE stands in for a full disk: a write beyond it fails half-way, as with ENOSPC.
FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from rnnlab.project.errors import exit_status
from rnnlab.project.files import replacing, write_json

def main():
    target = Path(sys.argv[2])
    if sys.argv[1] == "json":
        write_json(target, ["x" * 100_000])
    else:
        with replacing(target) as folder:
            folder.mkdir()
            (folder / "small").write_text("fits")
            (folder / "large").write_text("x" * 100_000)

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
sys.exit(exit_status(main))
"""


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_takes_its_name_when_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "out.txt"
    with replacing(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole"
    assert names(target.parent) == ["out.txt"]


def test_the_old_file_is_there_until_the_new_one_is(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_text("old")
    with replacing(target) as temporary:
        temporary.write_text("new")
        assert target.read_text() == "old"
    assert target.read_text() == "new"


def test_a_folder_replaces_a_folder_and_leaves_none_of_its_files(tmp_path: Path) -> None:
    target = tmp_path / "train"
    target.mkdir()
    (target / "old.npy").touch()
    with replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "new.npy").touch()
    assert names(target) == ["new.npy"]
    assert names(tmp_path) == ["train"]


def test_the_temporary_name_keeps_the_suffix_and_the_folder(tmp_path: Path) -> None:
    with replacing(tmp_path / "rnn-1.keras") as temporary:
        assert temporary.suffix == ".keras"
        assert temporary.parent == tmp_path
        temporary.touch()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("old", [{}, {"out.txt": "old"}], ids=["none", "old"])
def test_an_exception_leaves_the_file_as_it_was(
    tmp_path: Path, error: type[BaseException], old: dict[str, str]
) -> None:
    for name, text in old.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(error), replacing(tmp_path / "out.txt") as temporary:
        temporary.write_text("half")
        raise error
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == old


def test_an_exception_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "train"
    target.mkdir()
    (target / "old.npy").touch()
    with pytest.raises(ValueError), replacing(target) as temporary:
        temporary.mkdir()
        (temporary / "half.npy").touch()
        raise ValueError
    assert names(target) == ["old.npy"]
    assert names(tmp_path) == ["train"]


def test_an_exception_before_anything_is_written_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError), replacing(tmp_path / "out.txt"):
        raise ValueError
    assert names(tmp_path) == []


def test_what_a_killed_process_of_the_same_number_left_is_no_obstacle(tmp_path: Path) -> None:
    target = tmp_path / "train"
    with replacing(target) as temporary:
        temporary.mkdir()
    temporary.mkdir()
    (temporary / "half.npy").touch()
    with replacing(target) as again:
        again.mkdir()
        (again / "whole.npy").touch()
    assert names(target) == ["whole.npy"]
    assert names(tmp_path) == ["train"]


@pytest.mark.skipif(sys.platform == "win32", reason="limits on file sizes need POSIX")
@pytest.mark.parametrize("kind", ["json", "folder"])
def test_a_full_disk_loses_nothing_and_leaves_nothing(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "out"
    if kind == "json":
        target.write_text("old")
    else:
        target.mkdir()
        (target / "old.npy").write_text("old")
    command = [sys.executable, "-c", FULL_DISK, kind, str(target)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], env={**os.environ, "PYTHONPATH": "."}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == "error: File too large; nothing was replaced; fix this and run again\n"
    assert names(tmp_path) == ["out"]
    assert (target if kind == "json" else target / "old.npy").read_text() == "old"


def test_text_is_utf_8_with_its_line_ends_kept(tmp_path: Path) -> None:
    write_text(tmp_path / "page.md", "é – 😀\n")
    assert (tmp_path / "page.md").read_bytes() == "é – 😀\n".encode()


def test_json_is_canonical(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": 1, "a": ["é", 0.1]})
    assert (tmp_path / "a.json").read_bytes() == '{\n  "a": [\n    "é",\n    0.1\n  ],\n  "b": 1\n}\n'.encode()
    write_json(tmp_path / "b.json", {"a": ["é", 0.1], "b": 1})
    assert (tmp_path / "b.json").read_bytes() == (tmp_path / "a.json").read_bytes()


def test_json_comes_back(tmp_path: Path) -> None:
    value = {"words": ["", "<unk>", "\u2028\0"], "share": 0.1 + 0.2, "none": None}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value


def test_a_value_that_is_no_json_replaces_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, 1)
    with pytest.raises(TypeError):
        write_json(target, {"a": object()})
    assert read_json(target) == 1
    assert names(tmp_path) == ["a.json"]


def test_a_missing_json_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError) as mistake:
        read_json(tmp_path / "data.json")
    assert str(mistake.value) == f"{tmp_path / 'data.json'}: no such file; `dvc repro` makes it"


@pytest.mark.parametrize("content", [b"", b'{"a": [1, 2', b'{"a": 1}}', b'{"a": "\xff"}'], ids=repr)
def test_a_torn_json_is_refused(tmp_path: Path, content: bytes) -> None:
    source = tmp_path / "data.json"
    source.write_bytes(content)
    with pytest.raises(UserError) as mistake:
        read_json(source)
    assert str(mistake.value).startswith(f"{source}: damaged or cut short (")
    assert str(mistake.value).endswith("; remove it and run `dvc repro`")


@pytest.mark.parametrize("content", ["[" * 100_000, "9" * 5000, '{"a": ', "\ufeff{}"], ids=lambda text: text[:4])
def test_json_that_python_cannot_hold_is_a_mistake(tmp_path: Path, content: str) -> None:
    source = tmp_path / "metrics.json"
    source.write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match=r"metrics\.json: damaged or cut short \("):
        read_json(source)


@pytest.mark.parametrize("kept", [0, 4, 200, -10])
def test_parquet_cut_short_is_a_sentence(tmp_path: Path, kept: int) -> None:
    source = tmp_path / "rows.parquet"
    pq.write_table(pa.table({"text": ["a text"] * 100}), source)
    source.write_bytes(source.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"rows\.parquet: damaged or cut short \(.+\); remove it"), reading(source):
        pq.read_table(source)


def test_what_is_no_damage_passes(tmp_path: Path) -> None:
    with pytest.raises(MemoryError), reading(tmp_path):
        raise MemoryError
    with pytest.raises(UserError, match="mine"), reading(tmp_path):
        raise UserError("mine")


def test_only_files_of_dropped_runs_are_removed(tmp_path: Path) -> None:
    for name in ("rnn-1.keras", "rnn-2.keras", "lstm-1.keras"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    drop_leftovers(tmp_path, ["rnn-1.keras", "lstm-1.keras"])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["folder", "lstm-1.keras", "rnn-1.keras"]
    assert (tmp_path / "rnn-1.keras").read_text() == "rnn-1.keras"


def test_a_wanted_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    drop_leftovers(tmp_path, ["rnn-1.keras"])
    assert list(tmp_path.iterdir()) == []


def test_a_generator_of_names_is_taken(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.csv").touch()
    drop_leftovers(tmp_path, (f"{number}.csv" for number in (2, 0)))
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["0.csv", "2.csv"]


def test_the_digest_of_rooms_follows_their_code_and_nothing_else(tmp_path: Path) -> None:
    def digest(*rooms: str) -> str:
        package_digest.cache_clear()
        return package_digest(tmp_path, *rooms)

    for room in ("data", "report"):
        (tmp_path / room / "inner").mkdir(parents=True)
        (tmp_path / room / "inner" / "code.py").write_text("a = 1")
    first = digest("data")
    (tmp_path / "report" / "inner" / "code.py").write_text("a = 2")
    (tmp_path / "data" / "__pycache__").mkdir()
    (tmp_path / "data" / "__pycache__" / "code.pyc").touch()
    assert digest("data") == first != digest("data", "report")
    (tmp_path / "data" / "inner" / "code.py").write_text("a = 2")
    assert digest("data") != first


def test_code_is_hashed_once(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    first = package_digest(tmp_path, "data")
    (tmp_path / "data" / "new.py").write_text("a = 1")
    assert package_digest(tmp_path, "data") == first
