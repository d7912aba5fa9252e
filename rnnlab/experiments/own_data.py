"""From a look at a stranger's data to the named experiment that fits it."""

import json
import tempfile
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

from rnnlab.data import choosing, labels, looking, profiles, series_profiles
from rnnlab.data.choosing import Ask, Choice, Wanted
from rnnlab.data.guesses import CERTAIN, GUESSED, LIKELY
from rnnlab.data.looking import Table
from rnnlab.data.profiles import Profile
from rnnlab.data.series_profiles import SeriesProfile
from rnnlab.data.steps import Columns
from rnnlab.experiments import catalogue
from rnnlab.experiments.fitting import Setting, estimate, of_sequences, of_texts
from rnnlab.experiments.fitting_series import of_series, outside, shape
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.files import write_text
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from rnnlab.project.sections.data import MOST_LABELS
from rnnlab.project.validation_messages import read_yaml

WRITTEN = "Nothing: written by rnnlab use"  # at the beginning of what such an experiment reproduces
SHOWN = 6  # labels in a table
TREND = 0.2  # share of values beyond the training rows
Finding = tuple[str, str, str, str]


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
    profile = _usable(settings, table, choice, profiles.read(table.files, data, choice.split))
    changes = of_texts(settings, table, choice, profile, csv)
    tried = changed(settings, {setting.key: setting.value for setting in changes}, Path(csv))
    rows = profile.by_split["train"] or sum(profile.labels.values())
    title = f"{' against '.join(tried.compare)} on {Path(csv).name}"
    expects = "No figure: nothing is known of these data but what the comments say."
    minutes = estimate(tried, rows, profile.lengths.mean)
    return Plan([*read, *_found(profile)], title, expects, changes, len(tried.runs), minutes)


def _found(profile: Profile) -> list[Finding]:
    seen = profile.vocabulary
    growth = f"{seen.frequent:,} seen twice or more, {seen.half:,} in half the texts"
    return [*_counted(profile, "text", "word"), ("vocabulary", f"{seen.words:,} words", LIKELY, growth)]


def _counted(profile: Profile, item: str, unit: str) -> list[Finding]:
    frequent = profile.labels.most_common()
    shown = ", ".join(f"{label} {count:,}" for label, count in frequent[:SHOWN])
    more = f", and {len(frequent) - SHOWN:,} more" if len(frequent) > SHOWN else ""
    words = profile.lengths
    left_out = f"{profile.duplicates:,} duplicates, {profile.blank:,} without {item} or label"
    rare = ", ".join(f"{label} {count}" for label, count in profile.rare.items())
    parts = ", ".join(f"{part} {rows:,}" for part, rows in profile.by_split.items())
    told = f"95 % have at most {words.most:,}, one has {words.longest:,}"
    return [
        (f"{item}s", f"{profile.rows:,}", CERTAIN, left_out),
        ("labels", f"{len(frequent)}: {shown}{more}", CERTAIN, "of rows that are kept"),
        *([("left out", rare, CERTAIN, "labels with too few rows for each split to have one")] if rare else []),
        *([("splits", parts, CERTAIN, "named by the file")] if parts else []),
        (f"{unit}s per {item}", f"{words.median:,} (median)", CERTAIN, told),
    ]


def _plan_series(settings: Params, table: Table, choice: Choice, csv: str, read: list[Finding]) -> Plan:
    value, split = choice.columns["value"].value, settings.split
    share = (1 - split.test_fraction) * (1 - split.validation_fraction)
    names = choice.columns.get("series")
    profile = series_profiles.read(table, value, share, names.value if names else None)
    changes = of_series(settings, profile, csv)
    tried = changed(settings, {setting.key: setting.value for setting in changes}, Path(csv))
    title = f"{' against '.join(tried.compare)} on column {value} of {Path(csv).name}"
    expects = "No figure: nothing is known of this series. It should beat repeating the last value."
    trend = list[Finding]()
    if (share := outside(tried, profile)) > TREND:
        is_residual = all(tried.models[model].residual for model in tried.compare)
        remedy = (
            "networks add to the last value" if is_residual else "networks follow no such trend; try residual: true"
        )
        told = f"{share:.0%} of the validation values are beyond all training values: {remedy}"
        trend = [("trend", "yes", LIKELY, told)]
    minutes = estimate(tried, round(0.72 * sum(profile.lengths)), tried.series.window)
    return Plan([*read, *_found_in_series(profile, tried), *trend], title, expects, changes, len(tried.runs), minutes)


def _found_in_series(profile: SeriesProfile, tried: Params) -> list[Finding]:
    options, time, names = tried.series, profile.time, profile.names
    gaps = ", ".join(f"{count:,} of {name}" for name, count in profile.gaps.items())
    beside = ", ".join(tried.data.covariates)
    several = [("series", f"{len(profile.by_name):,}, named by {names.value}", names.sure, names.why)]
    return [
        *(several if names.value else []),
        ("time column", time.value or "none", time.sure, time.why),
        ("beside it", f"{len(tried.data.covariates)}: {beside}" if beside else "none", LIKELY, profile.beside),
        ("rows", f"{sum(profile.lengths):,}", CERTAIN, f"without a value: {gaps}" if gaps else "each has a value"),
        ("season", f"{options.season}", LIKELY, shape(tried, profile).why["season"]),
        ("forecast", f"{options.horizon} from {options.window}", GUESSED, "steps ahead, and rows that are seen"),
    ]


def _plan_sequences(settings: Params, table: Table, choice: Choice, csv: str, read: list[Finding]) -> Plan:
    columns = {name: guess.value for name, guess in choice.columns.items()}
    label, group = columns["label"], columns.get("group")
    names = {"sequence_column": columns["sequence"], "step_column": columns.get("step"), "label_column": label}
    facts = {f"--{name}": columns[name] for name in ("label", "group", "split") if name in columns}
    data = table.data.model_copy(update=names)
    profile = profiles.read_sequences(table.files, data, Columns(choice.channels, facts, ()), choice.split, group)
    profile = _usable(settings, table, choice, profile)
    changes = of_sequences(settings, table, choice, profile, csv)
    tried = changed(settings, {setting.key: setting.value for setting in changes}, Path(csv))
    title = f"{' against '.join(tried.compare)} on {Path(csv).name}"
    expects = "No figure: nothing is known of these data. The networks should beat summary; dtw is a hard rival."
    rows = profile.by_split["train"] or profile.labels.total()
    minutes = estimate(tried, rows, min(profile.lengths.mean, tried.sequences.max_length))
    found = [("channels", ", ".join(choice.channels[:SHOWN]), LIKELY, f"{len(choice.channels)} columns of numbers")]
    found += _counted(profile, "sequence", "step")
    return Plan([*read, *found], title, expects, changes, len(tried.runs), minutes)


def _usable(settings: Params, table: Table, choice: Choice, profile: Profile) -> Profile:
    """Leaves out labels that are too rare; raises a `UserError` if those that are left will not do."""
    split = settings.split
    fewest = 1 if choice.split else profiles.needed(split.test_fraction, split.validation_fraction)
    kept = profile.without_rare(fewest)
    if wrong := labels.problem(kept.labels, MOST_LABELS, fewest):
        column = choice.columns["label"].value
        raise UserError(f"{table.files[0]}: column {column!r} {wrong}; --label names another column")
    return kept


PLANS = {"text": _plan_texts, "series": _plan_series, "sequences": _plan_sequences}


def write(name: str, plan: Plan, settings: Params) -> Path:
    """Writes experiments/NAME.yaml; see `free_name`.

    Raises:
        UserError: it could not be read again; nothing is written.
    """
    target = layout.EXPERIMENTS / f"{name}.yaml"
    facts = {"title": plan.title, "reproduces": f"{WRITTEN}, from a look at the data.", "expects": plan.expects}
    head = {**facts, "data": "own"}
    # JSON is YAML; a line each can be read and edited.
    lines = [f"{key}: {_written(value)}" for key, value in head.items()]
    text = "\n".join([*lines, "params:", *map(_line, plan.changes), ""])
    with tempfile.TemporaryDirectory() as draft:
        write_text(Path(draft) / target.name, text)
        try:
            catalogue.load(name, settings, Path(draft))
        except UserError as mistake:
            raise UserError(str(mistake).replace(draft, str(layout.EXPERIMENTS))) from None
    write_text(target, text)
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
