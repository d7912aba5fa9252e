"""What must be true for any input: a correct result, or a `UserError` with nothing written."""

import contextlib
import datetime
import io
import json
import re
import shutil
import unicodedata
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from rnnlab.data import series
from rnnlab.data.choosing import Wanted
from rnnlab.data.csv_files import open_csv, parse
from rnnlab.data.csv_rows import read_rows
from rnnlab.data.ingestion import ingest
from rnnlab.experiments import catalogue, dvc_experiments, own_data
from rnnlab.features import arrays, clean_rows, text
from rnnlab.features.sequences import CHANNEL
from rnnlab.networks import checkpoints
from rnnlab.networks.checkpoints import State
from rnnlab.project import layout, overrides, params, yaml_files
from rnnlab.project.dataframes import FORMULA
from rnnlab.project.errors import LONGEST_MESSAGE, UserError
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.project.sections.data import TokenizePad
from rnnlab.serving import predictions
from rnnlab.serving.classifier import Answers, Classifier
from rnnlab.serving.predictors import Predictor
from tests.fuzz import strategies
from tests.fuzz.strategies import File

SETTINGS = params.parse(strategies.COMMITTED)
MOST = {"in.parquet": 10}  # megabytes; of marks to be sorted and little else, seconds of work
SHOWN = re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]*")


class Property(NamedTuple):
    """Cases, and a check of each in an empty folder, which raises `UserError` for a case that is refused."""

    cases: SearchStrategy[Any]
    check: Callable[[Any, Path], None]
    share: int  # of a campaign, relative to the other properties


def hold(check: Callable[[Any, Path], None], case: Any, folder: Path) -> bool:
    """Returns whether a case has a result; otherwise there must be one visible line, and nothing left behind."""
    try:
        check(case, folder)
        return True
    except UserError as refusal:
        assert SHOWN.fullmatch(str(refusal)), "not one visible line"
        assert len(str(refusal)) < LONGEST_MESSAGE * 12
        left = [place for place in folder.rglob("*") if "out" in place.relative_to(folder).parts]
        assert left in ([], [folder / "out"]), "something was written"
        return False
    finally:
        for place in folder.iterdir():
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def _settings(file: File) -> Params:
    of_file = {"delimiter": file.delimiter, "encoding": file.encoding, "max_megabytes": MOST.get(file.name, 50)}
    data = SETTINGS.data.model_copy(update=of_file)
    split = SETTINGS.split.model_copy(update={"method": "column" if file.own_split else "random"})
    return SETTINGS.model_copy(update={"data": data, "split": split})


def _may_be_a_letter(character: str) -> bool:
    # Arrow may know a newer Unicode version than this Python, whose new letters are unassigned here.
    return character.isalnum() or unicodedata.category(character) == "Cn"


def check_ingest(file: File, folder: Path) -> None:
    source, out = folder / file.name, folder / "out"
    source.write_bytes(file.content)
    out.mkdir()
    ingest(_settings(file), source, out / "rows.parquet", out / "rejected.csv", out / "data.json")
    rows, summary = pq.read_table(out / "rows.parquet"), json.loads((out / "data.json").read_text())
    assert rows.schema.equals(clean_rows.schema(_settings(file).evaluate.slices))
    for column in ("id", "row", "text"):
        assert len(rows[column].unique()) == len(rows), column
    assert sorted(set(rows["label"].to_pylist())) == list(range(len(summary["labels"])))
    assert set(rows["split"].to_pylist()) == set(clean_rows.SPLITS)
    assert all(any(map(_may_be_a_letter, row)) for row in rows["text"].to_pylist())
    with (out / "rejected.csv").open(newline="", encoding="utf-8") as stream:
        header, *rejected = [cells for _, cells in parse(stream, ",")]
    assert header == ["row", "reason", "label", "text"]
    assert all(len(row) == 4 and not row[2].startswith(FORMULA) and not row[3].startswith(FORMULA) for row in rejected)
    assert summary["rows_read"] == summary["rows_kept"] + summary["rows_rejected"]["total"]
    assert (summary["rows_kept"], summary["rows_rejected"]["total"]) == (len(rows), len(rejected))
    assert sorted(path.name for path in out.iterdir()) == ["data.json", "rejected.csv", "rows.parquet"]


def check_rows(file: File, folder: Path) -> None:
    source = folder / file.name
    source.write_bytes(file.content)
    settings = _settings(file)
    numbers = [0]
    for batch in read_rows(source, settings.data, "split" if file.own_split else None):
        numbers += batch.numbers
        assert len(batch.numbers) == len(batch.texts) == len(batch.labels) == len(batch.splits)
        "".join([*batch.texts, *batch.labels, *batch.splits]).encode()
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 1


def check_series(file: File, folder: Path) -> None:
    source = folder / file.name
    source.write_bytes(file.content)
    data = _settings(file).data.model_copy(update={"series_column": "series" if b"series" in file.content else None})
    for name, found in series.read(source, data).items():
        assert bool(name) == bool(data.series_column)
        assert found.values.dtype == np.float64
        assert len(found.values)
        assert np.isfinite(found.values.astype(np.float32)).all()


def check_sequences(file: File, folder: Path) -> None:
    source, out = folder / file.name, folder / "out"
    source.write_bytes(file.content)
    out.mkdir()
    settings = _settings(file)
    data = settings.data.model_copy(update={"label_column": "label"})
    settings = settings.model_copy(update={"task": "sequences", "data": data})
    ingest(settings, source, out / "rows.parquet", out / "rejected.csv", out / "data.json")
    rows, summary = pq.read_table(out / "rows.parquet"), json.loads((out / "data.json").read_text())
    assert len(rows["id"].unique()) == len(rows) == summary["rows_kept"]
    assert sorted(set(rows["label"].to_pylist())) == list(range(len(summary["labels"])))
    channels = [rows[name].to_pylist() for name in rows.column_names if name.startswith(CHANNEL)]
    assert channels
    for of_one in zip(*channels, strict=True):
        assert len({len(values) for values in of_one}) == 1
        assert np.isfinite(np.asarray(of_one, np.float32)).all()


def check_strangers_file(file: File, folder: Path) -> None:
    source = folder / file.name
    source.write_bytes(file.content)
    plan = own_data.plan(SETTINGS, source, "data/raw/it.csv", Wanted(), _nobody_answers)
    (folder / "experiments").mkdir()
    with contextlib.chdir(folder):
        try:
            own_data.write("it", plan, SETTINGS)
        except UserError as refused:
            raise AssertionError("what was planned cannot be run") from refused


def _nobody_answers(question: str, flag: str, names: Sequence[str], default: str = "") -> str:
    if not default:
        raise UserError(f"{question}: name one with {flag}")
    return default


VOCABULARY = ["", "<unk>", "good", "bad", "film", "don't", "é", "好"]


def check_texts(case: tuple[list[str], int, str, str], folder: Path) -> None:
    raw, length, padding, truncation = case
    options = SETTINGS.tokenize_pad.model_copy(
        update={"max_length": length, "padding": padding, "truncation": truncation}
    )
    cleaned = text.clean(pa.array(raw, pa.string()))
    again = text.clean(cleaned).to_pylist()
    for one, twice, split in zip(cleaned.to_pylist(), again, text.words(cleaned).to_pylist(), strict=True):
        assert one == " ".join(one.split())
        assert unicodedata.is_normalized("NFC", one)
        assert one == twice or re.search("[&<]", one), "cleaning what is clean"
        assert split == [""] or all(split)
        assert not any(re.search(r"\s", word) for word in split)
    encoded = text.encode(cleaned, VOCABULARY, options)
    assert encoded.tokens.shape == (len(raw), length)
    assert encoded.tokens.dtype == encoded.lengths.dtype == np.int32
    assert ((encoded.tokens >= 0) & (encoded.tokens < len(VOCABULARY))).all()
    assert ((encoded.tokens != text.PADDING_ID).sum(axis=1) == np.minimum(encoded.lengths, length)).all()
    assert (encoded.lengths >= 1).all()
    _check_serving(raw, options, encoded.tokens)


def _check_serving(raw: Sequence[str], options: TokenizePad, trained: Any) -> None:
    served = Classifier(None, VOCABULARY, options, ("a", "b"))
    np.testing.assert_array_equal(served.encode(raw), trained)
    for one, tokens in zip(raw[-1:], trained[-1:], strict=True):  # alone
        np.testing.assert_array_equal(served.encode([one])[0], tokens)


def check_params(values: Any, folder: Path) -> None:
    parsed = params.parse(values)
    assert params.parse(parsed.model_dump(mode="json", by_alias=True)) == parsed
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*-\d+", run.name) for run in parsed.runs)


def check_names(values: dict[str, Any], folder: Path) -> None:
    source = folder / "params.yaml"
    source.write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    parsed = params.read(source)
    paths = {path(run) for run in parsed.runs for path in (layout.network, layout.history, layout.timings)}
    assert all((folder / path).resolve().is_relative_to(folder.resolve()) for path in paths)
    assert all(re.fullmatch(r"[\w./-]+", str(path)) for path in paths)
    waiting: list[Any] = [parsed.model_dump(exclude={"data": {"delimiter"}})]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, tuple):
            waiting += value
        assert not isinstance(value, str) or SHOWN.fullmatch(value), "not visible"


PLAIN = (type(None), bool, int, float, str, bytes, datetime.date)


def check_yaml(written: str, folder: Path) -> None:
    source = folder / "params.yaml"
    source.write_bytes(written.encode())
    try:
        waiting = [yaml_files.read(source)]
    except ValueError as reason:
        assert "\n" not in str(reason)
        raise UserError(f"{source}: not readable as YAML: {reason}") from None
    count = 0
    while waiting:
        value, count = waiting.pop(), count + 1
        assert count <= 2 * len(written) + yaml_files.SPARE, "more than was written"
        if isinstance(value, dict):
            waiting += [*value, *value.values()]
        elif isinstance(value, list | set | tuple):
            waiting += value
        else:
            assert isinstance(value, PLAIN), type(value)
    try:
        params.read(source)
    except UserError:
        pass
    else:
        raise AssertionError("parameters out of nothing")


def check_experiment(case: tuple[str, dict[str, Any], str], folder: Path) -> None:
    stem, values, name = case
    place = folder / "experiments"
    place.mkdir()
    if re.fullmatch(r"[^/\0]{1,80}", stem) and stem not in (".", "..") and len(stem.encode()) < 200:
        (place / f"{stem}.yaml").write_text(json.dumps(values), encoding="utf-8")  # JSON is YAML
    (folder / "outside.yaml").write_text(json.dumps(values))
    named = catalogue.load(name, SETTINGS, place)
    assert named.name == name == stem
    for setup in named.setups:
        assert re.fullmatch(r"[a-z0-9][a-z0-9-]*", setup.name)
        reached = (folder / setup.settings.data.csv).resolve()
        assert reached.is_relative_to(folder.resolve())
        words = dvc_experiments.command(setup, queue=False, csv=None)
        assert all(isinstance(word, str) for word in words)


def check_override(value: Any, folder: Path) -> None:
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    read = OverridesParser.create().parse_override(f"data.csv={overrides.override(value)}")
    assert not read.is_sweep_override()
    # DVC interpolates values with OmegaConf afterwards, which removes the backslash of an escaped ${.
    resolved = OmegaConf.to_container(OmegaConf.create({"csv": read.value()}), resolve=True)
    assert resolved == {"csv": value}


LABELS = ("negative", "positive")


def hashed(raw: Sequence[str]) -> Answers:
    """Replaces a network with a hash, so that mixed up texts are noticed."""
    values = np.array([zlib.crc32(one.encode()) / 2**32 for one in raw], np.float32)
    return [LABELS[int(value >= 0.5)] for value in values], np.stack([1 - values, values], axis=1)


HASHED = Predictor("hashed/1", hashed, LABELS)


def check_prediction(file: File, folder: Path) -> None:
    suffix = file.name.removeprefix("in.csv")
    source, target = folder / f"in.{'tsv' if file.delimiter == 'tab' else 'csv'}{suffix}", folder / "out.csv"
    source.write_bytes(file.content)
    try:
        count = predictions.predict_csv(HASHED, source, target, "review", 50)
    except UserError:
        assert [place.name for place in folder.iterdir()] == [source.name]
        raise
    delimiter = "\t" if ".tsv" in source.name else ","
    with open_csv(source, 50) as (_, packed), target.open(newline="", encoding="utf-8") as stream:
        plain = io.TextIOWrapper(packed, "utf-8-sig", newline="")
        read = [cells for _, cells in parse(plain, delimiter) if cells]
        written = [cells for _, cells in parse(stream, delimiter)]
    assert len(written) == len(read) == count + 1
    assert [row[:-3] for row in written] == read
    texts = [row[read[0].index("review")] for row in read[1:]]
    assert [row[-3] for row in written[1:]] == hashed(texts)[0]


def check_lines(content: bytes, folder: Path) -> None:
    lines = list(predictions.read_lines(io.BytesIO(content)))
    found = list(predictions.predict_lines(HASHED, lines, batch=3))
    assert [answer.label for answer in found] == hashed(lines)[0]


def check_array(content: bytes, folder: Path) -> None:
    source = folder / "tokens.npy"
    source.write_bytes(content)
    assert isinstance(arrays.map_array(source), np.ndarray)


def check_json(content: bytes, folder: Path) -> None:
    source = folder / "metrics.json"
    source.write_bytes(content)
    read_json(source)


def check_checkpoint(content: bytes, folder: Path) -> None:
    source = folder / "lstm-1.npz"
    source.write_bytes(content)
    with contextlib.redirect_stderr(io.StringIO()):
        assert isinstance(checkpoints.Checkpoint(source).read(), State | None)


WANTED_TOO_MUCH = re.compile("OOM|out of memory|unable to allocate", re.IGNORECASE)


def check_network(content: bytes, folder: Path) -> None:
    import keras

    from rnnlab.networks import models

    source = folder / "it.keras"
    source.write_bytes(content)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            network = models.load(source)
        assert sum(weight.numpy().nbytes for weight in network.weights) <= 2 * len(content)  # at most twice as precise
    except UserError as refusal:
        assert not WANTED_TOO_MUCH.search(str(refusal)), "it was tried"
        raise
    finally:
        keras.utils.clear_session()


def check_message(message: str, folder: Path) -> None:
    raise UserError(message)


def _override_values() -> SearchStrategy[Any]:
    finite = st.floats(allow_nan=False, allow_infinity=False)
    scalars = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | finite | strategies.texts().filter(_one_line)
    return scalars | st.lists(scalars, max_size=4)


def _one_line(value: str) -> bool:
    return not re.search(r"[\x00-\x1f]", value)


_OPTIONS = (st.integers(1, 12), st.sampled_from(["pre", "post"]), st.sampled_from(["pre", "middle", "post"]))
_NAMES = strategies.names()

PROPERTIES = {
    "ingest": Property(strategies.files(), check_ingest, 10),
    "rows": Property(strategies.files(), check_rows, 15),
    "series": Property(strategies.files("series"), check_series, 10),
    "sequences": Property(strategies.files("sequences"), check_sequences, 8),
    "strangers' files": Property(
        st.sampled_from([*strategies.TABLES]).flatmap(strategies.files), check_strangers_file, 8
    ),
    "tokenizer": Property(st.tuples(st.lists(strategies.texts(), max_size=4), *_OPTIONS), check_texts, 10),
    "params": Property(strategies.parameters(), check_params, 20),
    "yaml": Property(strategies.yaml_texts(), check_yaml, 10),
    "experiments": Property(
        st.one_of(
            st.tuples(st.just("it"), strategies.experiment_files(), st.just("it")),
            st.tuples(_NAMES, strategies.experiment_files(), _NAMES),
        ),
        check_experiment,
        4,
    ),
    "overrides": Property(_override_values(), check_override, 3),
    "predicted CSVs": Property(strategies.files(any_encoding=False), check_prediction, 8),
    "predicted lines": Property(strategies.streams(), check_lines, 6),
    "Parquet": Property(strategies.parquet_files(), check_ingest, 1),
    "names": Property(strategies.hostile_names(), check_names, 1),
    "networks": Property(strategies.networks(), check_network, 1),
    "arrays": Property(strategies.arrays(), check_array, 2),
    "checkpoints": Property(strategies.arrays(), check_checkpoint, 1),
    "JSON": Property(strategies.documents(), check_json, 1),
    "messages": Property(strategies.texts(), check_message, 2),
}
