"""What `rnnlab use` writes fits the data: the pipeline reads them with it, and they pass its checks."""

import itertools
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rnnlab.data import checks, ingestion
from rnnlab.data.choosing import Wanted
from rnnlab.data.guesses import GUESSED, TOLD
from rnnlab.experiments import own_data
from rnnlab.experiments.own_data import Plan
from rnnlab.features import encoding
from rnnlab.project.errors import UserError
from rnnlab.project.files import read_json
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params

WORDS = ("room", "clean", "staff", "friendly", "breakfast", "cold", "price", "high", "view", "nice", "street", "noisy")


def texts(count: int, seed: int = 1, words: int = 12) -> list[str]:
    draw = random.Random(seed)
    return [f"{' '.join(draw.choice(WORDS) for _ in range(words))} {seed}x{row}" for row in range(count)]


def never(question: str, flag: str, names: Sequence[str], default: str) -> str:
    if default:
        return default
    raise UserError(f"{question} {flag} {list(names)}")


def planned(settings: Params, source: Path) -> tuple[Plan, Params]:
    plan = own_data.plan(settings, source, "data/raw/mine.csv", Wanted(), never)
    return plan, changed(settings, {setting.key: setting.value for setting in plan.changes}, source)


def failures(settings: Params, source: Path, folder: Path) -> list[str]:
    """Returns the critical checks that the data fail once they are ingested."""
    rows, rejected, summary = (folder / name for name in ("rows.parquet", "rejected.csv", "data.json"))
    ingestion.ingest(settings, source, rows, rejected, summary)
    found = checks.check(settings, rows, read_json(summary))
    return [str(finding) for finding in found if not finding.success and finding.severity == "critical"]


def assert_fits(settings: Params, source: Path, folder: Path) -> None:
    """Has the data read by the parameters that a look at them leads to, and those of a series cut into windows."""
    _, tried = planned(settings, source)
    assert not failures(tried, source, folder)
    if tried.task == "series":
        encoding.encode(tried, folder / "rows.parquet", folder / "words.json", folder / "features")


def csv(frame: dict[str, Any], **options: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        pd.DataFrame(frame).to_csv(folder / "mine.csv", index=False, **options)
        return folder / "mine.csv"

    return write


def parts(folder: Path) -> Path:
    for number in range(3):
        (folder / "mine").mkdir(exist_ok=True)
        frame = {"text": texts(60, number), "label": ["ab"[row % 2] for row in range(60)]}
        pd.DataFrame(frame).to_json(folder / "mine" / f"{number}.jsonl", orient="records", lines=True)
    return folder / "mine"


def parquet(folder: Path) -> Path:
    pd.DataFrame({"text": texts(90), "label": [row % 3 for row in range(90)]}).to_parquet(folder / "mine.parquet")
    return folder / "mine.parquet"


WALKS = [row // 5 for row in range(600)]


def walks(copies: int = 0) -> dict[str, Any]:
    """Sequences of five steps, the last of which may be copies."""
    same = [min(walk, 119 - copies) for walk in WALKS]
    values = [random.Random(walk * 5 + row % 5).random() for row, walk in enumerate(same)]
    return {"walk": WALKS, "x": values, "moved": ["ny"[walk % 3 > 1] for walk in same]}


HALVES = ["train", "test"] * 60
HEAT = [row % 9 + row % 7 / 3 for row in range(400)]
HOURS = [f"2024-{1 + row // 24 // 28:02}-{1 + row // 24 % 28:02} {row % 24:02}:00" for row in range(400)]
FILES: dict[str, Callable[[Path], Path]] = {
    "balanced": csv({"text": texts(300), "label": ["ab"[row % 2] for row in range(300)]}),
    "no header": csv({"text": texts(300), "label": ["ab"[row % 2] for row in range(300)]}, header=False),
    "semicolons": csv({"text": texts(90), "label": ["ab"[row % 2] for row in range(90)]}, sep=";", encoding="utf-16"),
    "a third duplicates": csv({"text": [*texts(200), *texts(100)], "label": ["ab"[row % 2] for row in range(300)]}),
    "a rare label": csv({"text": texts(300), "label": ["b" if row < 8 else "a" for row in range(300)]}),
    "a split": csv({"text": texts(120), "label": ["aabb"[row % 4] for row in range(120)], "part": HALVES}),
    "missing labels": csv({"text": texts(300), "label": [("a", "b", "NA")[row % 3] for row in range(300)]}),
    "endless texts": csv({"text": texts(60, words=6000), "label": ["ab"[row % 2] for row in range(60)]}),
    "a single word more": csv({"text": texts(40, words=1), "label": ["ab"[row % 2] for row in range(40)]}),
    "a folder of JSON lines": parts,
    "Parquet": parquet,
    "sequences": csv(walks()),
    "sequences of persons": csv(walks() | {"person": [walk % 8 for walk in WALKS]}),
    "sequences with a split": csv(walks() | {"part": [("train", "test")[walk % 20 > 14] for walk in WALKS]}),
    "copies of a sequence": csv(walks(copies=10)),
    "a series": csv({"day": range(400), "heat": HEAT}),
    "a series of dates": csv({"when": HOURS, "wind": ["NS"[row % 2] for row in range(400)], "heat": HEAT}),
    "a series of several columns": csv(
        {"year": range(400), "a": [row % 13 for row in range(400)], "heat": HEAT, "b": HEAT[::-1]}
    ),
    "a series with gaps": csv({"heat": [None, *HEAT[1:200], None, None, *HEAT[202:]]}),
    "a short series": csv({"heat": HEAT[:40]}),
    "a trend": csv({"heat": range(5, 2405, 6)}),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_written_fits_the_data(settings: Params, tmp_path: Path, name: str) -> None:
    assert_fits(settings, FILES[name](tmp_path), tmp_path)


@pytest.mark.parametrize(
    ("before", "name"), itertools.permutations(["a split", "sequences of persons", "a trend", "a series of dates"], 2)
)
def test_it_fits_where_the_parameters_are_those_of_other_data(
    settings: Params, tmp_path: Path, before: str, name: str
) -> None:
    (tmp_path / "before").mkdir()
    _, left = planned(settings, FILES[before](tmp_path / "before"))
    assert_fits(left, FILES[name](tmp_path), tmp_path)


def test_window_horizon_and_rivals_follow_the_season(settings: Params, tmp_path: Path) -> None:
    plan, tried = planned(settings, FILES["a series of dates"](tmp_path))
    assert (tried.series.season, tried.series.window, tried.series.horizon) == (9, 18, 9)
    assert tried.baselines == ("last_value", "seasonal_naive", "drift", "linear", "ets", "arima")
    assert (tried.data.time_column, tried.series.calendar, tried.data.covariates) == ("when", True, ("wind",))
    assert not tried.models["lstm"].residual  # a season ahead, the last value is no better than the mean
    assert not [finding for finding in plan.findings if finding[0] == "trend"]
    none, tried = planned(settings, FILES["a trend"](tmp_path))
    assert (tried.series.season, tried.series.horizon, tried.baselines) == (
        "none",
        1,
        ("last_value", "drift", "linear", "ets", "arima"),
    )
    [told] = [finding[3] for finding in none.findings if finding[0] == "trend"]
    assert tried.models["lstm"].residual
    assert told == "100% of the validation values are beyond all training values: networks add to the last value"


@pytest.mark.parametrize(
    ("heat", "problem"),
    [
        (HEAT[:20], "column 'heat': 20 rows from the first value on are too few: a split would have 3; expected 4 at"),
        ([*[5.0] * 300, *HEAT[:100]], "all 256 training values are 5: a constant cannot be standardised or learned"),
    ],
)
def test_a_series_of_no_use_is_a_sentence(
    settings: Params, tmp_path: Path, heat: Sequence[float], problem: str
) -> None:
    with pytest.raises(UserError) as told:
        planned(settings, csv({"heat": heat})(tmp_path))
    assert str(told.value).startswith(problem)


def test_of_several_columns_the_last_is_predicted_unless_told(settings: Params, tmp_path: Path) -> None:
    source = FILES["a series of several columns"](tmp_path)
    plan, tried = planned(settings, source)
    assert ("value column", "b", GUESSED, "the last column of numbers; --value names another") in plan.findings
    assert (tried.data.value_column, tried.data.covariates) == ("b", ("a", "heat"))
    told = own_data.plan(settings, source, "data/raw/mine.csv", Wanted(), lambda *question: "a")
    assert ("value column", "a", TOLD, "your choice") in told.findings


def test_sizes_grow_with_the_data(settings: Params, tmp_path: Path) -> None:
    found = []
    for rows in (300, 6000):
        (folder := tmp_path / str(rows)).mkdir()
        source = csv({"text": texts(rows), "label": ["ab"[row % 2] for row in range(rows)]})(folder)
        plan, tried = planned(settings, source)
        found.append((tried.models["lstm"].units, -tried.train.epochs, tried.train.batch_size, plan.minutes))
    assert all(small < large for small, large in zip(*found, strict=True))


def test_texts_are_cut_where_few_are_longer(settings: Params, tmp_path: Path) -> None:
    lengths = [300 if row < 3 else 12 for row in range(100)]
    rows = [" ".join(texts(1, row, words)) for row, words in enumerate(lengths)]
    _, tried = planned(settings, csv({"text": rows, "label": ["ab"[row % 2] for row in range(100)]})(tmp_path))
    assert tried.tokenize_pad.max_length == 16


def test_labels_are_named_only_where_some_are_missing(settings: Params, tmp_path: Path) -> None:
    found = {}
    for name in ("balanced", "missing labels"):
        (folder := tmp_path / name).mkdir()
        found[name] = planned(settings, FILES[name](folder))[1].data.labels
    assert found == {"balanced": "auto", "missing labels": ("a", "b")}


def test_an_experiment_is_written_with_reasons(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = planned(settings, FILES["a rare label"](tmp_path))
    monkeypatch.chdir(tmp_path)
    written = own_data.write("mine", plan, settings).read_text()
    assert "  validate.min_rows_per_class: 1  # the rarest label has" in written
    assert json.dumps(plan.title) in written


def test_a_name_is_kept_for_the_same_file_alone(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, _ = planned(settings, FILES["balanced"](tmp_path))
    monkeypatch.chdir(tmp_path)
    own_data.write("mine", plan, settings)
    assert own_data.free_name(None, "mine", "data/raw/mine.csv") == "mine"
    assert own_data.free_name(None, "mine", "data/raw/other.csv") == "mine-2"
    with pytest.raises(UserError, match=r"mine\.yaml: an experiment about something else"):
        own_data.free_name("mine", "mine", "data/raw/other.csv")


def test_labels_of_too_few_rows_are_left_out_and_told(tmp_path: Path, settings: Params) -> None:
    source = csv({"text": texts(302), "label": [*("ab"[row % 2] for row in range(300)), "odd", "odd"]})(tmp_path)
    plan, fitted = planned(settings, source)
    assert ("left out", "odd 2", "certain", "labels with too few rows for each split to have one") in plan.findings
    assert fitted.data.labels == ("a", "b")
    assert failures(fitted, source, tmp_path) == []


def test_sixty_labels_raise_the_limit(tmp_path: Path, settings: Params) -> None:
    source = csv({"text": texts(1500), "section": [f"section {row % 60}" for row in range(1500)]})(tmp_path)
    _, fitted = planned(settings, source)
    assert (fitted.data.label_column, fitted.data.max_labels) == ("section", 60)
    assert failures(fitted, source, tmp_path) == []


@pytest.mark.parametrize(("labels", "told"), [(6, None), (8, ", and 2 more")])
def test_six_labels_are_named_and_more_counted(settings: Params, tmp_path: Path, labels: int, told: str | None) -> None:
    cells = {"text": texts(400), "label": ["abcdefgh"[row % labels] for row in range(400)]}
    plan, _ = planned(settings, csv(cells)(tmp_path))
    [found] = [finding for finding in plan.findings if finding[0] == "labels"]
    assert ("more" in " ".join(map(str, found))) == bool(told)
    assert not told or told in " ".join(map(str, found))


def test_an_experiment_that_cannot_be_read_again_is_not_written(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = {"te\ufffext": texts(90), "label": ["ab"[row % 2] for row in range(90)]}  # which YAML cannot hold
    plan, _ = planned(settings, csv(cells)(tmp_path))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"^experiments/mine\.yaml: not readable as YAML: unacceptable character"):
        own_data.write("mine", plan, settings)
    assert not Path("experiments/mine.yaml").exists()
