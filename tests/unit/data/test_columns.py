import random
from collections.abc import Sequence

import pytest

from rnnlab.data import columns
from rnnlab.data.columns import Candidates

DRAW = random.Random(5)
ROWS = 120
WORDS = ("the", "room", "was", "clean", "but", "breakfast", "cold", "and", "staff", "slow")


def sentence(words: int = 20) -> str:
    return " ".join(DRAW.choice(WORDS) for _ in range(words))


def profiled(**cells: Sequence[object]) -> list[columns.Column]:
    rows = [[str(cell) for cell in row] for row in zip(*cells.values(), strict=True)]
    return columns.profile(list(cells), rows)


def drawn(*values: object) -> list[object]:
    return [DRAW.choice(values) for _ in range(ROWS)]


TEXTS = [sentence() for _ in range(ROWS)]
NUMBERS = range(ROWS)


def label(**cells: Sequence[object]) -> Candidates:
    return columns.label(profiled(text=TEXTS, **cells), "text", 50)


def chosen(candidates: Candidates) -> str | None:
    return candidates.guess and candidates.guess.value


def test_the_wordiest_column_is_the_text() -> None:
    cells = {"n": NUMBERS, "title": [sentence(5) for _ in NUMBERS], "b": TEXTS, "label": drawn("very good", "so so")}
    assert chosen(columns.text(profiled(**cells))) == "b"


@pytest.mark.parametrize(("different", "found"), [(20, None), (21, "said")])
def test_few_phrases_that_come_again_are_no_texts(different: int, found: str | None) -> None:
    assert chosen(columns.text(profiled(said=[f"phrase {row % different}" for row in NUMBERS]))) == found


def test_of_two_that_could_be_texts_the_name_decides() -> None:
    other = [sentence(15) for _ in NUMBERS]
    assert chosen(columns.text(profiled(notes=TEXTS, user_review=other))) == "user_review"
    assert columns.text(profiled(question=TEXTS, answer=other, tweet=other)).names == ("question", "answer", "tweet")


def test_long_names_are_no_rivals_of_short_texts() -> None:
    names = [f"{DRAW.choice('ABC')}nna Maria {n} Smith" for n in NUMBERS]
    assert chosen(columns.text(profiled(guest=names, said=[sentence(4) for _ in NUMBERS]))) == "said"


@pytest.mark.parametrize("name", ["label", "Sentiment", "airline_sentiment", "star rating"])
def test_the_name_decides_between_columns_of_few_values(name: str) -> None:
    assert chosen(label(verified=drawn("Y", "N"), **{name: drawn(1, 2, 3)}, country=drawn("de", "at"))) == name


def test_without_a_telling_name_columns_of_few_values_are_asked_about() -> None:
    assert label(verified=drawn("Y", "N"), country=drawn("de", "at")).names == ("verified", "country")


@pytest.mark.parametrize(
    "decoy",
    [NUMBERS, drawn("x"), drawn(0.5, 1.5), drawn("2024-01-02", "2024-02-03"), drawn("www.a.org", "www.b.org")],
)
def test_ids_constants_fractions_dates_and_addresses_are_no_labels(decoy: Sequence[object]) -> None:
    assert chosen(label(decoy=decoy, kind=drawn("a", "b"))) == "kind"


def test_years_are_no_labels_though_they_are_few() -> None:
    assert chosen(label(year=drawn(2019, 2020), kind=drawn("a", "b"))) == "kind"


@pytest.mark.parametrize(
    ("cells", "sentence_"),
    [
        ({}, "no column beside the texts"),
        ({"label": drawn("good")}, "column 'label' has one label only"),
        ({"user": NUMBERS}, "'user' comes closest, with 120 values in 120 rows; an id?"),
    ],
)
def test_why_there_are_no_labels(cells: dict[str, Sequence[object]], sentence_: str) -> None:
    found = label(**cells)
    assert not found.names and sentence_ in found.problem


@pytest.mark.parametrize(
    ("values", "found"),
    [({"Train", "TEST"}, True), ({"train", "test", "validation"}, True), ({"train", "dev", "test"}, False)],
)
def test_a_column_of_splits_has_the_pipelines_names(values: set[str], found: bool) -> None:
    assert columns.split(profiled(part=drawn(*sorted(values))), {"part": values}) == ("part" if found else None)


def test_a_series_is_neither_an_id_nor_part_of_a_date() -> None:
    cells = {"No": NUMBERS, "hour": [n % 24 for n in NUMBERS], "count": range(7, 7 + ROWS), "heat": drawn(1.5, 2, 3)}
    assert chosen(columns.series(profiled(**cells))) == "heat"


def test_more_labels_than_usual_are_labels_where_each_comes_up_often() -> None:
    many = [f"section {n % 60}" for n in range(1200)]
    columns_ = columns.profile(
        ["text", "owner", "section"], [[f"{n} {TEXTS[n % ROWS]}", f"x{n % 500}", many[n]] for n in range(1200)]
    )
    assert chosen(columns.label(columns_, "text", 50)) == "section"
    assert columns.label(columns_[:2], "text", 50).guess is None
