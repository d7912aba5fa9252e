"""Every command, parameter, link and source file that the documents name exists."""

import functools
import importlib.util
import itertools
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from dvc.cli import DvcParserError
from dvc.cli import parse_args as parse_dvc
from ruamel.yaml import YAML

from rnnlab.cli.main import parser
from rnnlab.project import params
from rnnlab.project.overrides import changed, flatten
from tests.support.documents import (
    PROGRAMS,
    ROOT,
    Command,
    anchors,
    combinations,
    commands,
    fenced,
    is_placeholder,
    links,
    named,
    overrides,
    shell_commands,
)

SOMETIMES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "mlflow/README.md"]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md")), *(file for file in SOMETIMES if file.is_file())]
COMMANDS = list(dict.fromkeys(command for document in DOCUMENTS for command in commands(document)))
LONGEST = 6_000  # characters of README: a front page that people read to the end


def name_of(document: Path) -> str:
    return str(document.relative_to(ROOT))


def of_program(name: str) -> list[Command]:
    return [command for command in COMMANDS if command.words[0] == name]


def check_parses(parse: Callable[[list[str]], Any], command: Command) -> None:
    """Parses a command; where a sentence only mentions its verb, as in ``rnnlab sweep``, checks that it exists."""
    words = list(command.words[1:])
    try:
        parse(words)
    except (SystemExit, DvcParserError):
        if command.complete or not all(word.isalpha() and word.islower() for word in words):
            raise
        with pytest.raises(SystemExit) as end:
            parse([*words, "--help"])
        assert end.value.code == 0


@pytest.mark.parametrize("command", of_program("make"), ids=str)
def test_every_target_and_variable_is_in_the_makefile(command: Command) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in command.words[1:]:
        variable, given, _ = word.partition("=")
        if given:
            assert f"$({variable})" in makefile
        elif not is_placeholder(word):
            assert re.search(rf"^{re.escape(word)}:", makefile, re.M)


@pytest.mark.parametrize("command", of_program("rnnlab"), ids=str)
def test_rnnlab_knows_the_command(command: Command) -> None:
    check_parses(parser().parse_args, command)
    _, *words = command.words
    if words[0] == "experiments" and words[1:2] in (["run"], ["show"]) and len(words) > 2:
        assert is_placeholder(words[2]) or (ROOT / f"experiments/{words[2]}.yaml").is_file()


@pytest.mark.parametrize("command", of_program("dvc"), ids=str)
def test_dvc_knows_the_command(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["dvc"])  # its parser looks there too, and would find the options of pytest
    check_parses(parse_dvc, command)


@pytest.mark.parametrize("command", of_program("python"), ids=str)
def test_the_module_and_its_options_exist(command: Command) -> None:
    if "-m" not in command.words:
        return
    name, *options = command.words[command.words.index("-m") + 1 :]
    if is_placeholder(name.rpartition(".")[2]):
        return
    found = importlib.util.find_spec(name)
    assert found is not None
    if found.submodule_search_locations:
        found = importlib.util.find_spec(f"{name}.__main__")
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).read_text(encoding="utf-8")
    if Path(found.origin).is_relative_to(ROOT / "stages"):
        assert all(f'"{option}"' in source for option in options if option.startswith("--"))


@functools.cache
def settings() -> params.Params:
    return params.read(ROOT / "params.yaml")


@pytest.mark.parametrize("command", [each for each in of_program("dvc") if overrides(each)], ids=str)
def test_the_parameters_exist_and_are_valid(command: Command) -> None:
    for changes in combinations(overrides(command)):
        changed(settings(), changes, ROOT / command.document)


def grids() -> list[tuple[str, Mapping[str, Any]]]:
    loaded = (
        (name_of(document), YAML(typ="safe").load(block))
        for document in DOCUMENTS
        for language, block in fenced(document)
        if language == "yaml"
    )
    return [(name, values) for name, values in loaded if "grid" in values]


@pytest.mark.parametrize(("document", "sweep"), grids())
def test_the_grid_of_a_sweep_is_valid(document: str, sweep: Mapping[str, Any]) -> None:
    for point in itertools.product(*sweep["grid"].values()):
        changes = {**sweep.get("params", {}), **dict(zip(sweep["grid"], point, strict=True))}
        changed(settings(), changes, ROOT / document)


@functools.cache
def repository_files() -> frozenset[Path]:
    """Tracked files, files about to be committed, and their folders; outputs that Git ignores are in no clone."""
    listing = ("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {ROOT / name for name in listed.split("\0") if name and (ROOT / name).exists()}
    return frozenset(files | {folder for file in files for folder in file.parents})


def is_broken(document: Path, link: str) -> bool:
    place, _, anchor = link.partition("#")
    target = (document.parent / place).resolve() if place else document
    return target not in repository_files() or bool(anchor and anchor not in anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert [link for link in links(document) if is_broken(document, link)] == []


def is_known(name: str) -> bool:
    """Whether a dotted name is a parameter, a module of rnnlab, or defined in a module."""
    dumped = flatten(settings().model_dump(mode="json", by_alias=True))
    if any(key == name or key.startswith(f"{name}.") for key in dumped):
        return True
    *rooms, last = name.split(".")
    place = ROOT / "rnnlab" / "/".join(rooms)
    if (place / f"{last}.py").is_file() or (place / last).is_dir():
        return True
    source = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    defined = rf"^(?:(?:def|class) {last}|{last} ?[:=]|from .* import .*\b{last})\b"
    return source.is_file() and bool(re.search(defined, source.read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name_of)
def test_every_parameter_module_and_source_file_that_is_named_exists(document: Path) -> None:
    first = {*params.Params.model_json_schema()["properties"], *(file.name for file in (ROOT / "rnnlab").iterdir())}
    names, files = named(document, first)
    assert [name for name in names if not is_known(name)] == []
    assert [file for file in files if ROOT / file not in repository_files()] == []


def test_the_front_page_is_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8")) <= LONGEST


def test_commands_are_found_in_blocks_and_sentences() -> None:
    """If the patterns matched nothing, every test above would pass."""
    block = "A=1 make run  # what's this\ndvc push && git push\nrnnlab predict < in.txt | \\\n  head\npython -c '\nx'\n"
    assert list(shell_commands(block)) == [
        ("make", "run"),
        ("dvc", "push"),
        ("git", "push"),
        ("rnnlab", "predict"),
        ("head",),
        ("python", "-c", "\nx"),
    ]
    assert list(combinations(["a.b=1,2", "c=[x,'y z']", "+d=0"])) == [
        {"a.b": 1, "c": ["x", "y z"]},
        {"a.b": 2, "c": ["x", "y z"]},
    ]
    assert {command.words[0] for command in COMMANDS} == set(PROGRAMS)
    assert anchors(ROOT / "docs/README.md") >= {"how-to", "decisions"}


@pytest.mark.parametrize(
    "words", [("rnnlab", "serve"), ("rnnlab", "sweep", "--adress", "x"), ("dvc", "exp", "walk"), ("dvc", "exp", "-x")]
)
def test_a_command_that_does_not_exist_is_noticed(words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["dvc"])
    parse = parser().parse_args if words[0] == "rnnlab" else parse_dvc
    with pytest.raises((SystemExit, DvcParserError, AssertionError, pytest.fail.Exception)):
        check_parses(parse, Command("x.md", words, False))


def test_statistics_show_what_make_coverage_wrote() -> None:
    report = (ROOT / "reports/coverage.md").read_text(encoding="utf-8")
    table = report.split("## Ours, and others\n\n")[1].split("\n\n")[1]
    assert table.startswith("| ")
    assert table in (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
