import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rnnlab.data import series
from rnnlab.project.params import Params
from rnnlab.report import demo, demo_series
from rnnlab.serving.forecasts import Forecaster
from tests.support.results import SERIES, changed

Rows = list[dict[str, list[object]]]


@pytest.fixture
def settings(settings: Params) -> Params:
    return changed(settings, **SERIES, **{"series.window": 3, "series.horizon": 2})


@pytest.fixture
def wide(settings: Params) -> Params:
    return changed(settings, **{"data.covariates": ["wind", "from"]})


def networks(asked: Rows | None = None) -> dict[str, Forecaster]:
    """The lstm goes on as the values did; the rnn, logged before there were intervals, stays where they are."""

    def rnn(rows: pd.DataFrame) -> pd.DataFrame:
        last = rows["values"][0][-1]
        return pd.DataFrame({"next_value": [last], "forecast": [[last, last]]})

    def lstm(rows: pd.DataFrame) -> pd.DataFrame:
        if asked is not None:
            asked.append({str(name): rows[name][0] for name in rows})
        *_, before, last = rows["values"][0]
        steps, widths = last + (last - before) * np.array([1, 2]), np.array([1, 2])
        return pd.DataFrame(
            {"next_value": steps[:1], "forecast": [steps], "low": [steps - widths], "high": [steps + widths]}
        )

    return {"rnn": Forecaster("rnn-1/a", rnn), "lstm": Forecaster("lstm-1/b", lstm)}


def answered(settings: Params, raw: str) -> demo_series.Answer:
    return demo_series.answer(settings, networks(), raw)


def test_forecasts_stand_beside_the_last_value_with_their_intervals(settings: Params) -> None:
    answer = answered(settings, "7\n1\n2\n4\n")
    assert answer.sentence == "Forecast for the next step: rnn 4.000, lstm 6.000; the last value is 4.000."
    assert answer.table
    assert answer.table.headings == ["step", "last value", "rnn", "interval", "lstm", "interval"]
    assert answer.table.rows == [
        ["1", "4.000", "4.000", "–", "6.000", "5.000 to 7.000"],
        ["2", "4.000", "4.000", "–", "8.000", "6.000 to 10.00"],
    ]
    [chart] = answer.drawings
    assert all(f">{name}</text>" in chart.svg for name in ("rnn", "lstm", "past", "last value", "value"))


def test_a_band_of_the_chart_is_as_high_as_the_intervals(settings: Params) -> None:
    """Those of the lstm are from 5 to 10, its forecasts 6 and 8."""
    [chart] = answered(settings, "7\n1\n2\n4\n").drawings
    [band] = re.findall(r'd="([^"]+)"/>\n</defs>\n<g [^>]+>\n<use [^>]+ fill="#0072b2" fill-opacity', chart.svg)
    line, *_ = re.findall(r'<path d="([^"]+)"[^>]+ stroke="#0072b2" stroke-width="2"', chart.svg)
    assert rise(band) == pytest.approx(rise(line) * 5 / 2)


def rise(path: str) -> float:
    heights = [float(height) for height in re.findall(r"[ML] \S+ (\S+)", path)]
    return max(heights) - min(heights)


@pytest.mark.parametrize(
    "raw",
    ["1\n2.5\n-4e0", "1 2.5 -4", "1,2.5,-4\n", " 1; 2.5 ;-4;", "1\t2.5\r\n-4", "value\n1\n2.5\n-4", "9,9\n1,2.5,-4"],
)
def test_numbers_may_be_apart_in_any_way(settings: Params, raw: str) -> None:
    asked: Rows = []
    demo_series.answer(settings, networks(asked), raw)
    assert asked == [{"values": [1, 2.5, -4]}]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_columns_are_read_by_their_names(wide: Params, separator: str) -> None:
    asked: Rows = []
    lines = ["from,other,value,wind", "N,x,0,9", "N,x,1,7", "S,x,2,8", "N,x,3,9"]
    demo_series.answer(wide, networks(asked), "\n".join(lines).replace(",", separator))
    assert asked == [{"values": [1, 2, 3], "wind": [7, 8, 9], "from": ["N", "S", "N"]}]


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        ("", "Nothing to forecast yet: paste 3 values or more."),
        (" \n ", "Nothing to forecast yet: paste 3 values or more."),
        ("1 2", "Has 2 rows with values; expected at least series.window, 3."),
        ("1 2 x 4", "Row 3 has 'x' in column 'value'; expected a number such as -1.5"),
        ("1 nan 3 4", "1 of 4 rows have no value in column 'value', first row 2;"),
        ("1 2 1e99", "Row 3 has '1e99' in column 'value'; expected finite numbers"),
        ("1 2 \x00 3", "Row 3 has "),
        ("<script>alert(1)</script> 1 2 3", "Row 1 has "),
    ],
)
def test_what_is_no_series_is_one_sentence(settings: Params, raw: str, sentence: str) -> None:
    answer = answered(settings, raw)
    assert answer.sentence.startswith(sentence)
    assert (answer.drawings, answer.table) == ((), None)
    assert "pasted.csv" not in answer.sentence


def test_times_are_checked_where_they_are_pasted_and_asked_for_where_the_calendar_is_read(settings: Params) -> None:
    ours = changed(settings, **{"data.time_column": "day"})
    assert answered(ours, "1 2 3").table and answered(ours, "value\n1\n2\n3").table
    dated = "day,value\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n"
    assert answered(ours, dated).table
    assert "2024-01-09" in answered(ours, f"{dated}2024-01-09,4\n").sentence
    calendar = changed(ours, **{"series.calendar": True})
    asked: Rows = []
    demo_series.answer(calendar, networks(asked), dated)
    assert {*asked[0]} > {"values"}
    header = "Expected lines of a CSV with a header that names the columns value, day."
    assert answered(calendar, "1 2 3").sentence == header
    assert demo_series.last_rows(calendar) == ""


def test_lines_without_the_columns_are_one_sentence(wide: Params) -> None:
    header = "Expected lines of a CSV with a header that names the columns value, wind, from."
    assert answered(wide, "1 2 3 4").sentence == header
    assert answered(wide, "value,wind\n1,2\n").sentence.startswith("No column 'from'; its columns are: value, wind")


def test_a_network_that_cannot_forecast_says_why(settings: Params) -> None:
    def fails(rows: pd.DataFrame) -> pd.DataFrame:
        raise ValueError("cannot reshape")

    answer = demo_series.answer(settings, {"gru": Forecaster("gru-1/x", fails)}, "1 2 3")
    assert answer.sentence.startswith("Gru-1/x: cannot forecast from 3 rows of these columns (cannot reshape)")


def test_the_page_shows_the_last_rows_of_the_data_and_keeps_to_its_own(wide: Params, tmp_path: Path) -> None:
    columns = {"wind": pa.array([1.0, 2, 3, 4, 5]), "from": pa.array(["N", "S", "N", "S", "S"])}
    read = series.Series(np.array([10.0, 20, 30, 40, 0.123456789]), np.zeros(5, bool), columns)
    rows = tmp_path / "rows.parquet"
    pq.write_table(series.to_table(read, {"train": slice(0, 1), "test": slice(1, 5)}), rows)
    example = demo_series.last_rows(wide, rows)
    assert example == "value,wind,from\n30,3,N\n40,4,S\n0.123457,5,S\n"
    assert demo_series.last_rows(wide, tmp_path / "none.parquet") == ""
    shown = demo.app(demo_series.page(wide, networks(), example)).test_client().get("/")
    assert "the last value is 0.1235." in shown.text
    assert "Lines of a CSV with the columns value, wind, from, 3 or more" in shown.text
    assert 'maxlength="50000"' in shown.text
    assert "style=" not in shown.text and "<style" not in shown.text
    assert re.search(r"<svg [^>]*role=\"img\"", shown.text)


def test_what_is_pasted_comes_back_as_text(settings: Params) -> None:
    client = demo.app(demo_series.page(settings, networks(), "1 2 3")).test_client()
    for path in ("/", "/answer"):
        reply = client.post(path, data={"text": "</textarea><script>alert(1)</script> 1 2 3"})
        assert reply.status_code == 200
        assert "<script>alert" not in reply.text
    assert "paste 3 values" in client.post("/answer", data={"text": ""}).text


def test_charts_of_several_clients_do_not_mix(settings: Params) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda last: answered(settings, f"1 2 {last}"), range(10, 18)))
    for last, answer in enumerate(found, start=10):
        assert f"the last value is {last}.00." in answer.sentence
        assert answer.drawings[0].svg == answered(settings, f"1 2 {last}").drawings[0].svg
