"""Settings that fit a stranger's data, and the named experiment that holds them."""

import json
import math
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.data import choosing, labels, looking, profiles, series
from rnnlab.data.choosing import Ask, Choice, Wanted
from rnnlab.data.guesses import CERTAIN, LIKELY
from rnnlab.data.looking import Table
from rnnlab.data.profiles import MOST_WORDS, Profile, smallest
from rnnlab.experiments import catalogue
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_text
from rnnlab.project.overrides import changed
from rnnlab.project.params import AUTO, Params
from rnnlab.project.validation_messages import read_yaml

WRITTEN = "Nothing: written by rnnlab use"  # at the beginning of what such an experiment reproduces
LONGEST = 400  # words that a network reads of a text; more take longer than they help
SLACK = 0.02  # share of rows above those rejected when it was written
PER_WORD = {"simple_rnn": 1.8e-7, "gru": 2.4e-7, "lstm": 2.4e-7}  # seconds a unit, on two cores: IMDB took as long
PER_TRAINING, PER_RUN = 8.0, 60.0  # seconds
SHOWN = 6  # labels in a table
Finding = tuple[str, str, str, str]


class Setting(NamedTuple):
    """A parameter by dotted key, and why it has this value."""

    key: str
    value: Any
    why: str = ""


class Size(NamedTuple):
    """What fits data of at most so many training rows."""

    rows: float
    units: int
    embedding_dim: int
    epochs: int
    patience: int
    batch_size: int
    learning_rate: float
    dropout: float


SIZES = (
    Size(1_000, 16, 16, 60, 10, 16, 0.005, 0.3),
    Size(5_000, 32, 32, 40, 6, 32, 0.003, 0.3),
    Size(20_000, 32, 32, 15, 4, 64, 0.002, 0.4),
    Size(math.inf, 64, 64, 5, 2, 128, 0.001, 0.4),
)


class Plan(NamedTuple):
    """What a look at the data led to.

    Attributes:
        findings: what was found, in words: what it is of, the value, how sure it is, and why.
        title: of the experiment, and what it expects.
        changes: to the project's parameters.
        runs: number of trainings.
        minutes: that all takes on two cores, very roughly.
    """

    findings: list[Finding]
    title: str
    expects: str
    changes: list[Setting]
    runs: int
    minutes: float


def plan(settings: Params, source: Path, csv: str, wanted: Wanted, ask: Ask) -> Plan:
    """Looks at a file or folder that the project is to know as ``csv``; asks where several columns could be meant.

    Raises:
        UserError: the data cannot be used; says why.
    """
    table = looking.look(source, settings.data)
    choice = choosing.choose(table, wanted, settings.data.max_labels, ask)
    read = [(name, guess.value, guess.sure, guess.why) for name, guess in table.guesses.items()]
    read += [(f"{name} column", guess.value, guess.sure, guess.why) for name, guess in choice.columns.items()]
    return PLANS[choice.task](settings, table, choice, csv, read)


def _plan_texts(settings: Params, table: Table, choice: Choice, csv: str, read: list[Finding]) -> Plan:
    text, label = (choice.columns[name].value for name in ("text", "label"))
    data = table.data.model_copy(update={"text_column": text, "label_column": label})
    profile = profiles.read(table.files, data, choice.split)
    split = settings.split
    fewest = 1 if choice.split else profiles.needed(split.test_fraction, split.validation_fraction)
    if wrong := labels.problem(profile.labels, data.max_labels, fewest):
        raise UserError(f"{table.files[0]}: column {label!r} {wrong}; --label names another column")
    changes = of_texts(settings, table, choice, profile, csv)
    tried = changed(settings, {setting.key: setting.value for setting in changes}, Path(csv))
    rows = sum(count for (part, _), count in profile.splits.items() if part == "train") or sum(profile.labels.values())
    title = f"{' against '.join(tried.compare)} on {Path(csv).name}"
    expects = "No figure: nothing is known of these data but what the comments say."
    minutes = estimate(tried, rows, profile.lengths.mean)
    return Plan([*read, *_found(profile)], title, expects, changes, len(tried.runs), minutes)


def _found(profile: Profile) -> list[Finding]:
    frequent = profile.labels.most_common()
    shown = ", ".join(f"{label} {count:,}" for label, count in frequent[:SHOWN])
    more = f", and {len(frequent) - SHOWN:,} more" if len(frequent) > SHOWN else ""
    words, seen = profile.lengths, profile.vocabulary
    left_out = f"{profile.duplicates:,} duplicates, {profile.blank:,} without text or label"
    parts = ", ".join(
        f"{part} {sum(count for (name, _), count in profile.splits.items() if name == part):,}"
        for part in dict.fromkeys(part for part, _ in profile.splits)
    )
    told = f"95 % have at most {words.most:,}, one has {words.longest:,}"
    growth = f"{seen.frequent:,} seen twice or more, {seen.half:,} in half the texts"
    return [
        ("rows", f"{profile.rows:,}", CERTAIN, left_out),
        ("labels", f"{len(frequent)}: {shown}{more}", CERTAIN, "of rows that are kept"),
        *([("splits", parts, CERTAIN, "named by the file")] if parts else []),
        ("words per text", f"{words.median:,} (median)", CERTAIN, told),
        ("vocabulary", f"{seen.words:,} words", LIKELY, growth),
    ]


def _plan_series(settings: Params, table: Table, choice: Choice, csv: str, read: list[Finding]) -> Plan:
    value = choice.columns["value"].value
    values = len(series.read(table.files[0], table.data.model_copy(update={"value_column": value})).values)
    changes = of_series(settings, table, choice, values, csv)
    tried = changed(settings, {setting.key: setting.value for setting in changes}, Path(csv))
    title = f"{' against '.join(tried.compare)} on column {value} of {Path(csv).name}"
    expects = "No figure: nothing is known of this series. It should beat repeating the last value."
    minutes = estimate(tried, round(0.72 * values), tried.series.window)
    return Plan([*read, ("values", f"{values:,}", CERTAIN, "")], title, expects, changes, len(tried.runs), minutes)


PLANS = {"text": _plan_texts, "series": _plan_series}


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
        *_reading(table, csv),
        Setting("data.text_column", choice.columns["text"].value),
        Setting("data.label_column", choice.columns["label"].value),
        Setting("data.labels", AUTO, f"{len(profile.labels)} labels"),
        *_splitting(choice),
        *_limits(settings, profile),
        *_words(profile),
        *_networks(settings, profile),
        Setting("baselines", ["majority", "tfidf", "nbsvm"]),
        Setting("evaluate.slices", [], "columns whose values results are split by, such as a product or a year"),
    ]


def _reading(table: Table, csv: str) -> list[Setting]:
    data = table.data
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
    if (rejected := (profile.blank + profile.duplicates) / profile.rows) > limits.max_rejected_share - SLACK:
        why = f"{profile.duplicates:,} duplicates and {profile.blank:,} rows without text or label are left out"
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


def _networks(settings: Params, profile: Profile) -> list[Setting]:
    size, rows = _fitting(profile), sum(profile.labels.values())
    found = [
        Setting("train.epochs", size.epochs, f"at most, for {rows:,} rows; more rows need fewer"),
        Setting("train.patience", size.patience),
        Setting("train.batch_size", size.batch_size),
        Setting("train.learning_rate", size.learning_rate),
        Setting("train.clip_norm", 1.0),
    ]
    for model in settings.compare:
        of_model: dict[str, Any] = {"units": size.units, "embedding_dim": size.embedding_dim}
        of_model |= {"embedding_dropout": size.dropout, "dropout": size.dropout, "output": AUTO}
        why = "enough for so many rows; all models get as many"
        found += [Setting(f"models.{model}.{key}", value, why * (key == "units")) for key, value in of_model.items()]
    return found


def of_series(settings: Params, table: Table, choice: Choice, values: int, csv: str) -> list[Setting]:
    """Returns the changes to the project's parameters that make it run on a series of so many values."""
    window = min(30, max(2, values // 20))
    found = [
        Setting("task", "series"),
        *_reading(table, csv),
        Setting("data.value_column", choice.columns["value"].value),
        Setting("split.method", "chronological"),
        Setting("series.window", window, "values that the next one is predicted from"),
        Setting("train.epochs", 60 if values < 20_000 else 15, f"at most, for {values:,} values"),
        Setting("train.patience", 10 if values < 20_000 else 4),
        Setting("train.batch_size", 64 if values < 20_000 else 256),
        Setting("train.learning_rate", 0.01),
        Setting("train.clip_norm", 1.0),
        Setting("baselines", ["last_value", "seasonal_naive", "linear"]),
        Setting("ensemble", []),
        Setting("evaluate.slices", []),
    ]
    smallest_split = round(0.1 * 0.8 * values)
    if smallest_split < settings.validate_.min_rows_per_class:
        found.append(Setting("validate.min_rows_per_class", max(1, smallest_split)))
    for model in settings.compare:
        of_model = {"units": 32, "dropout": 0.0, "output": AUTO, "pooling": "last"}
        found += [Setting(f"models.{model}.{key}", value) for key, value in of_model.items()]
    return found


def estimate(settings: Params, rows: int, words: float) -> float:
    """Estimates roughly how many minutes a run takes on two cores.

    Args:
        settings: with all changes.
        rows: for training.
        words: of a text, or values of a window, on average.
    """
    seconds = PER_RUN
    for run in settings.runs:
        model = settings.models[run.model]
        steps = settings.training_of(run.model).epochs * rows * words * model.layers * (1 + model.bidirectional)
        seconds += PER_TRAINING + PER_WORD[model.cell] * model.units * steps
    return seconds / 60


def write(name: str, plan: Plan, settings: Params) -> Path:
    """Writes experiments/NAME.yaml; see `free_name`."""
    target = layout.EXPERIMENTS / f"{name}.yaml"
    by_key = {setting.key: setting.value for setting in plan.changes}
    changed(settings, by_key, target)
    facts = {"title": plan.title, "reproduces": f"{WRITTEN}, from a look at the data.", "expects": plan.expects}
    head = {**facts, "data": "own"}
    # JSON is YAML; a line each can be read and edited.
    lines = [f"{key}: {_written(value)}" for key, value in head.items()]
    write_text(target, "\n".join([*lines, "params:", *map(_line, plan.changes), ""]))
    catalogue.load(name, settings)
    return target


def free_name(wanted: str | None, name: str, csv: str) -> str:
    """Returns the wanted name of an experiment on a file, or else one like ``name``.

    It is free, or that of an earlier look at the same file.

    Raises:
        UserError: the wanted name is that of an experiment about something else.
    """
    if wanted and not _is_free(wanted, csv):
        taken = layout.EXPERIMENTS / f"{wanted}.yaml"
        raise UserError(f"{taken}: an experiment about something else has this name; choose another with --name")
    others = (f"{name}-{number}" for number in count(2))
    return wanted or next(each for each in chain([name], others) if _is_free(each, csv))


def _is_free(name: str, csv: str) -> bool:
    target = layout.EXPERIMENTS / f"{name}.yaml"
    if not target.exists():
        return True
    known = read_yaml(target)
    is_ours = isinstance(known, dict) and str(known.get("reproduces", "")).startswith(WRITTEN)
    return is_ours and (known.get("params") or {}).get("data.csv") == csv


def _line(setting: Setting) -> str:
    line = f"  {setting.key}: {_written(setting.value)}"
    return f"{line}  # {setting.why}" if setting.why else line


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
