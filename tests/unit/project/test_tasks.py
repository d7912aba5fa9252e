import pandas as pd
import pytest

from rnnlab.project import tasks
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.0, "0.0000"),
        (0.0153, "0.0153"),
        (0.00012345, "0.00012"),
        (1.23456, "1.235"),
        (-26.4567, "-26.46"),
        (1234.56, "1235"),
        (1234567.8, "1234568"),
        (float("inf"), "inf"),
    ],
)
def test_errors_of_any_size_can_be_read(value: float, written: str) -> None:
    assert MEAN_SQUARED_ERROR.number(value) == MEAN_SQUARED_ERROR.table_figure(value) == written


def test_signs_are_written_where_they_are_asked_for() -> None:
    assert MEAN_SQUARED_ERROR.number(26.4567, sign="+") == "+26.46"
    assert MEAN_SQUARED_ERROR.table_figure(-0.00001, "+") == "-0.000010"
    assert ACCURACY.number(-0.000001, sign="+") == "+0.0"


def test_shares_have_decimals_of_their_own() -> None:
    assert (ACCURACY.number(0.98765), ACCURACY.table_figure(0.98765)) == ("98.8", "0.988")


def test_a_figure_of_validation_rows_in_another_unit_has_a_name_of_its_own() -> None:
    assert ACCURACY.validation_name == "validation accuracy"
    assert MEAN_SQUARED_ERROR.validation_name == "standardised validation mean squared error"


TWO = pd.DataFrame({"label": [0, 1, 0], "predicted": [0, 1, 1], "probability": [0.25, 0.75, 0.625]})
THREE = pd.DataFrame({"label": [0, 1, 2], "predicted": [0, 2, 2], "probability": [0.5, 0.75, 0.625]})


@pytest.mark.parametrize(("predictions", "sure"), [(TWO, [0.75, 0.75, 0.625]), (THREE, [0.5, 0.75, 0.625])])
def test_confidence_is_that_in_the_label_that_is_given(predictions: pd.DataFrame, sure: list[float]) -> None:
    assert tasks.confidence(predictions).tolist() == sure


@pytest.mark.parametrize(("predictions", "so"), [(TWO, [False, True, False]), (THREE, [True, False, True])])
def test_a_probability_is_of_the_second_of_two_labels_or_of_the_one_given(
    predictions: pd.DataFrame, so: list[bool]
) -> None:
    is_so, probability = tasks.forecasts(predictions)
    assert (is_so.tolist(), probability.tolist()) == (so, predictions["probability"].tolist())
