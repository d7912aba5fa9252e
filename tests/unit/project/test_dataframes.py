from pathlib import Path

import pytest

from rnnlab.project.dataframes import defused, read_table
from rnnlab.project.errors import UserError


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


def test_a_table_is_read_with_the_options_of_pandas(tmp_path: Path) -> None:
    source = tmp_path / "traces.csv"
    source.write_text("id,word\n07,null\n")
    assert read_table(source, dtype=str, keep_default_na=False).to_dict("records") == [{"id": "07", "word": "null"}]


@pytest.mark.parametrize("content", ["", "epoch,loss", "epoch,loss\n1,0.5\n2,0."], ids=["nothing", "header", "rows"])
def test_a_table_cut_short_is_a_sentence(tmp_path: Path, content: str) -> None:
    source = tmp_path / "rnn-1.csv"
    source.write_text(content)
    with pytest.raises(UserError, match=r"rnn-1\.csv: damaged or cut short \(its last line is incomplete\); remove it"):
        read_table(source)


def test_a_missing_table_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"rnn-1\.csv: no such file; `dvc repro` makes it"):
        read_table(tmp_path / "rnn-1.csv")
