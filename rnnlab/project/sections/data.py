"""Sections on the data: where they are, how they are split and checked, and how they become arrays."""

import codecs
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from rnnlab.project.errors import UNSEEN
from rnnlab.project.sections.kinds import (
    AUTO,
    LARGEST_COUNT,
    Fraction,
    Positive,
    Section,
    Seed,
    Share,
    Text,
    Width,
    list_to_tuple,
    refuse,
)

Period = Annotated[float, Field(gt=1, allow_inf_nan=False)]
Severity = Literal["critical", "warning"]
# Transformations of text rather than encodings of files; some take ages, or decode to what is not text.
NOT_OF_FILES = ("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7")
# Labels are compared with trimmed cells, and appear in tables, lines of files, and figures.
LABEL = re.compile(r"(?!\s).{1,100}(?<!\s)")
MOST_LABELS = 1_000
CLASSIC_CSV = "data/sample/classic.csv"
ClassicName = Literal["temporal_order", "copy", "parity", "dyck1", "dyck2", "adding"]
# Lengths.
SHORTEST: dict[ClassicName, int] = {"temporal_order": 10, "copy": 1, "parity": 2, "dyck1": 2, "dyck2": 4, "adding": 2}
NUMERIC: tuple[ClassicName, ...] = ("adding",)  # tasks of sequences of numbers; the others are texts of symbols
COPIED = 4  # symbols that are to be remembered in the copy task


def _labels_to_text(value: Any) -> Any:
    """Labels are compared as text: YAML reads 0 and 1 as numbers, a CSV holds characters."""
    if not isinstance(value, list | tuple):
        return value if value == AUTO else refuse("must be a list of labels, or the word auto")
    return tuple(str(label).lower() if isinstance(label, int | float) else label for label in value)


def _season(value: Any) -> Any:
    is_number = type(value) is int and 2 <= value <= LARGEST_COUNT
    return (
        value if is_number or value in (AUTO, "none") else refuse("must be a number of steps from 2 on, auto or none")
    )


def _is_pattern(text: str) -> bool:
    """Whether text is a pattern of files inside a folder."""
    try:
        return ".." not in Path(text).parts and not any(Path("/nowhere").glob(text))
    except (IndexError, NotImplementedError, ValueError):  # as Python's versions say that it is none
        return False


def is_label(text: str) -> bool:
    """Returns whether a text can be a label."""
    return bool(LABEL.fullmatch(text)) and not UNSEEN.search(text)


def is_encoding(name: str) -> bool:
    """Returns whether Python knows an encoding of text files by this name."""
    try:
        "".encode(name)
        return codecs.lookup(name).name not in NOT_OF_FILES
    except (LookupError, ValueError):
        return False


class Sample(Section):
    """The embedded corpus; its seed draws the embedded series too."""

    seed: Seed
    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    distance: Annotated[int, Field(ge=0, le=10_000)]
    far_share: Annotated[float, Field(ge=0, le=1)]
    distractor_share: Annotated[float, Field(ge=0, le=1)]
    negation_share: Share
    negation_gap: Annotated[int, Field(ge=0, le=100)]
    contrast_share: Share
    label_noise: Annotated[float, Field(ge=0, lt=0.5)]
    mixed_share: Share


class Wave(Section):
    """The embedded series."""

    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    periods: Annotated[tuple[Period, Period], BeforeValidator(list_to_tuple)]
    noise: Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Classic(Section):
    """One of the classic tasks of recurrent networks, see `rnnlab.data.classics`."""

    kind: ClassicName
    length: Annotated[int, Field(ge=1, le=10_000)]
    rows: Annotated[int, Field(ge=10, le=LARGEST_COUNT)]
    seed: Seed

    @model_validator(mode="after")
    def _is_long_enough(self) -> "Classic":
        if self.length < SHORTEST[self.kind]:
            refuse(f"length: {self.kind} needs {SHORTEST[self.kind]} at least, not {self.length}")
        if self.kind in ("dyck1", "dyck2") and self.length % 2:
            refuse(f"length: {self.kind} needs an even number of brackets, not {self.length}")
        return self

    @property
    def steps(self) -> int:
        """The number of symbols of the longest sequence; the copy task has some before and after its blanks."""
        return self.length + (COPIED + 1 if self.kind == "copy" else 0)


class Data(Section):
    """Where the data are, and in which format."""

    csv: Text
    value_column: Text
    text_column: Text
    label_column: Text
    labels: Annotated[tuple[str, ...] | Literal["auto"], BeforeValidator(_labels_to_text)]
    max_labels: Annotated[int, Field(ge=2, le=MOST_LABELS)]
    delimiter: Annotated[str, Field(min_length=1)]
    encoding: Annotated[str, Field(min_length=1)]
    header: bool
    max_megabytes: Positive
    files: Text
    engine: Literal["local", "ray"]
    covariates: Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)]
    known_ahead: Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)]
    time_column: Text | None
    series_column: Text | None
    missing: Literal["refuse", "carry_forward"]
    max_gap: Positive
    sequence_column: Text
    step_column: Text | None
    channels: Annotated[tuple[Text, ...], BeforeValidator(list_to_tuple)]

    @model_validator(mode="after")
    def _is_readable(self) -> "Data":
        if "://" in self.csv:  # DVC would ask whoever it names
            refuse("csv must be a path, not an address; `dvc import-url` brings such data")
        if not _is_pattern(self.files):
            refuse("files must be a pattern inside the folder, such as *.csv")
        if self.delimiter != "tab" and (len(self.delimiter) != 1 or self.delimiter in '"\r\n'):
            refuse("delimiter must be one character or the word tab")
        if self.labels != AUTO:
            if not 2 <= len(self.labels) <= self.max_labels:
                refuse(f"labels: names {len(self.labels)}; expected 2 to {self.max_labels} (data.max_labels)")
            if len(set(self.labels)) < len(self.labels):
                refuse("labels must be different names")
            if not all(map(is_label, self.labels)):
                refuse("labels must be 1 to 100 visible characters on one line, without spaces around them")
        if len({self.value_column, *self.covariates}) <= len(self.covariates):
            refuse("covariates must be different columns, and others than value_column, whose past is used anyway")
        if self.series_column in {self.value_column, self.time_column} - {None}:
            refuse("series_column must be a column of names, and another than value_column and time_column")
        for name in self.known_ahead:
            if name not in (*self.covariates, "calendar"):
                refuse(f"known_ahead: {name} is neither in covariates nor the word calendar")
        if not is_encoding(self.encoding):
            refuse("encoding must be one that Python knows for text files, such as utf-8")
        return self


class Split(Section):
    """How rows become train, validation and test."""

    seed: Seed
    method: Literal["random", "column", "chronological"]
    column: Text
    test_fraction: Fraction
    validation_fraction: Fraction
    train_share: Annotated[float, Field(gt=0, le=1)]
    group_column: Text | None
    until: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _has_an_end(self) -> "Split":
        if self.until < 1 and self.method != "chronological":
            refuse(f"until: only rows in the order of time can end earlier, not by method {self.method}; set 1.0")
        return self


class Severities(Section):
    """What happens when a check fails."""

    schema_: Severity = Field(alias="schema")
    nulls: Severity
    labels: Severity
    duplicates: Severity
    leakage: Severity
    rows: Severity
    balance: Severity
    lengths: Severity
    rejected: Severity
    covariates: Severity
    checks: Severity


OWN_CHECKS = tuple(info.alias or name for name, info in Severities.model_fields.items())


class Validate(Section):
    """Limits that the data are checked against."""

    min_rows_per_class: Positive
    min_minority_share: Annotated[float, Field(ge=0, le=0.5)]
    min_words: Positive
    max_words: Positive
    max_rejected_share: Annotated[float, Field(ge=0, le=1)]
    checks: Annotated[tuple[str, ...], BeforeValidator(list_to_tuple)]
    severity: Severities

    def severity_of(self, check: str) -> Severity:
        """Returns what happens when a check fails, one of ours or one of ``checks``."""
        key = "checks" if check in self.checks else "schema_" if check == "schema" else check
        found: Severity = getattr(self.severity, key)
        return found


class TokenizePad(Section):
    """How texts become arrays of word ids."""

    vocabulary_size: Annotated[int, Field(ge=3, le=LARGEST_COUNT)]
    max_length: Width
    padding: Literal["pre", "post"]
    truncation: Literal["pre", "middle", "post"]
    oov_token: Text


class Series(Section):
    """How a series becomes windows."""

    window: Width
    horizon: Width
    season: Annotated[int | Literal["auto", "none"], BeforeValidator(_season)]
    calendar: bool

    @model_validator(mode="after")
    def _season_is_seen(self) -> "Series":
        if isinstance(self.season, int) and self.season > self.window:
            refuse(f"season: {self.season} steps are more than a window has ({self.window}); raise window")
        return self


class Sequences(Section):
    """How sequences become arrays."""

    max_length: Width
