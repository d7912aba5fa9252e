import re
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from rnnlab.project.results import Result
from rnnlab.report import comparison_page
from tests.support.results import SERIES, changed, series_predictions, summaries, text_predictions


def result(settings: Params, name: str, **changes: Any) -> Result:
    texts = [f"text {number} has {'some ' * (number % 7)}words" for number in range(40)]
    predictions = series_predictions(settings, 40) if settings.task == "series" else text_predictions(settings, texts)
    whole: dict[str, Any] = {
        "name": name,
        "kind": "DVC experiment",
        "values": settings.model_dump(mode="json", by_alias=True),
        "metrics": summaries(settings, predictions),
        "predictions": predictions,
    }
    return Result(**{**whole, **changes})


def history(settings: Params, top: float) -> dict[Run, Any]:

    metric = "mae" if settings.task == "series" else "accuracy"
    columns = {
        "epoch": [1, 2],
        "loss": [top, 0.1],
        "val_loss": [top, 0.2],
        metric: [0.5, 0.6],
        f"val_{metric}": [0.5, 0.7],
    }
    return {run: pd.DataFrame(columns) for run in settings.runs}


@pytest.fixture(scope="module")
def two(settings: Params) -> Params:
    return changed(settings, train__seeds=[1, 2])


def test_results_stand_side_by_side_under_what_differs(settings: Params, two: Params) -> None:
    wide = changed(settings, train__seeds=[1, 2], models__rnn__units=64)
    results = [
        result(two, "main", histories=history(two, 0.7)),
        result(wide, "wide <b>", histories=history(wide, 9.0)),
    ]
    page = comparison_page.write(results)
    assert "<h1>main against wide &lt;b&gt;</h1>" in page
    cells = f'<td class="text">{settings.models["rnn"].units}</td><td class="text">64</td>'
    assert f'<th scope="row" class="text">models.rnn.units</th>{cells}' in page
    assert "every test row scores the same in wide &lt;b&gt; and main" in page
    assert page.count('role="img"') == 2 * 4
    assert plt.get_fignums() == []
    assert page.index(">models.rnn.units<") < page.index('role="img"')
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)


def test_what_is_lost_is_not_drawn_and_the_page_says_so(two: Params) -> None:
    page = comparison_page.write([result(two, "main"), result(two, "old", predictions=None, lost="they are gone")])
    assert page.count('role="img"') == 2
    assert "Histories and predictions of this result are lost." in page
    assert "No paired test of old and main: they are gone." in page


def test_series_are_compared_too(settings: Params) -> None:
    series = changed(settings, **SERIES, train__seeds=[1, 2])
    page = comparison_page.write([result(series, "one", histories=history(series, 0.5)), result(series, "two")])
    assert page.count('role="img"') == 3 + 1
    assert "test MSE of" in page


def test_results_of_two_tasks_are_refused(settings: Params, two: Params) -> None:
    series = changed(settings, **SERIES, train__seeds=[1, 2])
    with pytest.raises(UserError, match="one classifies texts and two predicts a series"):
        comparison_page.write([result(two, "one"), result(series, "two")])
