from pathlib import Path

from rnnlab.project.files import drop_leftovers


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
