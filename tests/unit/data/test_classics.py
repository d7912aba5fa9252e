from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from rnnlab.data import classics
from rnnlab.data.classics import KINDS, Example
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, parse
from rnnlab.project.sections.data import CLASSIC_CSV, COPIED, SHORTEST, Classic, ClassicName
from tests.support.results import changed


def drawn(kind: ClassicName, length: int = 20, rows: int = 400, seed: int = 1) -> list[Example]:
    return list(classics.examples(Classic(kind=kind, length=length, rows=rows, seed=seed)))


@pytest.mark.parametrize("kind", KINDS)
def test_sequences_are_distinct_their_labels_in_turn_and_drawn_by_the_seed(kind: ClassicName) -> None:
    rows, labels = drawn(kind), KINDS[kind][0]
    assert len({row.symbols for row in rows}) == 400
    assert Counter(row.label for row in rows) == dict.fromkeys(labels, 400 // len(labels))
    assert rows == drawn(kind) != drawn(kind, seed=2)


def test_temporal_order_is_that_of_two_symbols_far_from_each_other_and_from_the_end() -> None:
    places: list[tuple[int, int]] = []
    for symbols, label in drawn("temporal_order", 100):
        steps = symbols.split()
        told = [(place, step) for place, step in enumerate(steps) if step in "xy"]
        assert "".join(step for _, step in told) == label
        assert (len(steps), steps[0], steps[-1]) == (100, "start", "end")
        assert {*steps[1:-1]} - {"x", "y"} <= {*classics.OTHERS}
        places.append((told[0][0], told[1][0]))
    first, second = zip(*places, strict=True)
    assert (min(first), max(first), min(second), max(second)) == (10, 19, 50, 59)


def test_copy_asks_for_one_symbol_of_the_beginning_after_blanks() -> None:
    asked = Counter[str]()
    for symbols, label in drawn("copy", 30):
        *steps, place = symbols.split()
        assert steps[COPIED:] == ["blank"] * 30
        assert {*steps[:COPIED]} <= {*classics.COPIES}
        assert steps[int(place) - 1] == label
        asked[place] += 1
    assert len(asked) == COPIED


def test_parity_is_that_of_the_ones_at_every_length() -> None:
    rows = drawn("parity", 20)
    for symbols, label in rows:
        assert (symbols.split().count("1") % 2 == 1) == (label == "odd")
    assert {len(row.symbols.split()) for row in rows} == {*range(10, 21)}


def depths(steps: list[str]) -> list[int]:
    depth, found = 0, []
    for step in steps:
        depth += 1 if step.startswith("open") else -1
        found.append(depth)
    return found


@pytest.mark.parametrize(("kind", "kinds"), [("dyck1", 1), ("dyck2", 2)])
def test_brackets_are_balanced_or_have_two_in_each_others_place(kind: ClassicName, kinds: int) -> None:
    for symbols, label in drawn(kind):
        steps = symbols.split()
        assert len(steps) == 20
        assert classics.is_balanced(steps) == (label == "balanced")
        counts = Counter(steps)
        assert len(counts) == 2 * kinds
        # Counting at the end does not tell: of one kind, the depth is wrong on the way; of two, it is right everywhere.
        assert sum(counts[f"open{number}"] for number in range(1, 3)) == 10
        assert (min(depths(steps)) < 0) == (label == "unbalanced" and kinds == 1)


def test_all_shapes_of_balanced_brackets_are_drawn_alike() -> None:
    generator = np.random.default_rng(1)
    counts = Counter(" ".join(classics._balanced(3, 1, generator)) for _ in range(5000))
    assert len(counts) == 5  # the third of Catalan's numbers
    assert all(900 < count < 1100 for count in counts.values())


@pytest.mark.parametrize(
    ("symbols", "expected"),
    [
        ("open1 close1", True),
        ("open1 open2 close2 close1", True),
        ("open1 open2 close1 close2", False),
        ("open1", False),
        ("close1 open1", False),
    ],
)
def test_a_stack_tells_which_brackets_are_balanced(symbols: str, expected: bool) -> None:
    assert classics.is_balanced(symbols.split()) == expected


def test_adding_marks_a_number_in_each_half_and_asks_whether_their_sum_is_above_one() -> None:
    marked: list[tuple[int, int]] = []
    for symbols, label in drawn("adding", 21):
        steps = [step.split(",") for step in symbols.split()]
        numbers, marks = ([float(step[channel]) for step in steps] for channel in range(2))
        assert len(steps) == 21 and 0 <= min(numbers) <= max(numbers) <= 1
        first, second = (place for place, mark in enumerate(marks) if mark)
        total = numbers[first] + numbers[second]
        assert (total > 1) == (label == "above") and abs(total - 1) > 0.0799
        marked.append((first, second))
    first, second = zip(*marked, strict=True)
    assert (min(first), max(first), min(second), max(second)) == (0, 9, 10, 20)


def test_numbers_are_written_a_step_a_row_and_symbols_a_sequence_a_row() -> None:
    columns, rows = classics.table(Classic(kind="adding", length=3, rows=10, seed=1))
    written = [tuple(map(str, row)) for row in rows]
    assert columns == ["sequence", "step", "number", "mark", "label"]
    assert [row[:2] for row in written[:4]] == [("1", "1"), ("1", "2"), ("1", "3"), ("2", "1")]
    assert len(written) == 30
    columns, rows = classics.table(Classic(kind="copy", length=3, rows=10, seed=1))
    assert (columns, [tuple(row) for row in rows]) == (["symbols", "label"], drawn("copy", 3, rows=10))


@pytest.mark.parametrize("kind", KINDS)
def test_the_shortest_length_works_and_a_shorter_one_is_refused(kind: ClassicName) -> None:
    generator = np.random.default_rng(1)
    shortest = Classic(kind=kind, length=SHORTEST[kind], rows=10, seed=1)
    labels, draw = KINDS[kind]
    assert draw(labels[-1], shortest, generator)
    for length in (0, SHORTEST[kind] - 1):
        with pytest.raises(ValidationError, match=r"greater than|needs"):
            Classic(kind=kind, length=length, rows=10, seed=1)


def test_an_odd_number_of_brackets_is_refused() -> None:
    with pytest.raises(ValidationError, match="length: dyck1 needs an even number of brackets, not 7"):
        Classic(kind="dyck1", length=7, rows=10, seed=1)


def test_more_sequences_than_there_are_is_a_mistake_in_a_sentence() -> None:
    message = "classic.rows: dyck1 of length 6 has hardly more than [0-9]+ different sequences, not 100; ask for fewer"
    with pytest.raises(UserError, match=message):
        drawn("dyck1", 6, rows=100)


def test_sequences_that_would_be_cut_are_refused(settings: Params) -> None:
    classic = {"data.csv": CLASSIC_CSV, "classic.kind": "copy", "classic.length": 40}
    assert changed(settings, **classic, **{"tokenize_pad.max_length": 45}).classic.steps == 45
    with pytest.raises(UserError, match=r"max_length: 44 steps of 45 would leave out what is to be remembered; set 45"):
        changed(settings, **classic, **{"tokenize_pad.max_length": 44})
    assert changed(settings, **{"classic.length": 1000})  # nothing reads them


def test_steps_that_would_be_cut_are_refused_and_so_is_the_task_of_another_kind(settings: Params) -> None:
    adding = {"data.csv": CLASSIC_CSV, "classic.kind": "adding", "classic.length": 40}
    sequences = {"task": "sequences", "evaluate.slices": [], "baselines": ["majority"]}
    assert changed(settings, **adding, **sequences, **{"sequences.max_length": 40})
    with pytest.raises(UserError, match=r"sequences\.max_length: 39 steps of 40 would leave out .*; set 40"):
        changed(settings, **adding, **sequences, **{"sequences.max_length": 39})
    with pytest.raises(
        UserError, match=r"task: classic\.kind adding is drawn for the sequences task, not text; set seq"
    ):
        changed(settings, **adding)
    with pytest.raises(
        UserError, match=r"task: classic\.kind copy is drawn for the text task, not sequences; set text"
    ):
        changed(settings, **(adding | sequences | {"classic.kind": "copy"}))


def test_an_unknown_task_is_refused_with_those_that_there_are(settings: Params) -> None:
    values = settings.model_dump(mode="json", by_alias=True)
    values["classic"]["kind"] = "multiplying"
    with pytest.raises(UserError, match=r"classic\.kind: .*temporal_order.*adding"):
        parse(values)
