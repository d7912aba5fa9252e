"""Hostile and odd input, drawn at random."""

import codecs
import copy
import csv
import encodings.aliases
import functools
import gzip
import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from ruamel.yaml import YAML

from rnnlab.networks.keras_import import importing_keras
from rnnlab.project.sections.data import is_encoding
from tests.support.networks import plain

ROOT = Path(__file__).parents[2]
COMMITTED: dict[str, Any] = YAML(typ="safe").load((ROOT / "params.yaml").read_text(encoding="utf-8"))

# Known to break programs: markup, entities, control and invisible characters, marks, scripts, numbers, formulas.
PIECES = [
    *("good", "BAD", "film", "don't", "’", "'", "''", '"', '""', " ", "  ", ".", ",", ";", "\t", "-", "|", "$x$", "\\"),
    *("<br />", "<b>", "</p", "<", ">", "<!--", "-->", "&amp;", "&", "&#", "&#0;", "&#65;", "&#xD800;", "&#x", "&lt;"),
    *("&" + "a" * 40, "&#" + "9" * 5000, "&#" + "0" * 5000 + "65;", "&#x" + "f" * 5000),
    *("\0", "\n", "\r", "\r\n", "\x0b", "\x1b[2J", "\x7f", "\x85", "\u00a0", "\u2028", "\u2029", "\u200b", "\u200d"),
    *("\u202e", "\u2066", "\ufeff", "\ufe0f", "\ufffd", "\uffff", "😀", "👨\u200d👩\u200d👧", "🏽", "é", "e\u0301"),
    *("\u0301", "\u0323", "\u0301" * 40, "\u0323\u0301" * 500, "q\u0323\u0307", "İ", "ß", "Σ", "ǅ", "ﬁ", "שלום"),
    *("مرحبا", "ที่", "\ud55c", "\u1112\u1161\u11ab", "好", "１", "²", "𝔘", "\U0010ffff", "_", "#", "%", "{", "}"),
    *("=1+1", "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "＝1", "1e400", "nan", "inf", "-0", "1_0", "0x10", "null"),
    *("review", "sentiment", "split", "value", "positive", "negative", "train", "test", "a,b", "../../etc/passwd"),
]
TIMES = [0, 1, 2, 3, 10, 100, 3000]
LONGEST = 20_000  # characters; larger inputs are tested by a few giants


def texts() -> SearchStrategy[str]:
    """Draws any text, from single characters to thousands of words."""
    piece = st.sampled_from(PIECES) | st.text(max_size=5)
    mixed = st.lists(piece, max_size=12).map("".join)
    return st.one_of(
        mixed, mixed, st.builds(lambda text, times: (text * times)[:LONGEST], piece, st.sampled_from(TIMES))
    )


def _encoding_names() -> list[str]:
    names = {"utf-8-sig"} | set(encodings.aliases.aliases.values()) - {"mbcs", "oem"}
    return sorted(name for name in names if is_encoding(name))


ENCODINGS = _encoding_names()


class File(NamedTuple):
    """A file that might be a CSV, and its format according to params.yaml."""

    content: bytes
    name: str
    delimiter: str
    encoding: str
    own_split: bool


@st.composite
def files(draw: DrawFn, table_of: str = "reviews", any_encoding: bool = True) -> File:
    """Draws CSVs of reviews, a series or sequences: most are nearly right, some are noise, some are cut short."""
    delimiter = draw(st.sampled_from([",", ",", ",", "tab", *(";|x" if any_encoding else "")]))
    encoding = draw(st.just("utf-8") | st.sampled_from(ENCODINGS if any_encoding else ["utf-8"]))
    table = TABLES[table_of](draw)
    written = _written(draw, table, "\t" if delimiter == "tab" else delimiter)
    own = encoding if draw(st.integers(0, 9)) else draw(st.sampled_from(ENCODINGS))
    content = written.encode(own, "replace")
    content = draw(st.sampled_from([*[b""] * 9, codecs.BOM_UTF8, codecs.BOM_UTF8, codecs.BOM_UTF16])) + content
    packed = draw(st.integers(0, 3)) == 0
    content = _damaged(draw, gzip.compress(_damaged(draw, content), 1, mtime=0) if packed else content)
    return File(content, "in.csv.gz" if packed else "in.csv", delimiter, encoding, draw(st.booleans()))


def _reviews_table(draw: DrawFn) -> list[list[str]]:
    header = draw(st.permutations(["review", "sentiment", "split"]))
    if draw(st.integers(0, 5)) == 0:
        header = [*header, *draw(st.lists(texts() | st.sampled_from(["review", "split"]), max_size=3))]
    good = [{"review": f"text {n}", "sentiment": ("negative", "positive")[n % 2]} for n in range(24)]
    odd = draw(
        st.lists(st.builds(lambda text, label: {"review": text, "sentiment": label}, texts(), _labels()), max_size=8)
    )
    rows = [*good, *odd] if draw(st.integers(0, 4)) else odd
    splits = draw(
        st.sampled_from([("train", "train", "test", "test"), ("train", "x"), (" TEST", "train", "validation")])
    )
    split = {n: splits[n % len(splits)] for n in range(len(rows))}
    return [
        list(header),
        *([row.get(name, split[n] if name == "split" else name) for name in header] for n, row in enumerate(rows)),
    ]


def _labels() -> SearchStrategy[str]:
    return st.sampled_from(["negative", "positive", " positive\t", "Positive", ""]) | texts()


def _series_table(draw: DrawFn) -> list[list[str]]:
    cells = st.floats(width=32, allow_nan=False, allow_infinity=False).map(repr)
    odd = st.sampled_from(["", " ", "nan", "1e39", "-1e400", "１", "1_0", "0x1", "inf"]) | texts()
    strange = draw(st.integers(0, 2)) == 0
    numbers = draw(st.lists(cells | odd if strange else cells, max_size=30))
    header = draw(st.sampled_from([["value"], ["day", "value"], ["value", "value"], ["x"], ["series", "value"]]))
    names = sorted(draw(st.lists(st.sampled_from("ab") | texts(), min_size=len(numbers), max_size=len(numbers))))
    cells_of = {"value": numbers, "series": names}
    columns = [cells_of.get(name, ["1"] * len(numbers)) for name in header]
    return [header, *map(list, zip(*columns, strict=True))]


def _sequences_table(draw: DrawFn) -> list[list[str]]:
    strange = draw(st.integers(0, 2)) == 0
    cells = st.integers(-9, 9).map(str)
    odd = st.sampled_from(["", "nan", "1e39", "１", "inf"]) | texts()
    header = draw(st.permutations(["sequence", "step", "label", "x"]))
    rows = []
    for number in range(draw(st.integers(0, 16))):
        name, label = f"{number}", "ab"[number % 2]
        for step in range(draw(st.integers(1, 4))):
            values = {"sequence": name, "step": f"{step}", "label": label, "x": draw(cells)}
            if strange and draw(st.integers(0, 9)) == 0:
                values[draw(st.sampled_from(header))] = draw(odd)
            rows.append([values[column] for column in header])
    return [list(header), *rows]


TABLES = {"reviews": _reviews_table, "series": _series_table, "sequences": _sequences_table}


def _written(draw: DrawFn, table: list[list[str]], delimiter: str) -> str:
    ending = draw(st.sampled_from(["\n", "\n", "\r\n", "\r", "\n\n"]))
    if draw(st.integers(0, 9)) == 0:  # without quotes
        return ending.join(delimiter.join(row) for row in table)
    stream = io.StringIO(newline="")
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    csv.writer(stream, delimiter=delimiter, lineterminator=ending, quoting=quoting).writerows(table)
    return stream.getvalue()


def _damaged(draw: DrawFn, content: bytes) -> bytes:
    damage = draw(st.sampled_from(["no"] * 16 + ["cut", "flip", "insert", "noise"]))
    place = draw(st.integers(0, 1 << 30)) % max(len(content), 1)  # Parquet files of the same table differ in length
    if damage == "cut":
        return content[:place]
    if damage == "flip" and content:
        return content[:place] + bytes([content[place] ^ draw(st.integers(1, 255))]) + content[place + 1 :]
    if damage == "insert":
        return content[:place] + draw(st.binary(max_size=20)) + content[place:]
    return draw(st.binary(max_size=200)) if damage == "noise" else content


@st.composite
def parquet_files(draw: DrawFn) -> File:
    """Draws Parquet files of texts or of other values; some decode to a million times what they are."""
    last = ((draw(texts()) or "x") * draw(st.sampled_from([1, 1, 30, 30_000])))[:500_000]
    # Arrow writes every cell if some are listed twice.
    cells = list(
        dict.fromkeys([*(f"text {number}" for number in range(24)), *draw(st.lists(texts(), max_size=3)), last])
    )
    indices = np.r_[: len(cells), np.full(draw(st.sampled_from([0, 0, 100, 10_000, 1_200_000])), len(cells) - 1)]
    labels = list(dict.fromkeys(["negative", "positive", draw(_labels())]))
    columns = {
        "review": pa.DictionaryArray.from_arrays(indices.astype(np.int32), cells),
        "sentiment": pa.DictionaryArray.from_arrays((indices % len(labels)).astype(np.int8), labels),
    }
    for name in draw(st.lists(st.sampled_from([*columns, "split"]), max_size=1)):
        columns[name] = draw(st.sampled_from(_OTHER_VALUES))(indices)
    stream = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        stream,
        row_group_size=draw(st.sampled_from([1 << 16, 1 << 22])),
        compression=draw(st.sampled_from(["none", "snappy", "gzip", "zstd"])),
        store_schema=draw(st.booleans()),  # a reader then gets texts, and not their numbers in a list
        dictionary_pagesize_limit=1 << 27,  # beyond which Arrow writes every cell
    )
    return File(_damaged(draw, stream.getvalue()), "in.parquet", ",", "utf-8", draw(st.integers(0, 5)) == 0)


_OTHER_VALUES = [
    lambda indices: pa.nulls(len(indices), pa.string()),
    lambda indices: pa.nulls(len(indices)),
    lambda indices: pa.array(indices),
    lambda indices: pa.array(indices == 0),
    lambda indices: pa.array(indices.astype("datetime64[s]")),
    lambda indices: pa.array(indices[:5000].astype("S9")).take(pa.array(np.minimum(indices, 4999).clip(0, 23))),
    lambda indices: pa.ListArray.from_arrays(np.arange(len(indices) + 1, dtype=np.int32), pa.array(indices)),
]


def streams() -> SearchStrategy[bytes]:
    """Draws standard input: lines of anything."""
    lines = st.lists(texts(), max_size=6).map(lambda each: "\n".join(each).encode())
    return lines | st.binary(max_size=100) | st.builds(lambda text, odd: text + odd, lines, st.binary(max_size=5))


SCALARS = st.one_of(
    *(st.none(), st.booleans(), st.floats(), texts(), st.integers(-3, 10), st.integers(-(10**90), 10**90)),
    st.sampled_from(["rnn", "lstm", "tfidf", "text", "series", "column", "linear", "../../x", "rnn; touch pwned"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts() | st.integers(), inner, max_size=3),
    max_leaves=8,
)


PLAUSIBLE = st.one_of(
    *(st.integers(1, 500), st.floats(0.01, 0.99), st.booleans()),
    st.sampled_from(["rnn", "post", "mean", "gru", "last"]),
    st.lists(texts(), min_size=2, max_size=2) | st.lists(st.integers(0, 99), max_size=3),
)


def keys() -> SearchStrategy[str]:
    """Draws dotted keys of parameters, of sections, and of nothing."""
    return (
        st.sampled_from(_dotted(COMMITTED))
        | st.sampled_from(["x", "", ".", "train.", "models.new", "data.csv.x"])
        | texts()
    )


def _dotted(values: dict[str, Any], prefix: str = "") -> list[str]:
    found = []
    for name, value in values.items():
        found.append(prefix + name)
        found += _dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else []
    return found


@st.composite
def parameters(draw: DrawFn) -> Any:
    """Draws the committed parameters with some changed, added or removed; or something else altogether."""
    if draw(st.integers(0, 20)) == 0:
        return draw(VALUES)
    values = copy.deepcopy(COMMITTED)
    for key in draw(st.lists(keys(), min_size=1, max_size=3)):
        *sections, last = key.split(".")
        place: Any = values
        for part in sections:
            place = place.get(part) if isinstance(place, dict) else None
        if isinstance(place, dict):
            if draw(st.integers(0, 5)) == 0:
                place.pop(last, None)
            else:
                place[last] = draw(VALUES | PLAUSIBLE)
    return values


# What names and paths could do where DVC, a shell or a terminal reads them.
ODD_NAMES = [
    *("..", "../../outside", "a/../../outside", "/etc/passwd", "/", ".", "~", "-x", "--force", "*", "?", "#", "%2e%2e"),
    *("\n", "\r\n", "\t", "\0", "\x1b[2J", "\x85", "\u2028", "\u202e", "\u2066", "\u200f", "\ufeff", " "),
    *(
        "'",
        '"',
        "\\",
        "$(touch pwned)",
        "`touch pwned`",
        "; touch pwned",
        "| cat",
        "& x",
        "> x",
        "$HOME",
        "{a,b}",
        "!x",
    ),
    *("${data.csv}", "${item}", "$${x}", "#{x}", "{{x}}", "http://127.0.0.1:1/x", "remote://x", "é", "x" * 300),
]
TEMPLATED = sorted(set(re.findall(r"\$\{((?!item)[\w.]+)\}", (ROOT / "dvc.yaml").read_text(encoding="utf-8"))))


def _text_keys() -> list[str]:
    values = {key: functools.reduce(dict.__getitem__, key.split("."), COMMITTED) for key in _dotted(COMMITTED)}
    return [key for key, value in values.items() if isinstance(value, str | list)]


TEXT_KEYS = _text_keys()


@st.composite
def hostile_names(draw: DrawFn) -> dict[str, Any]:
    """Draws the committed parameters with odd names where dvc.yaml puts a parameter into a path, and in any text."""
    values = copy.deepcopy(COMMITTED)
    before, after = (st.sampled_from(["", "", "rnn", "data/raw/it.csv", "/x"]) for _ in range(2))
    names = st.builds(lambda *parts: "".join(parts), before, st.sampled_from(ODD_NAMES), after) | texts()
    for key in draw(st.lists(st.sampled_from(TEMPLATED) | st.sampled_from(TEXT_KEYS), min_size=1, max_size=2)):
        *sections, last = key.split(".")
        place = functools.reduce(dict.__getitem__, sections, values)
        name = draw(names)
        if key == "compare":
            values["models"][name] = values["models"]["lstm"]
        place[last] = [*place[last][:-1], name] if isinstance(place[last], list) else name
    return values


YAML_PIECES = [
    *(
        "a",
        "b",
        "data",
        ": ",
        ":\n",
        ":\n  ",
        ", ",
        "- ",
        "\n- ",
        "\n",
        "\n  ",
        "[",
        "]",
        "{",
        "}",
        "? ",
        "# x\n",
        "---\n",
    ),
    *("...\n", "%YAML 1.1\n", "%TAG ! tag:x\n", "&a ", "&b ", "*a", "*b", "<<: ", "<<: *a", "<<: [*a, *a]"),
    *("[*a, *a, *a]", "!!str ", "!!int ", "!!float ", "!!bool ", "!!null ", "!!set ", "!!omap ", "!!pairs "),
    *("!!binary ", "!!timestamp ", "!!merge ", "!!value ", "!!seq ", "!!map ", "!!python/object/apply:os.system "),
    *("!!python/name:os.system ", "! ", "!!python/object/new:x ", "!x ", "!<tag:yaml.org,2002:int> ", "'", '"'),
    *('"\\ud83d"', '"\\x00"', "|\n", ">-\n", "\t", "1", "-1", "0x1f", "0o7", "0b1", "1e3", "1e999", ".inf", ".nan"),
    *("1:30", "1_000", "2001-01-01", "2001-13-45", "2001-01-01T25:00:00Z", "yes", "null", "~", "=", "9" * 200),
    *("0x" + "f" * 5000, "@", "`", "\0", "\ufeff", "\x85", "😀"),
]


def yaml_texts() -> SearchStrategy[str]:
    """Draws text that is nearly YAML."""
    piece = st.sampled_from(YAML_PIECES)
    return st.lists(piece | st.text(max_size=3), max_size=20).map("".join) | st.builds(
        _laughs, st.data(), st.integers(2, 9)
    )


def _laughs(data: Any, depth: int) -> str:
    first = data.draw(st.sampled_from(["[x, x]", "{x: 1}", "x"]))
    link = data.draw(st.sampled_from(["[{}]", "{{<<: [{}]}}", "{{k: [{}]}}"]))
    lines = [f"a0: &a0 {first}"]
    for level in range(1, depth):
        lines.append(f"a{level}: &a{level} " + link.format(", ".join([f"*a{level - 1}"] * 9)))
    return "\n".join(lines)


@st.composite
def experiment_files(draw: DrawFn) -> dict[str, Any]:
    """Draws contents of an experiment's file."""
    whole: dict[str, Any] = {"title": "t", "reproduces": "r", "expects": "e", "data": "embedded"}
    changes = st.dictionaries(keys(), VALUES, max_size=2)
    usual = st.fixed_dictionaries(
        {}, optional={"train.epochs": st.integers(0, 9), "data.csv": texts(), "train.seeds": VALUES}
    )
    whole["params"] = draw(changes | usual)
    if draw(st.booleans()):
        whole["variants"] = draw(st.dictionaries(names() | st.integers(), changes | usual, max_size=3))
    for key in draw(st.lists(st.sampled_from([*whole, "extends", "original", "at_least", "x"]), max_size=2)):
        whole[key] = draw(VALUES)
    return whole


def names() -> SearchStrategy[str]:
    """Draws names of experiments, good and bad."""
    bad = ["..", "../../x", "/etc/passwd", "", "a/b", "a\n", "A", "a" * 300, "-x", "a\0b", "~", "*", "refs/heads/x"]
    return st.sampled_from(["it", "other", "10", "a-b"]) | st.sampled_from(bad) | texts()


@st.composite
def arrays(draw: DrawFn) -> bytes:
    """Draws a file of an array, or of something else."""
    dtype = draw(st.sampled_from(["<i4", "|S16", "<f8", "<U3", "?", "<c16", "<M8[s]"]))
    array = np.zeros(draw(st.sampled_from([(), (0,), (3,), (2, 3)])), dtype)
    stream = io.BytesIO()
    if draw(st.integers(0, 5)):
        np.save(stream, array, allow_pickle=False)
    else:
        np.savez(stream, allow_pickle=False, array=array)
    content = stream.getvalue()
    if draw(st.integers(0, 2)) == 0:
        header = draw(st.sampled_from(_HEADERS)).encode()
        content = b"\x93NUMPY\x01\x00" + (len(header) % 65536).to_bytes(2, "little") + header + content[-24:]
    return _damaged(draw, content)


_HEADERS = [
    "{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,)}\n",
    "{'descr': '<i4', 'fortran_order': False, 'shape': (-1,)}\n",
    "{'descr': '|O', 'fortran_order': False, 'shape': (3,)}\n",
    "{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (3,)}\n",
    "{'descr': __import__('os').system('touch pwned'), 'fortran_order': False, 'shape': (3,)}\n",
    "{'descr': ('<i4', (2,) * 40), 'fortran_order': 1, 'shape': 3}\n",
    "[" * 3000,
    "(" * 200 + ")" * 200,
    "{'a': 1}" * 2000,
]


@functools.cache
def saved_networks() -> list[dict[str, bytes]]:
    """Returns the members of files that the project itself writes."""
    with importing_keras():
        from rnnlab.networks import models
    both_ways = plain(4, 3, cell="gru", bidirectional=True, layers=2, pooling="mean_max", dense=5, output="logits")
    built = [models.build_classifier(plain(4, 3), 50, 9), models.build_classifier(both_ways, 50, 9)]
    built.append(models.build_forecaster(plain(4, 3, cell="simple_rnn", output="linear"), 12))
    saved = []
    with tempfile.TemporaryDirectory() as folder:
        for network in built:
            models.save(network, Path(folder) / "it.keras")
            with zipfile.ZipFile(Path(folder) / "it.keras") as archive:
                saved.append({name: archive.read(name) for name in archive.namelist()})
    return saved


_SIZES = [-1, 0, 1, 3, 4, 9, 2.5, 300, 10_000, 1_000_000, 200_000_000, 1 << 31, 1 << 63]
_INNER = {"module": "keras.layers", "class_name": "Dense", "config": {"units": 9, "name": "x"}}
_SLY = [
    *({"input_shape": [None, size]} for size in (4, 10_000, 200_000_000)),
    *([None, 1_000_000], [1_000_000, 9], [200_000_000], [], {}, None, True, False),
    {**_INNER, "build_config": {"input_shape": [1, 20_000_000]}},
    {"module": "builtins", "class_name": "__lambda__", "config": {"value": "eA=="}},
    {"class_name": "__numpy__", "config": {"value": [1.0] * 9, "dtype": "float32"}},
    *(
        "",
        "x",
        "linear",
        "int8_from_float32",
        "channels_first",
        "Lambda",
        "TFSMLayer",
        "keras.layers",
        "os",
        "rnnlab>MaskedMax",
    ),
]
# What a layer, or its configuration, may say to have more made than it seems.
_TRICKS: dict[str, list[Any]] = {
    "build_config": [{"input_shape": [None, size]} for size in (4, 1_000_000, 200_000_000)],
    **dict.fromkeys(("units", "input_dim", "output_dim", "lora_rank", "target_shape"), _SIZES),
    **dict.fromkeys(("kernel_initializer", "noise_shape", "activation"), _SLY),
    **{key: [True] for key in ("stateful", "unroll", "return_state", "keepdims")},
    "batch_shape": [[1_000_000, 9], [None, 1_000_000], [None], []],
    "data_format": ["channels_first"],
    "backward_layer": [None, *_SLY],
}


def _dictionaries(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else []:
        yield from _dictionaries(each)


@st.composite
def networks(draw: DrawFn) -> bytes:
    """Draws ``.keras`` files that were changed: layers, their settings, weights and members, packed or not."""
    members = dict(draw(st.sampled_from(saved_networks())))
    config = json.loads(members["config.json"])
    layers = config["config"]["layers"]
    for _ in range(draw(st.sampled_from([1, 1, 1, 2, 0]))):
        key = draw(st.sampled_from(list(_TRICKS)))
        changed = draw(st.sampled_from(layers))
        if draw(st.integers(0, 3)):
            (changed if key == "build_config" else changed["config"])[key] = draw(st.sampled_from(_TRICKS[key]))
        else:
            place = draw(st.sampled_from(list(_dictionaries(config))))
            place[draw(st.sampled_from(list(place) or ["x"]))] = draw(st.sampled_from(_SIZES) | st.sampled_from(_SLY))
    if draw(st.integers(0, 5)) == 0:
        layers.insert(draw(st.integers(0, len(layers))), copy.deepcopy(draw(st.sampled_from(layers))))
    members["config.json"] = json.dumps(config).encode() + b" " * draw(st.sampled_from([0] * 30 + [1 << 21, 200 << 20]))
    if draw(st.integers(0, 7)) == 0:
        members["model.weights.h5"] = draw(st.sampled_from([b"", _weights_bomb(), members["model.weights.h5"][:2000]]))
    if draw(st.integers(0, 9)) == 0:
        members[draw(st.sampled_from(["assets/x", "../x", "/x", "config.json/"]))] = b"x"
    stream = io.BytesIO()
    how = draw(st.sampled_from([*[zipfile.ZIP_STORED] * 9, zipfile.ZIP_DEFLATED]))
    with zipfile.ZipFile(
        stream, "w", zipfile.ZIP_DEFLATED if len(members["config.json"]) > 1 << 22 else how
    ) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return _damaged(draw, stream.getvalue())


@functools.cache
def _weights_bomb() -> bytes:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name in ("layers/embedding/vars/0", "layers/dense/vars/0"):
            file.create_dataset(name, (200_000_000,), np.float32, chunks=(1 << 20,), compression="gzip")
    return stream.getvalue()


def documents() -> SearchStrategy[bytes]:
    """Draws text that is nearly JSON."""
    pieces = st.sampled_from(
        ['{"a": ', "}", "[", "]", '"x"', '"\\ud83d"', "1", "1e999", "NaN", ",", ":", "null", " ", "9" * 5000]
    )
    mixed = st.lists(pieces, max_size=15).map("".join)
    deep = st.sampled_from(["[" * 100_000, '{"a":' * 50_000])
    return (mixed | mixed | mixed | deep).map(str.encode) | st.binary(max_size=30)
