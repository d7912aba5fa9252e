from pathlib import Path

import numpy as np
import pytest

from rnnlab.data import profiles, reviews
from rnnlab.data.profiles import Lengths, Profile
from rnnlab.data.steps import Columns
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.params import Params
from tests.support.builders import write_csv


def profile(folder: Path, settings: Params, *rows: tuple[str, ...], split: str | None = None) -> Profile:
    header = ("review", "sentiment", *(["part"] if split else []))
    return profiles.read([write_csv(folder / "it.csv", header, *rows)], settings.data, split)


def test_rows_are_counted_as_the_pipeline_keeps_them(tmp_path: Path, settings: Params) -> None:
    rows = [("a b", "x"), (" a b", "x"), ("a b", "y"), ("", "x"), ("c", ""), ("d", "NA"), ("e f g", "y ")]
    found = profile(tmp_path, settings, *rows)
    assert (found.rows, found.blank, found.missing, found.duplicates) == (7, 3, 1, 2)
    assert found.labels == {"x": 1, "y": 1}


def test_splits_are_counted_by_label_in_any_case(tmp_path: Path, settings: Params) -> None:
    rows = [("a", "x", "Train"), ("b", "y", "TEST "), ("c", "x", "dev")]
    found = profile(tmp_path, settings, *rows, split="part")
    assert found.splits == {("train", "x"): 1, ("test", "y"): 1} and found.blank == 1


def test_words_are_those_of_the_pipeline(tmp_path: Path, settings: Params) -> None:
    rows = [("One<br />two, two", "x"), ("three", "x"), ("two four", "y")]
    found = profile(tmp_path, settings, *rows)
    assert (found.lengths.median, found.lengths.longest) == (2, 3)
    assert (found.vocabulary.words, found.vocabulary.frequent) == (4, 1)  # only "two" is seen twice
    assert found.vocabulary.coverage == pytest.approx(3 / 6)


def test_the_length_that_most_texts_have_leaves_the_longest_out(tmp_path: Path, settings: Params) -> None:
    rows = [(f"w{n} " * (500 if n == 0 else 10), "xy"[n % 2]) for n in range(100)]
    lengths = profile(tmp_path, settings, *rows).lengths
    assert (lengths.most, lengths.longest) == (10, 500)


def test_without_a_text_there_are_no_words(tmp_path: Path, settings: Params) -> None:
    found = profile(tmp_path, settings, (" ", "x"))
    assert (found.lengths, found.vocabulary) == ((0, 0, 0, 0), (0, 0, 0, 0))


def test_sequences_are_counted_with_their_steps_groups_and_labels_and_have_no_words(
    tmp_path: Path, settings: Params
) -> None:
    kept = [("s1", "x", "p"), ("s2", "y", "q"), ("s3", "x", "p")]
    others = [("twin", "y", "r"), ("none", "NA", "r")]
    lengths = {"s1": 2, "s2": 3, "s3": 5, "twin": 2, "none": 1}
    firsts = {"s1": 1, "s2": 2, "s3": 3, "twin": 1, "none": 4}
    rows = [(name, str(firsts[name]), *facts) for name, *facts in (*kept, *others) for _ in range(lengths[name])]
    source = write_csv(tmp_path / "it.csv", ("walk", "a", "kind", "person"), *rows)
    names = {"sequence_column": "walk", "step_column": None, "label_column": "kind"}
    columns = Columns(("a",), {"--label": "kind", "--group": "person"}, ())
    data = settings.data.model_copy(update=names)
    found = profiles.read_sequences([source], data, columns, None, "person")
    assert (found.rows, found.blank, found.missing, found.duplicates) == (5, 1, 1, 1)
    assert (found.labels, found.groups) == ({"x": 2, "y": 1}, {"p", "q"})
    assert found.lengths == Lengths(2, 5, 5, 13 / 5)
    assert found.vocabulary == (0, 0, 0, 0)


@pytest.mark.parametrize("fractions", [{}, {"test_fraction": 0.4, "validation_fraction": 0.6}])
@pytest.mark.parametrize("rows", [3, 4, 7, 12, 30, 101])
def test_the_smallest_split_is_the_one_that_is_drawn(
    tmp_path: Path, settings: Params, rows: int, fractions: dict[str, float]
) -> None:
    texts = [(f"a{n}", "rare") for n in range(rows)] + [(f"b{n}", "common") for n in range(200)]
    found = profile(tmp_path, settings, *texts)
    split = settings.split.model_copy(update=fractions)
    labels = np.zeros(rows, np.int16)
    drawn = reviews.assign_splits(np.arange(rows, dtype=np.uint64), labels, np.full(rows, -1, np.int8), split)
    counts = [int((drawn == index).sum()) for index, _ in enumerate(SPLITS)]
    assert profiles.smallest(found, split.test_fraction, split.validation_fraction) == min(counts)


def test_fewer_rows_than_needed_leave_a_split_without_any(tmp_path: Path, settings: Params) -> None:
    split = settings.split
    needed = profiles.needed(split.test_fraction, split.validation_fraction)
    for rows, enough in ((needed, True), (needed - 1, False)):
        texts = [(f"{label}{n}", label) for label in "xy" for n in range(rows)]
        found = profile(tmp_path, settings, *texts)
        assert bool(profiles.smallest(found, split.test_fraction, split.validation_fraction)) is enough


def test_a_file_that_names_splits_counts_those(tmp_path: Path, settings: Params) -> None:
    rows = [(f"{label}{part}{n}", label, part) for label in "xy" for part in SPLITS for n in range(4)]
    found = profile(tmp_path, settings, *rows[:-2], split="part")
    assert profiles.smallest(found, 0.5, 0.5) == 2
