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
