"""A user's mistake: one clear sentence, a failed exit, nothing half-written, nothing earlier lost."""

import gzip
from collections.abc import Callable
from pathlib import Path

import keras
import pytest
from ruamel.yaml import YAML

from tests.pipeline.conftest import ORDER, Project

GOOD = [f"text number {number} is fine,{'positive' if number % 2 else 'negative'}" for number in range(60)]


def table(*rows: str) -> str:
    return "\n".join(["review,sentiment", *rows]) + "\n"


MISTAKES = {
    "empty file": ("", "mine.csv: the file is empty"),
    "header only": (table(), "mine.csv: only a header, no rows"),
    "missing column": ("text,stars\nfine,5\n", "no column 'review'; its columns are: text, stars"),
    "wrong encoding": (table(*GOOD[:3]).encode() + b"caf\xe9 noir,positive\n", "row 4, byte 113 is not utf-8"),
    "unclosed quote": (table(*GOOD[:5], '"never closed,positive', *GOOD[5:]), "row 6 is not well-formed"),
    "ragged rows": (table(*GOOD[:7], "one,two,three"), "row 8 has 3 cells where the header has 2"),
    "one class only": (table(*GOOD[1::2]), "no usable row has the label 'negative'"),
    "all rows rejected": (table("good,yes", "bad,no"), "every row was rejected (2 × unknown label)"),
    "fewer rows than the split needs": (
        table(*GOOD[:4]),
        "no row in the validation split for each label with so few usable rows",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_ingest_names_the_mistake_and_keeps_what_was_there(mistake: str, fresh: Project) -> None:
    content, sentence = MISTAKES[mistake]
    source, earlier = fresh.folder / "mine.csv", fresh.folder / "data/interim/rows.parquet"
    earlier.parent.mkdir(parents=True)
    earlier.write_text("earlier")
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    fresh.set_params(data__csv="mine.csv", data__labels=["negative", "positive"])
    done = fresh.stage("ingest", expect=1)
    assert sentence in done.stderr
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert earlier.read_text() == "earlier"
    assert [file.name for file in earlier.parent.iterdir()] == ["rows.parquet"]


def test_a_missing_file_is_named(fresh: Project) -> None:
    fresh.set_params(data__csv="data/raw/nothing.csv")
    done = fresh.stage("ingest", expect=1)
    assert "error: data/raw/nothing.csv: no such file" in done.stderr


PARAMS = {
    "models__lstm__unit": (3, "models.lstm.unit: unknown key; did you mean units?"),
    "train__epochs": ("ten", "train.epochs: must be a valid integer, not 'ten'"),
    "split__test_fraction": (1.5, "split.test_fraction: must be less than 1, not 1.5"),
    "split__validation_fraction": (1.0, "split.validation_fraction: must be less than 1, not 1.0"),
    "tokenize_pad__max_length": (0, "tokenize_pad.max_length: must be greater than or equal to 1, not 0"),
}


@pytest.mark.parametrize("key", PARAMS)
def test_a_wrong_parameter_is_named_by_its_path(key: str, fresh: Project) -> None:
    value, sentence = PARAMS[key]
    fresh.set_params(**{key: value})
    for stage in ("sample", "tokenize_pad"):
        done = fresh.stage(stage, expect=1)
        assert done.stderr == f"error: params.yaml: {sentence}\n"


def test_a_gzipped_tsv_in_another_encoding_is_read(fresh: Project) -> None:
    rows = [row.replace(",", "\t").replace("fine", "très bien") for row in ["review,sentiment", *GOOD]]
    with gzip.open(fresh.folder / "mine.tsv.gz", "wb") as stream:
        stream.write("\r\n".join(rows).encode("latin-1"))
    fresh.set_params(data__csv="mine.tsv.gz", data__delimiter="tab", data__encoding="latin-1")
    fresh.stage("ingest")
    assert '"rows_kept": 60' in (fresh.folder / "reports/data.json").read_text()


def test_refused_rows_are_kept_with_their_reason(fresh: Project, ingested: Callable[..., object]) -> None:
    faults = [" ,positive", "!!!,positive", "what,unsure", GOOD[3], GOOD[4].replace("negative", "positive")]
    ingested(table(*GOOD, *faults))
    lines = (fresh.folder / "data/interim/rejected.csv").read_text().splitlines()
    assert lines[0] == "row,reason,label,text"
    reasons = {line.split(",")[0]: line.split(",")[1] for line in lines[1:]}
    assert reasons == {
        "61": "blank text",
        "62": "blank text",
        "63": "unknown label",
        "64": "duplicate (row 4 is the first)",
        "5": "same text with different labels (row 5 is the first)",
        "65": "same text with different labels (row 5 is the first)",
    }


def test_a_failed_check_stops_the_pipeline_with_a_table(fresh: Project) -> None:
    fresh.set_params(validate__min_rows_per_class=1000)
    done = fresh.run("dvc", "repro", expect=None)
    shown = done.stdout + done.stderr
    assert done.returncode != 0
    assert "column values to be between" in shown
    assert "train, label negative" in shown
    assert "error: the data failed a critical check; see reports/validation-failed.html" in shown
    assert "critical" in (fresh.folder / "reports/validation-failed.html").read_text()
    assert not (fresh.folder / "data/features").exists()


def test_a_warning_does_not_stop_it(fresh: Project, ingested: Callable[..., object]) -> None:
    rows = [f"text number {number} is fine,{'positive' if number % 10 else 'negative'}" for number in range(200)]
    ingested(table(*rows), validate__min_rows_per_class=1)
    done = fresh.stage("validate")
    assert "balance" in done.stderr
    assert "1 warnings" in (fresh.folder / "reports/validation.md").read_text()


def test_a_vocabulary_larger_than_the_words_is_a_warning(fresh: Project, ingested: Callable[..., object]) -> None:
    ingested(table(*GOOD), validate__min_rows_per_class=1)
    fresh.set_params(tokenize_pad__vocabulary_size=5000)
    done = fresh.stage("tokenize_pad")
    assert done.stderr.startswith("warning: tokenize_pad.vocabulary_size is 5000, but the training rows have only ")


def test_a_full_disk_loses_nothing(fresh: Project) -> None:
    """The limit on a file's size stands in for a full disk: writing fails in the same way, for any user."""
    fresh.stage("sample")
    target = fresh.folder / "data/sample/reviews.csv"
    before = target.read_bytes()
    fresh.set_params(sample__seed=7)
    limited = "trap '' XFSZ; ulimit -f 8; exec python -m stages.sample"
    done = fresh.run("bash", "-c", limited, expect=1)
    assert done.stderr.startswith("error: ")
    assert "nothing was replaced" in done.stderr
    assert target.read_bytes() == before
    assert sorted(file.name for file in target.parent.iterdir()) == ["classic.csv", "reviews.csv", "series.csv"]


def test_a_network_that_diverges_stops_with_advice(project: Project) -> None:
    """In half precision an absurd learning rate soon gives a loss that is no number."""
    network = project.folder / "models/rnn-1.keras"
    network.unlink()
    project.set_params(train__learning_rate=60_000.0, train__clip_norm=60_000.0)
    keras.config.set_floatx("float16")
    try:
        done = project.stage("train@rnn-1", expect=1, MLFLOW_SYNC="off")
    finally:
        keras.config.set_floatx("float32")
    assert "error: rnn-1: the loss is not a number after epoch" in done.stderr
    assert "lower train.learning_rate" in done.stderr
    assert not network.exists()


def test_a_zip_bomb_stays_packed(fresh: Project) -> None:
    with gzip.open(fresh.folder / "mine.csv.gz", "wb") as stream:
        stream.write(table(*GOOD).encode())
        for _ in range(20):
            stream.write(b"%b,?\n" % (b"x" * 997) * 1500)
    fresh.set_params(data__csv="mine.csv.gz", data__max_megabytes=3)
    done = fresh.stage("ingest", expect=1)
    reason = "mine.csv.gz: unpacks to more than 3 MB; if it is meant to be that large, raise data.max_megabytes"
    assert done.stderr == f"error: {reason}\n"
    assert not list((fresh.folder / "data/interim").glob("*"))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("x: !!python/object/apply:os.system ['touch pwned']\n", "could not determine a constructor for the tag"),
        ("x: &x [*x]\n", "an alias contains itself"),
        ("seed: 0x" + "f" * 5000 + "\n", "a number of 5,002 characters"),
    ],
    ids=["tag", "circle", "number"],
)
def test_hostile_parameters_are_a_sentence(fresh: Project, content: str, reason: str) -> None:
    (fresh.folder / "params.yaml").write_text(content)
    done = fresh.stage("sample", expect=1)
    assert done.stderr.startswith(f"error: params.yaml: not readable as YAML: {reason}")
    assert done.stderr.count("\n") == 1
    assert not (fresh.folder / "pwned").exists()


def test_formulas_are_not_computed_in_what_people_open(fresh: Project, ingested: Callable[..., object]) -> None:
    ingested(table(*GOOD, "=HYPERLINK(1),=2", '"a\rb",?', "-1,@x"))
    rejected = (fresh.folder / "data/interim/rejected.csv").read_bytes().decode()
    assert "61,unknown label,'=2,'=HYPERLINK(1)\n" in rejected
    assert '"62","unknown label","?","a\rb"\n' in rejected
    assert "63,unknown label,'@x,'-1\n" in rejected


@pytest.mark.parametrize("stage", [stage for stage in ORDER if stage not in ("sample", "ingest", "track")])
def test_a_file_cut_short_between_stages_is_named(stage: str, project: Project) -> None:
    name = "train@lstm-1" if stage == "train" else stage
    inputs = YAML(typ="safe").load(project.folder / "dvc.lock")["stages"][name]["deps"]
    data = [Path(each["path"]) for each in inputs if not each["path"].startswith(("rnnlab", "stages"))]
    # One of each kind; `make faults` cuts every one.
    sources = {path.suffix: project.folder / path for path in data}
    for source in sources.values():
        file = max(
            (part for part in [source, *source.rglob("*")] if part.is_file()), key=lambda part: part.stat().st_size
        )
        whole = file.read_bytes()
        file.unlink()  # it may be a link into DVC's cache
        # Between two lines the first half of a table is a table: only DVC, by its hash, sees that.
        file.write_bytes(whole[: len(whole) // 2].rstrip(b"\n"))
        done = project.stage(name, expect=None, MLFLOW_SYNC="off")
        if done.returncode:
            assert done.stderr.startswith("error: ")
            assert str(file.relative_to(project.folder)) in done.stderr
        file.write_bytes(whole)


@pytest.mark.needs("faketime")
def test_a_clock_before_1980_trains_nothing(fresh: Project) -> None:
    command = ("python", "-m", "stages.train", "--model", "lstm", "--seed", "1")
    done = fresh.run("faketime", "-f", "@1970-01-02 00:00:00", *command, expect=1)
    assert "error: this machine's clock says 1970, and Keras writes no file before 1980" in done.stderr
    assert done.stderr.count("\n") == 1
