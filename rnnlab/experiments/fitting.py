"""Settings that fit a stranger's data."""

import math
from typing import Any, NamedTuple

from rnnlab.data.choosing import Choice
from rnnlab.data.guesses import TOLD
from rnnlab.data.looking import Table
from rnnlab.data.profiles import MOST_WORDS, Profile, smallest
from rnnlab.project.params import Params
from rnnlab.project.sections.data import Data
from rnnlab.project.sections.kinds import AUTO

LONGEST = 400  # words that a network reads of a text; more take longer than they help
MOST_STEPS = 512  # that a network reads of a sequence
MOST_COMPARED = 2_000  # sequences that dtw compares each other one with
FEWEST_GROUPS = 5  # of which three are left to learn from
SLACK = 0.02  # share of rows above those rejected when it was written
PER_WORD = {"simple_rnn": 3e-8, "gru": 6e-8, "lstm": 6e-8}  # seconds a unit, on a core: 3,000 reviews took as long
PER_TRAINING, PER_RUN = 12.0, 60.0  # seconds
CORES = 2  # that trainings run on side by side


class Setting(NamedTuple):
    """A parameter by dotted key, and why it has this value."""

    key: str
    value: Any
    why: str = ""


class Size(NamedTuple):
    """What fits data of at most so many training rows."""

    rows: float
    units: int
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    embedding_dim: int = 0
    dropout: float = 0.0


SIZES = (
    Size(1_000, 16, 60, 10, 16, 0.005, 16, 0.3),
    Size(5_000, 32, 40, 6, 32, 0.003, 32, 0.3),
    Size(20_000, 32, 15, 4, 64, 0.002, 32, 0.4),
    Size(math.inf, 64, 5, 2, 128, 0.001, 64, 0.4),
)


def of_texts(settings: Params, table: Table, choice: Choice, profile: Profile, csv: str) -> list[Setting]:
    """Returns the changes to the project's parameters that make it run on labelled texts.

    Args:
        settings: of the project.
        table: how the file is to be read.
        choice: its columns.
        profile: what it holds.
        csv: the path of the file inside the project.
    """
    return [
        Setting("task", "text"),
        *reading(table.data, csv),
        Setting("data.text_column", choice.columns["text"].value),
        Setting("data.label_column", choice.columns["label"].value),
        *_labels(settings, profile),
        *_splitting(choice),
        Setting("split.group_column", None),
        *_limits(settings, profile),
        *_words(profile),
        *_networks(settings, profile),
        Setting("baselines", ["majority", "tfidf", "nbsvm"]),
        Setting("evaluate.slices", [], "columns whose values results are split by, such as a product or a year"),
    ]


def _labels(settings: Params, profile: Profile) -> list[Setting]:
    found, count = [], len(profile.labels)
    if count > settings.data.max_labels:
        found.append(Setting("data.max_labels", count, "each seen many times, so they are no ids"))
    if not profile.missing and not profile.rare:
        return [*found, Setting("data.labels", AUTO, f"{count} labels")]
    rows, rare = profile.missing, len(profile.rare)  # which would be labels of their own
    why = [f"{rows:,} rows name none"] * bool(rows) + [f"{rare} with too few rows left out"] * bool(rare)
    return [*found, Setting("data.labels", sorted(profile.labels), ", ".join(why))]


def reading(data: Data, csv: str) -> list[Setting]:
    """Returns what says how a file is read."""
    files = [Setting("data.files", data.files, "those of the folder")] if data.files != "*" else []
    return [
        Setting("data.csv", csv),
        *files,
        Setting("data.delimiter", data.delimiter),
        Setting("data.encoding", data.encoding),
        Setting("data.header", data.header, "" if data.header else "columns are named by their number"),
    ]


def _splitting(choice: Choice) -> list[Setting]:
    if choice.split:
        return [
            Setting("split.method", "column", "the file names each row's split"),
            Setting("split.column", choice.split),
        ]
    return [Setting("split.method", "random", "no column names splits")]


def _limits(settings: Params, profile: Profile) -> list[Setting]:
    """Limits that data like these pass, and others would not."""
    limits, found = settings.validate_, []
    fewest = smallest(profile, settings.split.test_fraction, settings.split.validation_fraction)
    if fewest < limits.min_rows_per_class:
        why = f"the rarest label has some {fewest} rows in its smallest split: a score on these says little"
        found.append(Setting("validate.min_rows_per_class", max(1, int(0.8 * fewest)), why))
    blank = profile.blank + profile.rare.total()
    if (rejected := (blank + profile.duplicates) / profile.rows) > limits.max_rejected_share - SLACK:
        why = f"{profile.duplicates:,} duplicates and {blank:,} rows without text or label are left out"
        found.append(Setting("validate.max_rejected_share", min(1.0, round(rejected + SLACK, 2)), why))
    if profile.lengths.longest > limits.max_words:
        longest = _up(profile.lengths.longest, 1000)
        found.append(Setting("validate.max_words", longest, f"the longest text has {profile.lengths.longest:,}"))
    return found


def _words(profile: Profile) -> list[Setting]:
    length, vocabulary = max_length(profile), profile.vocabulary
    whole = f"95 % of the texts have at most {profile.lengths.most:,} words"
    size = vocabulary_size(profile)
    told = f"{vocabulary.frequent:,} words are seen twice or more, {vocabulary.coverage:.0%} of all words"
    return [
        Setting("tokenize_pad.max_length", length, whole),
        Setting("tokenize_pad.vocabulary_size", size, told),
    ]


def max_length(profile: Profile) -> int:
    """Returns how many words of a text are read: all of nearly every text, up to a limit."""
    return min(LONGEST, max(8, _up(profile.lengths.most, 8)))


def vocabulary_size(profile: Profile) -> int:
    """Returns the number of word ids: one for each word seen twice, rounded, up to a limit."""
    frequent = profile.vocabulary.frequent
    return min(MOST_WORDS, max(100, _up(frequent, 100 if frequent < 2_000 else 1_000)))


def _up(number: int, step: int) -> int:
    return math.ceil(number / step) * step


def _fitting(profile: Profile) -> Size:
    rows = sum(profile.labels.values())
    return next(size for size in SIZES if rows <= size.rows)


def training(size: Size, rows: int) -> list[Setting]:
    """Returns how networks of a size are trained on so many rows."""
    return [
        Setting("train.epochs", size.epochs, f"at most, for {rows:,} rows; more rows need fewer"),
        Setting("train.patience", size.patience),
        Setting("train.batch_size", size.batch_size),
        Setting("train.learning_rate", size.learning_rate),
        Setting("train.clip_norm", 1.0),
    ]


def _networks(settings: Params, profile: Profile) -> list[Setting]:
    size, rows = _fitting(profile), sum(profile.labels.values())
    found = training(size, rows)
    for model in settings.compare:
        of_model: dict[str, Any] = {"units": size.units, "embedding_dim": size.embedding_dim}
        of_model |= {"embedding_dropout": size.dropout, "dropout": size.dropout, "output": AUTO, "residual": False}
        why = "enough for so many rows; all models get as many"
        found += [Setting(f"models.{model}.{key}", value, why * (key == "units")) for key, value in of_model.items()]
    return found


def of_sequences(settings: Params, table: Table, choice: Choice, profile: Profile, csv: str) -> list[Setting]:
    """Returns the changes to the project's parameters that make it run on labelled sequences; see `of_texts`."""
    columns = {name: guess.value for name, guess in choice.columns.items()}
    longest, baselines = profile.lengths.longest, ["majority", "summary", "dtw"]
    return [
        Setting("task", "sequences"),
        *reading(table.data, csv),
        Setting("data.sequence_column", columns["sequence"]),
        Setting("data.step_column", columns.get("step"), "" if "step" in columns else "rows are in their order"),
        Setting("data.channels", list(choice.channels), "columns of numbers that change within sequences"),
        Setting("data.label_column", columns["label"]),
        *_labels(settings, profile),
        *_splitting(choice),
        *_grouping(settings, choice, profile),
        Setting("sequences.max_length", min(MOST_STEPS, longest), f"the longest has {longest:,} steps"),
        *(each for each in _networks(settings, profile) if "embedding" not in each.key),
        Setting("baselines", baselines[: 3 if profile.labels.total() <= MOST_COMPARED else 2]),
        Setting("ensemble", []),
    ]


def _grouping(settings: Params, choice: Choice, profile: Profile) -> list[Setting]:
    """Keeps groups apart where there are enough of them, or the user names them; else results are split by them."""
    column, found, limits = choice.columns.get("group"), len(profile.groups), _limits(settings, profile)
    if column and not choice.split and (column.sure == TOLD or found >= FEWEST_GROUPS):
        told = f"each of the {found} is in one split only, so that the score is that of new ones"
        few = Setting("validate.min_rows_per_class", 1, "whole groups are drawn, whatever labels they have")
        others = [limit for limit in limits if limit.key != few.key]
        return [Setting("split.group_column", column.value, told), Setting("evaluate.slices", []), few, *others]
    told = f"split.group_column would keep them apart, but of {found} few would be left to learn from"
    slices = [column.value] if column else []
    return [Setting("split.group_column", None), Setting("evaluate.slices", slices, told * bool(column)), *limits]


def estimate(settings: Params, rows: int, words: float) -> float:
    """Estimates roughly how many minutes a run takes on two cores if no training stops early.

    Args:
        settings: with all changes.
        rows: for training.
        words: of a text, or values of a window, on average.
    """
    seconds = 0.0
    for run in settings.runs:
        model = settings.models[run.model]
        steps = settings.training_of(run.model).epochs * rows * words * model.layers * (1 + model.bidirectional)
        seconds += PER_TRAINING + PER_WORD.get(model.cell, PER_WORD["lstm"]) * model.units * steps
    return (PER_RUN + seconds / CORES) / 60
