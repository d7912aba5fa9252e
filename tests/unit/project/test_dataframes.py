import pytest

from rnnlab.project.dataframes import defused


@pytest.mark.parametrize(
    "cell",
    [
        *("=1+1", '=HYPERLINK("http://x")', "+1", "-2+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1"),
        *("＝1+1", "＋1", "－1", "＠SUM"),
    ],
)
def test_a_formula_becomes_a_text(cell: str) -> None:
    assert defused(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "good", " =1", "'=1", "1-2", "<br>", "😀", '"=1"'])
def test_other_cells_stay(cell: str) -> None:
    assert defused(cell) == cell
