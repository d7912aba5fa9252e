from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from rnnlab.data import reviews
from rnnlab.data.csv_rows import Rows
from rnnlab.data.reviews import UNASSIGNED, CheckedRows
from rnnlab.features.clean_rows import SPLITS
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Split

LABELS = ("negative", "positive")
TRAIN, VALIDATION, TEST = range(3)


def check(
    texts: Sequence[str],
    labels: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    own: bool = False,
    known: Sequence[str] = LABELS,
) -> CheckedRows:
    count = len(texts)
    rows = Rows(
        list(range(1, count + 1)), list(texts), list(labels or ["positive"] * count), list(splits or [""] * count), []
    )
    return reviews.check_rows(rows, known, own)


def split(
    method: str = "random", test: float = 0.2, validation: float = 0.1, seed: int = 1, share: float = 1.0
) -> Split:
    fractions = {"test_fraction": test, "validation_fraction": validation, "train_share": share, "until": 1.0}
    return Split.model_validate({"method": method, "column": "split", "group_column": None, "seed": seed, **fractions})


def digests(count: int, seed: int = 0) -> npt.NDArray[np.uint64]:
    return np.random.default_rng(seed).permutation(count * 10)[:count].astype(np.uint64)


def labels(*counts: int) -> npt.NDArray[np.int8]:
    return np.repeat(np.arange(len(counts), dtype=np.int8), counts)


def unassigned(count: int) -> npt.NDArray[np.int8]:
    return np.full(count, UNASSIGNED, np.int8)


def test_sound_rows_are_cleaned_and_coded() -> None:
    result = check(["a<br />b ", "c &amp; d"], ["positive", " negative "])
    assert result.accepted.to_pydict() == {
        "row": [1, 2],
        "text": ["a b", "c & d"],
        "label": ["positive", "negative"],
        "assigned": [UNASSIGNED, UNASSIGNED],
    }
    assert result.rejected.num_rows == 0


@pytest.mark.parametrize("text", ["", "  ", "<br />", "!!!", "😀", "\0", "'"])
def test_a_text_without_letters_or_digits_is_rejected_as_blank(text: str) -> None:
    result = check(["good", text])
    assert result.rejected.to_pydict() == {"row": [2], "reason": ["blank text"], "label": ["positive"], "text": [text]}
    assert result.accepted["row"].to_pylist() == [1]


@pytest.mark.parametrize("text", ["10/10", "好", "ok", "مرحبا"])
def test_a_text_with_a_letter_or_digit_is_kept(text: str) -> None:
    assert check([text]).accepted["text"].to_pylist() == [text]


@pytest.mark.parametrize("label", ["", "Positive", "1", "neutral"])
def test_a_label_that_is_not_named_is_rejected(label: str) -> None:
    result = check(["good", "fine"], ["positive", label])
    assert result.rejected.to_pydict() == {"row": [2], "reason": ["unknown label"], "label": [label], "text": ["fine"]}


def test_any_label_is_known_where_they_are_found() -> None:
    written = ["4", " very good ", "", "x" * 101, "a\nb", "a\x1bb", "好"]
    result = check([f"text {number}" for number in range(7)], written, known="auto")
    assert result.accepted["label"].to_pylist() == ["4", "very good", "好"]
    assert result.rejected["row"].to_pylist() == [3, 4, 5, 6]
    assert set(result.rejected["reason"].to_pylist()) == {"unknown label"}


@pytest.mark.parametrize(
    ("found", "ordered"),
    [
        (["positive", "negative", "mixed"], ["mixed", "negative", "positive"]),
        (["10", "9", "1"], ["1", "9", "10"]),
        (["0.5", "-1", "+3"], ["-1", "0.5", "+3"]),
        (["10", "9", "many"], ["10", "9", "many"]),
    ],
)
def test_labels_that_are_found_stand_by_size_or_alphabet(
    found: list[str], ordered: list[str], settings: Params
) -> None:
    assert reviews.find_labels(dict.fromkeys(found, 9), settings.data, "mine.csv") == ordered


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (
            ["good"],
            "mine.csv: column 'sentiment' has one label only, 'good'; expected two or more; data.label_column names",
        ),
        (
            [f"id{n}" for n in range(3_000)],
            "mine.csv: column 'sentiment' has 3,000 labels, 'id0', 'id1', 'id2', …; expected at most 50: raise",
        ),
        (
            ["good", "Good", "bad"],
            "mine.csv: column 'sentiment' has labels that differ only in case or blanks, 'good' and 'Good'; make",
        ),
        (
            ["so  so", "so so"],
            "mine.csv: column 'sentiment' has labels that differ only in case or blanks, 'so  so' and 'so so'",
        ),
        (["good", "bad", "sentiment"], "mine.csv: a row has the label 'sentiment': remove the header that is repeated"),
    ],
)
def test_labels_that_cannot_be_meant_are_refused(found: list[str], sentence: str, settings: Params) -> None:
    with pytest.raises(UserError) as mistake:
        reviews.find_labels(dict.fromkeys(found, 9), settings.data, "mine.csv")
    assert str(mistake.value).startswith(sentence)


def test_columns_of_a_few_short_values_split_results() -> None:
    reviews.check_slices({"near": [str(number) for number in range(50)], "long": ["x" * 100], "none": []}, "mine.csv")


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([str(number) for number in range(51)], "51 different values; name one of at most 50"),
        (["x", "x" * 101], "values of up to 101 characters; name one of short values"),
    ],
)
def test_columns_of_many_or_long_values_do_not(values: list[str], problem: str) -> None:
    with pytest.raises(UserError) as mistake:
        reviews.check_slices({"distance": values}, "mine.csv")
    assert str(mistake.value) == f"mine.csv: evaluate.slices: column 'distance' has {problem}"


def test_a_label_of_three_rows_is_in_every_split() -> None:
    classes = labels(3, 500, 4, 40)
    drawn = reviews.assign_splits(digests(547), classes, unassigned(547), split(test=0.1, validation=0.05))
    assert all(set(drawn[classes == label]) == {TRAIN, VALIDATION, TEST} for label in range(4))


def test_all_labels_without_rows_in_a_split_are_told_at_once() -> None:
    classes = labels(2, 30, 1, 30)
    drawn = reviews.assign_splits(digests(63), classes, unassigned(63), split())
    with pytest.raises(
        UserError, match=r"validation split .* few usable rows: 'a' \(2\), 'c' \(1\); add rows, leave these"
    ):
        reviews.check_enough(drawn, classes, ["a", "b", "c", "d"], "mine.csv")


def test_own_splits_are_read_in_any_case() -> None:
    result = check(["a", "b", "c"], splits=["Train", " TEST ", "validation"], own=True)
    assert result.accepted["assigned"].to_pylist() == [TRAIN, TEST, VALIDATION]


def test_an_unknown_own_split_is_rejected() -> None:
    result = check(["a", "b"], splits=["train", "dev"], own=True)
    assert result.rejected.select(["row", "reason"]).to_pydict() == {"row": [2], "reason": ["unknown split"]}


def test_an_unknown_split_is_of_no_interest_when_splits_are_drawn() -> None:
    assert check(["a"], splits=["dev"]).rejected.num_rows == 0


def test_a_batch_may_be_rejected_as_a_whole() -> None:
    result = check(["", "x"], ["positive", "?"])
    assert result.accepted.num_rows == 0
    assert len(result.digests) == 0
    assert result.rejected["reason"].to_pylist() == ["blank text", "unknown label"]


def test_texts_alike_after_cleaning_have_the_same_digest() -> None:
    digests = check(["a b", "a<br />b", " a  b", "A b"]).digests
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_digests_do_not_depend_on_the_batch() -> None:
    assert check(["x", "y"]).digests[1] == check(["y"]).digests[0]


def test_the_first_of_duplicates_is_kept() -> None:
    duplicates = reviews.find_duplicates(np.array([7, 5, 7, 7, 9], np.uint64), np.array([1, 0, 1, 1, 0], np.int8))
    assert duplicates.keep.tolist() == [True, True, False, False, True]
    assert duplicates.first.tolist() == [0, 1, 0, 0, 4]
    assert not duplicates.conflict.any()


def test_a_text_with_different_labels_loses_all_its_rows() -> None:
    duplicates = reviews.find_duplicates(np.array([7, 5, 7, 7], np.uint64), np.array([1, 0, 0, 1], np.int8))
    assert duplicates.keep.tolist() == [False, True, False, False]
    assert duplicates.conflict.tolist() == [True, False, True, True]


def test_no_rows_have_no_duplicates() -> None:
    assert reviews.find_duplicates(np.array([], np.uint64), np.array([], np.int8)).keep.tolist() == []


def test_drawn_splits_are_stratified() -> None:
    classes = labels(100, 300)
    drawn = reviews.assign_splits(digests(400), classes, unassigned(400), split(test=0.2, validation=0.25))
    counts = [[int(((drawn == part) & (classes == label)).sum()) for part in range(3)] for label in (0, 1)]
    assert counts == [[60, 20, 20], [180, 60, 60]]


def test_drawn_splits_repeat_with_the_seed_and_change_with_it() -> None:
    hashes, classes = digests(200), labels(100, 100)
    first, again, other = (
        reviews.assign_splits(hashes, classes, unassigned(200), split(seed=seed)).tolist() for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


def test_drawn_splits_do_not_depend_on_the_order_of_rows() -> None:
    hashes, classes = digests(200), labels(80, 120)
    order = np.random.default_rng(3).permutation(200)
    straight = reviews.assign_splits(hashes, classes, unassigned(200), split())
    shuffled = reviews.assign_splits(hashes[order], classes[order], unassigned(200), split())
    assert shuffled.tolist() == straight[order].tolist()


def test_drawn_splits_ignore_the_data_s_own() -> None:
    own = np.full(100, TEST, np.int8)
    hashes, classes = digests(100), labels(50, 50)
    drawn = reviews.assign_splits(hashes, classes, own, split())
    assert drawn.tolist() == reviews.assign_splits(hashes, classes, unassigned(100), split()).tolist()


def test_every_row_is_in_exactly_one_split() -> None:
    drawn = reviews.assign_splits(digests(57), labels(20, 37), unassigned(57), split(seed=5))
    assert set(drawn.tolist()) == {TRAIN, VALIDATION, TEST}


def test_an_own_split_with_validation_rows_is_taken_as_it_is() -> None:
    own = np.array([TRAIN, VALIDATION, TEST, TRAIN] * 10, np.int8)
    drawn = reviews.assign_splits(digests(40), labels(20, 20), own, split("column"))
    assert drawn.tolist() == own.tolist()


def test_an_own_split_without_validation_rows_gives_some_of_its_train_rows() -> None:
    own = np.array([TRAIN, TEST] * 100, np.int8)
    classes = labels(100, 100)
    drawn = reviews.assign_splits(digests(200), classes, own, split("column", validation=0.2))
    assert (drawn[own == TEST] == TEST).all()
    assert [int(((drawn == VALIDATION) & (classes == label)).sum()) for label in (0, 1)] == [10, 10]
    assert int((drawn == TRAIN).sum()) == 80


@pytest.mark.parametrize("method", ["random", "column"])
def test_the_training_rows_of_a_smaller_share_are_among_those_of_a_larger_one(method: str) -> None:
    hashes, classes = digests(400), labels(100, 300)
    own = np.array([TRAIN, TRAIN, TEST, TRAIN] * 100, np.int8)
    shares = (1.0, 0.5, 0.25, 0.1, 0.05)
    drawn = [reviews.assign_splits(hashes, classes, own, split(method, share=share)) for share in shares]
    for share, smaller in zip(shares, drawn, strict=True):
        rows = drawn[0] == TRAIN
        assert (smaller[~rows] == drawn[0][~rows]).all()  # test and validation rows stay
        assert set(smaller[rows].tolist()) <= {TRAIN, reviews.UNASSIGNED}
        for label in (0, 1):
            kept = (smaller == TRAIN) & (classes == label)
            assert kept.sum() == round(int((rows & (classes == label)).sum()) * share)
    for larger, smaller in pairwise(drawn):
        assert ((smaller == TRAIN) <= (larger == TRAIN)).all()


def test_the_smallest_share_keeps_a_row_of_each_label() -> None:
    drawn = reviews.assign_splits(digests(60), labels(30, 30), unassigned(60), split(share=0.01))
    assert labels(30, 30)[drawn == TRAIN].tolist() == [0, 1]
    reviews.check_enough(drawn, labels(30, 30), LABELS, "mine.csv")


def test_an_own_split_is_not_changed_in_place() -> None:
    own = np.array([TRAIN, TEST] * 20, np.int8)
    reviews.assign_splits(digests(40), labels(20, 20), own, split("column"))
    assert own.tolist() == [TRAIN, TEST] * 20


def test_enough_rows_pass() -> None:
    reviews.check_enough(np.tile(np.arange(3, dtype=np.int8), 2), labels(3, 3), LABELS, "mine.csv")


@pytest.mark.parametrize(("present", "absent"), [(0, "positive"), (1, "negative")])
def test_one_class_only_is_refused(present: int, absent: str) -> None:
    with pytest.raises(UserError) as mistake:
        reviews.check_enough(np.arange(3, dtype=np.int8), np.full(3, present, np.int8), LABELS, "mine.csv")
    expected = f"mine.csv: no usable row has the label '{absent}'; correct data.labels"
    assert str(mistake.value) == expected


@pytest.mark.parametrize("part", SPLITS)
def test_a_split_without_a_class_is_refused(part: str) -> None:
    splits = np.tile(np.arange(3, dtype=np.int8), 2)
    classes = labels(3, 3)
    kept = ~((splits == SPLITS.index(part)) & (classes == 1))
    with pytest.raises(UserError) as mistake:
        reviews.check_enough(splits[kept], classes[kept], LABELS, "mine.csv")
    message = str(mistake.value)
    problem = f"no row in the {part} split for each label with so few usable rows: 'positive' (2);"
    assert message.startswith(f"mine.csv: {problem}")


def test_too_few_rows_to_draw_from_are_refused() -> None:
    classes = labels(2, 50)
    drawn = reviews.assign_splits(digests(52), classes, unassigned(52), split())
    with pytest.raises(UserError, match=r"with so few usable rows: 'negative' \(2\)"):
        reviews.check_enough(drawn, classes, LABELS, "mine.csv")


def test_summary_counts_kept_and_rejected_rows() -> None:
    splits = np.array([TRAIN, TRAIN, VALIDATION, TEST, TEST, TEST, reviews.UNASSIGNED], np.int8)
    summary = reviews.summarise(
        np.array([0, 1, 1, 0, 0, 1, 1], np.int8), splits, {"duplicate": 3, "blank text": 1}, LABELS
    )
    assert summary == {
        "labels": ["negative", "positive"],
        "rows_read": 11,
        "rows_kept": 6,
        "rows_left_out": 1,
        "rows_rejected": {"total": 4, "blank text": 1, "duplicate": 3},
        "splits": {
            "train": {"negative": 1, "positive": 1},
            "validation": {"negative": 0, "positive": 1},
            "test": {"negative": 2, "positive": 1},
        },
    }
