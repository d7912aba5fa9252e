import itertools
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from rnnlab.project import yaml_files

ROOT = Path(__file__).parents[3]


def chain(first: str, link: str) -> str:
    """Nine aliases of nine aliases of … : a few hundred characters for a billion values."""
    links = itertools.pairwise("abcdefghij")
    return f"a: &a {first}\n" + "".join(f"{b}: &{b} {link.format(', '.join([f'*{a}'] * 9))}\n" for a, b in links)


@pytest.mark.parametrize("name", ["params.yaml", "dvc.yaml", "dvc.lock", "mlflow/compose.yaml"])
def test_plain_files_are_read_as_ever(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert yaml_files.load(text) == YAML(typ="safe").load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("# nothing", None),
        ("a: &x [1, 0x1f, 1e3]\nb: *x\n", {"a": [1, 31, 1000.0], "b": [1, 31, 1000.0]}),
        ("a: &x {m: 1, n: 2}\nb: {<<: *x, n: 3}\n", {"a": {"m": 1, "n": 2}, "b": {"m": 1, "n": 3}}),
        ("{a, b}", {"a": None, "b": None}),
        ("&a a: *a", {"a": "a"}),
    ],
)
def test_aliases_and_merges_stand_for_what_they_name(text: str, value: object) -> None:
    assert yaml_files.load(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (chain("[x, x, x, x, x, x, x, x, x]", "[{}]"), "its aliases expand to "),
        (chain("{x: 1}", "{{<<: [{}]}}"), "its aliases expand to "),
        (chain("x", "{{? [{}] : 1}}"), "its aliases expand to "),
        ("&a [*a]", "an alias contains itself"),
        ("a: &a {b: *a}", "an alias contains itself"),
        ("a: &a {<<: *a}", "an alias contains itself"),
        ("!!python/object/apply:os.system [exit]", "could not determine a constructor for the tag"),
        ("!!python/name:os.system", "could not determine a constructor for the tag"),
        ("a: !!python/object:rnnlab.project.params.Params {}", "could not determine a constructor for the tag"),
        ("!mine {}", "could not determine a constructor for the tag"),
        ("a: " + "9" * 5000, "a number of 5,000 characters"),
        ("a: 0x" + "f" * 5000, "a number of 5,002 characters"),
        ("a: 2001-13-45", "month must be in 1..12"),
        ("!!int x", "invalid literal for int()"),
        ("!!bool maybe", "maybe"),
        ("[\n" * 5000, "maximum recursion depth exceeded"),
        ("- " * 5000, "maximum recursion depth exceeded"),
        ('a: "\\ud83d"', "half a surrogate pair, which is not a character"),
        ("a: \0", "unacceptable character"),
        ("a: 1\na: 2", "found duplicate key"),
        ("a\n---\nb", "expected a single document"),
        ("a: [", "while parsing a flow node"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_plain_yaml_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as wrong:
        yaml_files.load(text)
    assert reason in str(wrong.value)
    assert "\n" not in str(wrong.value)
    assert len(str(wrong.value)) < 500


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    source = tmp_path / "params.yaml"
    source.write_text("# " + "x" * 262_144)
    with pytest.raises(ValueError, match="262,146 bytes, more than the limit of 262,144"):
        yaml_files.read(source)
