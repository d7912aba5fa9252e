"""What a look at a stranger's data leads to: a named experiment with settings that fit."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.data import choosing, labels, looking, profiles, series, sources
from rnnlab.data.choosing import Ask, Choice, Wanted
from rnnlab.data.looking import Table
from rnnlab.data.profiles import Profile
from rnnlab.experiments import fitting
from rnnlab.experiments.fitting import Setting
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_text
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from rnnlab.project.validation_messages import read_yaml

WRITTEN = "Nothing: written by rnnlab use"  # at the beginning of what such an experiment reproduces
SHOWN = 6  # labels in a table


class Plan(NamedTuple):
    """What was found in a file, and what to do with it.

    Attributes:
        findings: rows of a table: what, found, how sure, and why.
        changes: to the project's parameters, all but the path of the file.
        title: of the experiment.
        rows: for training.
        words: of a text, or values of a window, on average.
    """

    findings: list[tuple[str, str, str, str]]
    changes: list[Setting]
    title: str
    rows: int
    words: float


def plan(settings: Params, source: Path, wanted: Wanted, ask: Ask) -> Plan:
    """Looks at a file or folder, and says how the project would compare its networks on it.

    Args:
        settings: of the project.
        source: the file or folder.
        wanted: the columns that the user named.
        ask: called where several columns could be meant.

    Raises:
        UserError: the file cannot be used; says why.
    """
    table = looking.look(source, settings.data)
    choice = choosing.choose(table, wanted, labels.MOST_LABELS, ask)
    names = {f"{kind}_column": guess.value for kind, guess in choice.columns.items() if kind != "split"}
    table = table._replace(data=table.data.model_copy(update=names))
    found = [("file", f"{source}, {table.total:,} rows", "", "")]
    found += [(name, *guess) for name, guess in table.guesses.items()]
    found += [(name, *guess) for name, guess in choice.columns.items()]
    return PLANS[choice.task](settings, table, choice, found)


def _of_texts(settings: Params, table: Table, choice: Choice, found: list[tuple[str, str, str, str]]) -> Plan:
    profile = profiles.read(table.files, table.data, choice.split)
    fewest = profiles.needed(settings.split.test_fraction, settings.split.validation_fraction)
    column = choice.columns["label"].value
    if problem := labels.problem(profile.labels, labels.MOST_LABELS, fewest):
        raise UserError(f"{table.files[0]}: column {column!r} {problem}")
    if not profiles.smallest(profile, settings.split.test_fraction, settings.split.validation_fraction):
        problem = f"column {choice.split!r} leaves a split without a row of some label"
        raise UserError(f"{table.files[0]}: {problem}; each of train, validation and test needs one")
    rows = sum(profile.labels.values())
    share = settings.split.test_fraction
    trained = sum(count for (split, _), count in profile.splits.items() if split == "train") or round(
        rows * (1 - share)
    )
    words = min(profile.lengths.mean, fitting.max_length(profile))
    title = f"{', '.join(settings.compare)} on {table.files[0].name}: {len(profile.labels)} labels of {rows:,} texts"
    return Plan(found + _told(profile), fitting.of_texts(settings, table, choice, profile), title, trained, words)


def _told(profile: Profile) -> list[tuple[str, str, str, str]]:
    """Returns what the counts say, as rows of the table."""
    common = profile.labels.most_common(SHOWN)
    more = f" and {len(profile.labels) - SHOWN} more" if len(profile.labels) > SHOWN else ""
    counted = ", ".join(f"{label} {count:,}" for label, count in common) + more
    lengths, vocabulary = profile.lengths, profile.vocabulary
    growth = vocabulary.words / max(1, vocabulary.half) - 1
    return [
        ("labels", counted, "", "without blank rows and duplicates"),
        ("left out", f"{profile.duplicates:,} duplicates, {profile.blank:,} without text or label", "", ""),
        ("words", f"median {lengths.median:,}, 95 % up to {lengths.most:,}, longest {lengths.longest:,}", "", ""),
        (
            "vocabulary",
            f"{vocabulary.words:,} words, {vocabulary.frequent:,} of them seen twice or more",
            "",
            f"these make {vocabulary.coverage:.0%} of all; twice the texts have {growth:.0%} more",
        ),
    ]


def _of_series(settings: Params, table: Table, choice: Choice, found: list[tuple[str, str, str, str]]) -> Plan:
    if len(table.files) > 1 or sources.suffix(table.files[0]) in (".parquet", *sources.JSON_LINES):
        raise UserError(f"{table.files[0]}: holds a series, which the pipeline reads from a single CSV; export one")
    values = len(series.read_values(table.files[0], table.data))
    column = choice.columns["value"].value
    title = f"{', '.join(settings.compare)} on {table.files[0].name}: the next of {values:,} values of {column}"
    changes = fitting.of_series(settings, table, choice, values)
    window = next(setting.value for setting in changes if setting.key == "series.window")
    return Plan(found, changes, title, round(values * 0.7), window)


PLANS = {"text": _of_texts, "series": _of_series}


def write(name: str, plan: Plan, csv: Path, settings: Params) -> tuple[Path, float]:
    """Writes experiments/NAME.yaml; that of an earlier look at the same file is replaced.

    Returns:
        The file, and roughly how many minutes the experiment takes.

    Raises:
        UserError: there is an experiment of that name that is about something else.
    """
    target = layout.EXPERIMENTS / f"{name}.yaml"
    changes = [Setting("data.csv", csv.as_posix()), *plan.changes]
    by_key = {setting.key: setting.value for setting in changes}
    check_free(target, csv)
    after = changed(settings, by_key, target)
    head = {
        "title": plan.title,
        "reproduces": f"{WRITTEN}, from a look at the data.",
        "expects": "Unknown: settings that fit the size of the data, the same for all networks; none was tuned.",
        "data": "own",
    }
    # JSON is YAML; a line each can be read and edited.
    lines = [f"{key}: {_written(value)}" for key, value in head.items()]
    write_text(target, "\n".join([*lines, "params:", *map(_line, changes), ""]))
    return target, fitting.minutes(after, plan.rows, plan.words)


def check_free(target: Path, csv: Path) -> None:
    """Refuses to replace an experiment that `write` has not written for the same data.

    Raises:
        UserError: there is one.
    """
    if not target.exists():
        return
    known = read_yaml(target)
    values: Mapping[str, Any] = known if isinstance(known, dict) else {}
    is_ours = str(values.get("reproduces", "")).startswith(WRITTEN)
    if not is_ours or (values.get("params") or {}).get("data.csv") != csv.as_posix():
        raise UserError(f"{target}: an experiment about something else has this name; choose another with --name")


def _line(setting: Setting) -> str:
    line = f"  {setting.key}: {_written(setting.value)}"
    return f"{line}  # {setting.why}" if setting.why else line


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
