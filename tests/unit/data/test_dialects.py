import pytest

from rnnlab.data import dialects


@pytest.mark.parametrize(("mark", "spelled"), [(",", ","), (";", ";"), ("\t", "tab"), ("|", "|")])
def test_the_delimiter_is_the_one_in_each_row(mark: str, spelled: str) -> None:
    found = dialects.delimiter(f"text{mark}label\nfine{mark}1\nbad{mark}0\n", True)
    assert found and (found.value, found.sure) == (spelled, "certain")


def test_a_comma_in_each_text_does_not_pass_for_a_delimiter() -> None:
    rows = [f"dull music, evening {row};{'bad' if row % 2 else 'good'}" for row in range(300)]
    found = dialects.delimiter("\n".join(["text;label", *rows, ""]), True)
    assert found and found.value == ";"


@pytest.mark.parametrize(
    ("first", "header"), [("Anna", False), ("first names", True), ("name", True), ("Anna Maria Smith", True)]
)
def test_a_short_list_of_names_has_a_header_if_its_first_row_looks_different(first: str, header: bool) -> None:
    assert dialects.header([first], [["Ben"], ["Carla"], ["Dora"]]).value is header


def test_a_delimiter_that_leaves_quotes_open_counts_for_less() -> None:
    rows = [f'nice,"good" film {row};{row % 2}' for row in range(300)]
    found = dialects.delimiter("\n".join(["text;label", *rows, ""]), True)
    assert found and found.value == ";"


@pytest.mark.parametrize(
    ("text", "is_whole"),
    [('a,b\n"x,y', False), ("a,b\n" * 8 + "a,b,c\n" * 2, True)],
    ids=["a quote that never ends", "a fifth of other widths"],
)
def test_a_delimiter_with_exceptions_is_likely_and_not_certain(text: str, is_whole: bool) -> None:
    found = dialects.delimiter(text, is_whole)
    assert found and (found.value, found.sure) == (",", "likely")


def test_a_row_that_looks_like_those_below_is_likely_none_of_names() -> None:
    assert dialects.header(["Anna"], [["Ben"], ["Carla"], ["Dora"]]).sure == "likely"


def test_no_two_columns_have_one_name() -> None:
    assert dialects.header(["ab", "ab"], []).value is False
    assert dialects.header(["ab", "cd"], []).value is True
