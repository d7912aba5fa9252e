"""What the pipeline can be asked to do, and how its models are compared: facts that several rooms need.

Each room keeps a table by task of its own functions that read, encode, build, score or show; nothing asks which task it
is otherwise.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any, Literal, NamedTuple

TaskName = Literal["text", "series", "sequences"]
SLICE = "slice_"  # before the name of a column of the data, in tables whose rows results are split by
ORIGIN = "origin, not refitted"  # the slice of a series: a stretch of its test rows, scored as all are
STEP = "step"  # column of predictions of a series: how many steps after its window a value is, from 1
SERIES, UNIT = "series", "unit"  # columns of predictions of series with names, and what errors are multiples of
COVARIATE = "covariate_"  # before the name of a column of the data, in the rows of a series
CALENDAR = "calendar_"  # before the name of a covariate that is a part of the time, made by series.calendar
THRESHOLD = 0.5  # probability from which on a text has the second of two labels


class Measure(NamedTuple):
    """The score that models are compared by, and how it is put into words."""

    key: str  # of the figure in reports/metrics.json
    validation: str  # column of a history that has it, of validation rows
    name: str  # in a sentence
    title: str  # at the head of a table
    decimals: int  # of a figure in a sentence
    table_decimals: int  # of a figure that is not scaled, in a table
    clear: str  # sentence on a clear difference; has the fields ``better``, ``worse`` and ``size``
    equal: str  # sentence on two models that differ less than matters; has ``first``, ``second`` and ``margin``
    unclear: str  # sentence on a difference that is not shown; has the fields ``first``, ``second`` and ``size``
    lower_is_better: bool = False  # as for an error
    is_share: bool = False  # whether it is the share of rows that are right
    scale: float = 1.0  # that figures are multiplied by in sentences
    unit: str = ""  # behind a figure in a sentence
    difference_unit: str = ""  # behind a difference of figures in a sentence
    has_any_size: bool = False  # whether its figures may be thousands or thousandths, as those in the data's unit
    held_out: str = ""  # name of the figure of validation rows, where that is in another unit

    @property
    def validation_name(self) -> str:
        """The name of the figure of validation rows, in a sentence."""
        return self.held_out or f"validation {self.name}"

    def number(self, value: float, more: int = 0, sign: str = "") -> str:
        """Writes a figure without its unit, with so many more decimals, and a plus sign if that is asked for."""
        return f"{self.scale * value:{sign}z.{self._decimals(self.scale * value, self.decimals + more)}f}"

    def table_figure(self, value: float, sign: str = "") -> str:
        """Writes a figure, not scaled, in a table; with a plus sign if that is asked for."""
        return f"{value:{sign}z.{self._decimals(value, self.table_decimals)}f}"

    def _decimals(self, value: float, decimals: int) -> int:
        """Returns so many decimals, fewer for large figures, and for tiny ones those of two significant digits."""
        if not self.has_any_size or not value or not math.isfinite(value):
            return decimals
        magnitude = math.floor(math.log10(abs(value)))
        return max(decimals - magnitude - 1, 0) if magnitude >= 0 else max(decimals, 1 - magnitude)

    def amount(self, value: float, more: int = 0) -> str:
        """Writes a figure with its unit."""
        return f"{self.number(value, more)}{self.unit}"

    def difference(self, value: float) -> str:
        """Writes a difference of figures with its unit."""
        return f"{self.number(value)}{self.difference_unit}"

    def margin(self, share: float, score: float) -> float:
        """Returns a margin in the unit of the scores: a share is one of all rows, or of a rival's error."""
        return share if self.is_share else share * score

    def is_better(self, difference: float) -> bool:
        """Whether a difference in scores speaks for the first of two models."""
        return difference < 0 if self.lower_is_better else difference > 0


ACCURACY = Measure(
    key="accuracy",
    validation="val_accuracy",
    name="accuracy",
    title="accuracy",
    decimals=1,
    table_decimals=3,
    clear="{better} beats {worse} by {size} points",
    equal="{first} and {second} are equal within {margin} points",
    unclear="not shown that {first} and {second} differ: {size} points",
    is_share=True,
    scale=100.0,
    unit=" %",
    difference_unit=" points",
)
MEAN_SQUARED_ERROR = Measure(
    key="mse",
    validation="val_loss",
    name="mean squared error",
    title="MSE",
    decimals=4,
    table_decimals=4,
    clear="{better}'s mean squared error is {size} lower than {worse}'s",
    equal="the mean squared errors of {first} and {second} are equal within {margin}",
    unclear="not shown that the mean squared errors of {first} and {second} differ: {size}",
    lower_is_better=True,
    has_any_size=True,
    held_out="standardised validation mean squared error",
)


class Task(NamedTuple):
    """One kind of data and what is asked of it."""

    name: TaskName  # in params.yaml
    verb: str  # what its models do
    item: str  # what a row of results is
    unit: str  # of its length
    measure: Measure  # that they are compared by
    columns: Mapping[str, str]  # of the table of results: figure by heading, of those that reports/metrics.json has
    figures: tuple[str, ...]  # of a single run, as its note in MLflow shows those that there are
    scores: tuple[str, ...]  # all figures of a run, of which some are of two labels and some of more
    curve: str  # the metric beside the loss in a history
    row: str  # column of predictions that names a test row
    truth: str  # column of predictions with what a model should have said
    baselines: tuple[str, ...]  # models without recurrence
    split_methods: tuple[str, ...]
    outputs: tuple[str, ...]  # of a network
    poolings: tuple[str, ...]  # of a network's states
    has_labels: bool  # whether models choose among labels
    has_ensembles: bool  # whether several models may be joined into one
    has_groups: bool  # whether rows may belong together, as those of a person do, so that a split gets all or none
    rows_are_dependent: bool  # whether test rows follow each other in time


TEXTS = Task(
    name="text",
    verb="classifies texts",
    item="text",
    unit="word",
    measure=ACCURACY,
    columns={
        "test accuracy": "accuracy",
        "balanced accuracy": "balanced_accuracy",
        "F1": "f1",
        "macro F1": "macro_f1",
        "ROC AUC": "roc_auc",
        "log loss": "log_loss",
    },
    figures=("accuracy", "balanced_accuracy", "f1", "macro_f1", "roc_auc", "log_loss", "ece"),
    scores=(
        *("accuracy", "balanced_accuracy", "precision", "recall", "f1", "macro_precision", "macro_recall", "macro_f1"),
        *("weighted_f1", "mcc", "roc_auc", "log_loss", "brier", "ece"),
    ),
    curve="accuracy",
    row="id",
    truth="label",
    baselines=("majority", "tfidf", "nbsvm"),
    split_methods=("random", "column"),
    outputs=("auto", "sigmoid", "logits"),
    poolings=("last", "mean", "max", "mean_max", "sqrtn_max"),
    has_labels=True,
    has_ensembles=True,
    has_groups=False,
    rows_are_dependent=False,
)
TASKS: dict[TaskName, Task] = {
    "text": TEXTS,
    "series": Task(
        name="series",
        verb="predicts a series",
        item="window",
        unit="step",
        measure=MEAN_SQUARED_ERROR,
        columns={
            "test MSE": "mse",
            "RMSE": "rmse",
            "MAE": "mae",
            "R²": "r2",
        },
        figures=("mse", "rmse", "mae", "smape", "mase", "r2", "coverage"),
        scores=("mse", "rmse", "mae", "smape", "mase", "r2", "coverage", "interval_width"),
        curve="mae",
        row="row",
        truth="target",
        baselines=("last_value", "seasonal_naive", "drift", "linear", "ets", "arima"),
        split_methods=("chronological",),
        outputs=("auto", "linear"),
        poolings=("last",),
        has_labels=False,
        has_ensembles=False,
        has_groups=False,
        rows_are_dependent=True,
    ),
    "sequences": TEXTS._replace(
        name="sequences",
        verb="classifies sequences",
        item="sequence",
        unit="step",
        baselines=("majority", "summary", "dtw"),
        has_groups=True,
    ),
}
MEASURES = {task.measure.key: task.measure for task in TASKS.values()}


def is_known_ahead(covariate: str, known_ahead: Collection[str]) -> bool:
    """Whether the future values of a covariate of a series are known, by ``data.known_ahead``."""
    return covariate in known_ahead or ("calendar" in known_ahead and covariate.startswith(CALENDAR))


def has_steps(predictions: Any) -> bool:
    """Whether predictions are of a series in its own unit, step by step; up to 0.1.0 they were standardised."""
    return STEP in predictions


def in_units(predictions: Any, errors: Any) -> Any:
    """Returns errors of a table of predictions as multiples of their unit: of named series, that of each."""
    return errors / predictions[UNIT] if UNIT in predictions else errors


def times(predictions: Any) -> Any:
    """Returns the time of each window of a table of predictions, by its row: of named series, 0 is the last of each.

    Rows of the data stand for the time of a series without a name.
    """
    windows = predictions.drop_duplicates("row").set_index("row")
    if SERIES not in windows:
        return windows.index.to_series()
    rows = windows.index.to_series()
    return rows - rows.groupby(windows[SERIES]).transform("max")


def decide(probabilities: Any, thresholds: Any = None) -> Any:
    """Returns the number of the likeliest label, int16 of shape (rows,).

    Here as elsewhere, probabilities of two labels are those of the second, of shape (rows,), where those of more labels
    have the shape (rows, labels).

    Args:
        probabilities: of rows.
        thresholds: of each label, of shape (labels,): that label is chosen whose probability is the largest multiple of
            its threshold. Those of two labels add up to 1, so that the second is chosen from its threshold on.
    """
    if probabilities.ndim == 1:
        best = probabilities >= (THRESHOLD if thresholds is None else thresholds[1])
    else:
        best = (probabilities if thresholds is None else probabilities / thresholds).argmax(axis=1)
    return best.astype("int16")


def told(probabilities: Any, answers: Any) -> Any:
    """Returns the probability that stands beside an answer: of two labels that of the second, of more that of its own.

    Both answers and probabilities are of rows; the shape of the result is (rows,).
    """
    if probabilities.ndim == 1:
        return probabilities
    return probabilities[range(len(answers)), answers]


def answers(predictions: Any) -> Any:
    """Returns the number of the label that each row of a table of predictions gives.

    Tables of results up to 0.2.0 lack the column: they are of two labels, with the probability of the second.
    """
    if "predicted" in predictions:
        return predictions["predicted"]
    return (predictions["probability"] >= THRESHOLD).astype("int16")


def right(predictions: Any) -> Any:
    """Whether each row of a table of predictions gives the right label."""
    return answers(predictions) == predictions["label"]


def confidence(predictions: Any) -> Any:
    """Returns the probability of the label that each row of a table of predictions gives."""
    given = predictions["probability"]
    return given.where((answers(predictions) != 0) | has_more_than_two(predictions), 1 - given)


def forecasts(predictions: Any) -> tuple[Any, Any]:
    """Returns whether that is so to which each row of a table of predictions gives a probability, and the probability.

    Of two labels it is that the text has the second, of more that it has the label that is given.
    """
    is_so = right(predictions) if has_more_than_two(predictions) else predictions["label"] == 1
    return is_so, predictions["probability"]


def has_more_than_two(predictions: Any) -> bool:
    """Whether predictions of all test rows are of more than two labels: test rows hold every label."""
    return bool(predictions["label"].max() > 1)


def of_values(values: Mapping[str, Any]) -> Task:
    """Returns the task of unchecked parameters; results from before there were several are of the first."""
    return TASKS.get(values.get("task", "text"), TEXTS)


def of_metrics(metrics: Mapping[str, Any]) -> Task:
    """Returns the task whose figures reports/metrics.json has, or the first of those with the same."""
    return next(task for task in TASKS.values() if all(task.measure.key in model["mean"] for model in metrics.values()))
