"""Code of others is found by its name alone, in a project or a package, and whatever it does wrong is one sentence."""

from pathlib import Path

import pytest

from rnnlab.project import params, plugins
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed
from tests.support.cells import write_cell
from tests.support.documents import ROOT
from tests.support.extensions import write_extension

DISTRIBUTION = "Metadata-Version: 2.1\nName: my-package\nVersion: 1.2\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package with a cell, and one that bears the name of another project's file."""
    place = tmp_path / "site"
    (place / "my_package-1.2.dist-info").mkdir(parents=True)
    (place / "my_package-1.2.dist-info/METADATA").write_text(DISTRIBUTION)
    points = "[rnnlab.cells]\nmgu = my_package:wanted\nabsent = my_package:other\nodd = my_package:number\n"
    points += "[rnnlab.baselines]\nletters = my_package:wanted\n"
    (place / "my_package-1.2.dist-info/entry_points.txt").write_text(points)
    (place / "my_package.py").write_text("def wanted(): ...\nnumber = 1\n")
    monkeypatch.syspath_prepend(place)
    return place


def found(name: str, folder: Path) -> plugins.Plugin:
    plugin = plugins.find("cells", name, folder)
    assert plugin is not None
    return plugin


def test_a_package_is_found_by_its_entry_point(package: Path, tmp_path: Path) -> None:
    plugin = found("mgu", tmp_path)
    assert plugin.load(callable, "functions").__name__ == "wanted"
    assert plugin.requirement == plugin.version == "my-package==1.2"
    assert plugin.place == "my-package==1.2: my_package:wanted"


def test_other_kinds_are_found_likewise(package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plugin = plugins.get("extensions/baselines", "letters")
    assert (plugin.function().__name__, plugin.version) == ("wanted", "my-package==1.2")
    file = write_extension(tmp_path, "baselines", "letters")
    assert plugins.get("extensions/baselines", "letters").file == file.relative_to(tmp_path)
    absent = (
        r"^there is no metric 'letters': no file extensions/metrics/letters\.py, and no entry point of rnnlab\.metrics$"
    )
    with pytest.raises(UserError, match=absent):
        plugins.get("extensions/metrics", "letters")


def test_a_helper_is_not_what_a_file_defines(tmp_path: Path) -> None:
    code = "class _Helper: ...\ndef _help(): ...\ndef mine(): ...\n"
    file = write_extension(tmp_path, "metrics", "mine", code)
    assert plugins.Plugin("extensions/metrics", "mine", file).function().__name__ == "mine"


def test_what_is_wrong_with_a_package_is_said(package: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^my-package==1\.2: my_package:other: importing it raises AttributeError"):
        found("absent", tmp_path).load(callable, "functions")
    with pytest.raises(UserError, match=r"^my-package==1\.2: my_package:number: defines no functions; expected one$"):
        found("odd", tmp_path).load(callable, "functions")


def test_a_file_comes_before_a_package_and_its_version_changes_with_it(package: Path, tmp_path: Path) -> None:
    file = write_cell(tmp_path)
    plugin = found("mgu", tmp_path)
    assert (plugin.file, plugin.point, plugin.requirement) == (file, None, "")
    before = plugin.version
    file.write_text(file.read_text() + "# changed\n")
    assert plugin.version != before


def test_what_a_file_imports_is_not_what_it_defines(tmp_path: Path) -> None:
    write_cell(tmp_path, code="from pathlib import Path\nfrom shutil import copy\ndef mine(): ...\n")
    assert found("mgu", tmp_path).load(callable, "functions").__name__ == "mine"


@pytest.mark.parametrize("name", ["../mgu", "MGU", "", "mgu\n", "a/b", "x" * 200])
def test_a_name_is_no_path(tmp_path: Path, name: str) -> None:
    write_cell(tmp_path)
    assert plugins.find("cells", name, tmp_path / "cells/..") is None


def test_parameters_name_a_cell_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = params.read(ROOT / "params.yaml")
    source = tmp_path / "params.yaml"
    source.write_text((ROOT / "params.yaml").read_text().replace("cell: gru", "cell: mgu"))
    known = "must be simple_rnn, lstm, gru, a file cells/NAME.py or an entry point NAME of rnnlab.cells, not 'mgu'"
    with pytest.raises(UserError, match=f"models.gru.cell: {known}"):
        params.read(source)
    with pytest.raises(UserError, match=f"^it: models.gru.cell: {known}"):
        changed(settings, {"models.gru.cell": "mgu"}, Path("it"))
    file = write_cell(tmp_path)
    with_cell = params.read(source)
    monkeypatch.chdir(tmp_path)
    assert changed(settings, {"models.gru.cell": "mgu"}, Path("it")).models == with_cell.models
    assert with_cell.cell_of("gru") == plugins.Plugin("cells", "mgu", Path("cells/mgu.py"))
    before = with_cell.options_of("gru")
    file.write_text(file.read_text() + "# changed\n")
    assert with_cell.options_of("gru") != before
    assert list(with_cell.options_of("lstm")) == ["model", "train"]  # as it was before there were others


def test_a_cell_cannot_bear_the_name_of_ours(tmp_path: Path) -> None:
    (tmp_path / "params.yaml").write_text((ROOT / "params.yaml").read_text())
    write_cell(tmp_path, "lstm")
    with pytest.raises(
        UserError, match=r"cells/lstm\.py: lstm is the name of one that rnnlab has; give the file another$"
    ):
        params.read(tmp_path / "params.yaml")
