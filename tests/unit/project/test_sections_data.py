import pytest

from rnnlab.project.errors import UserError
from rnnlab.project.params import Params
from tests.support.results import changed


@pytest.mark.parametrize(
    ("key", "value", "sentence"),
    [
        ("data.labels", ["good", "good"], "labels must be different names"),
        ("data.covariates", ["wind", "wind"], "covariates must be different columns"),
        ("data.covariates", ["value"], "covariates must be different columns, and others than value_column"),
        ("data.series_column", "value", "data: series_column must be a column of names, and another than value_column"),
        ("data.known_ahead", ["wind"], "data: known_ahead: wind is neither in covariates nor the word calendar"),
        ("data.labels", ["good"], "data: labels: names 1; expected 2 to 50 (data.max_labels)"),
        ("data.labels", [f"l{number}" for number in range(51)], "data: labels: names 51; expected 2 to 50"),
        ("data.labels", "found", "data.labels: must be a list of labels, or the word auto"),
        ("data.csv", "reviews\0.csv", "data.csv: must be visible characters"),
        ("data.csv", "data/raw/\u202evsc.reviews", "data.csv: must be visible characters"),
        ("data.files", "*\x1b[2J", "data.files: must be visible characters"),
        ("data.csv", "http://127.0.0.1/x.csv", "csv must be a path, not an address"),
        ("data.csv", "remote://team/x.csv", "csv must be a path, not an address"),
        ("data.csv", "\ud800.csv", "data.csv"),
        ("data.delimiter", ";;", "delimiter must be one character or the word tab"),
        ("data.encoding", "klingon", "encoding must be one that Python knows for text files"),
        ("data.encoding", "base64", "encoding must be one that Python knows for text files"),
        ("data.encoding", "unicode_escape", "encoding must be one that Python knows for text files"),
        ("data.encoding", "UTF7", "encoding must be one that Python knows for text files"),
        ("data.encoding", "undefined", "encoding must be one that Python knows for text files"),
        ("data.encoding", "utf\x008", "encoding must be one that Python knows for text files"),
        (
            "data.labels",
            ["bad", " good"],
            "labels must be 1 to 100 visible characters on one line, without spaces around them",
        ),
        ("data.labels", ["", "good"], "labels must be 1 to 100 visible characters"),
        ("data.labels", ["bad", "go\nod"], "labels must be 1 to 100 visible characters"),
        ("data.labels", ["bad", "x" * 101], "labels must be 1 to 100 visible characters"),
        ("data.labels", ["bad", "\ud83d"], "labels must be 1 to 100 visible characters"),
    ],
)
def test_what_cannot_be_meant_is_refused(settings: Params, key: str, value: object, sentence: str) -> None:
    with pytest.raises(UserError) as mistake:
        changed(settings, **{key: value})
    assert sentence in str(mistake.value)


def test_what_is_known_ahead_is_a_covariate(settings: Params) -> None:
    data = changed(settings, data__covariates=["wind", "rain"], data__known_ahead=["rain"]).data
    assert (data.covariates, data.known_ahead) == (("wind", "rain"), ("rain",))
