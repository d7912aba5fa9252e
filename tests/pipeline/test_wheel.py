"""What goes to PyPI is what it accepts; the wheel alone makes a project, and the project's first stages run on it."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from packaging.metadata import Metadata

from rnnlab.project import scaffold
from tests.pipeline.conftest import ROOT


def run(*command: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sources, packed, and the wheel that is built from them alone."""
    place = tmp_path_factory.mktemp("dist")
    run("git", "clone", "--quiet", str(ROOT), str(place / "clone"), folder=place)
    build = ("uv", "build", "--quiet", "--offline", "--no-build-isolation", "--python", sys.executable)
    run(*build, "--out-dir", str(place), folder=place / "clone")
    return place


@pytest.fixture(scope="module")
def site(dist: Path) -> Path:
    """A folder in which the wheel is installed, without what it needs."""
    [wheel] = dist.glob("*.whl")
    assert wheel.stat().st_size < 550_000  # bytes: code alone; data or figures would be more
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--target", str(dist / "site"), str(wheel))
    run(sys.executable, *install, folder=dist)
    return dist / "site"


def test_both_files_have_the_metadata_that_pypi_accepts(dist: Path) -> None:
    """What `twine check --strict` asks for, and PyPI after it."""
    [packed], [wheel] = dist.glob("*.tar.gz"), dist.glob("*.whl")
    stem = packed.name.removesuffix(".tar.gz")
    with tarfile.open(packed) as sources, zipfile.ZipFile(wheel) as installed:
        of_sources = sources.extractfile(f"{stem}/PKG-INFO")
        assert of_sources is not None
        texts = (of_sources.read(), installed.read(f"{stem}.dist-info/METADATA"))
    for text in texts:
        metadata = Metadata.from_email(text, validate=True)
        assert f"{metadata.name}-{metadata.version}".replace("-", "_", 2) == stem
        assert metadata.description_content_type == "text/markdown"
        assert metadata.description == (ROOT / "README.md").read_text(encoding="utf-8")


def test_only_the_package_is_installed(site: Path) -> None:
    found = {path.name for path in site.iterdir() if not path.name.endswith(".dist-info")}
    assert found <= {"rnnlab", "bin", "__pycache__"}


def test_it_makes_a_project_that_fits_a_file(site: Path, tmp_path: Path) -> None:
    rows = [
        f"{'dull' if row % 2 else 'fine'} music, evening {row};{'bad' if row % 2 else 'good'}" for row in range(300)
    ]
    (tmp_path / "mine.csv").write_text("\n".join(["text;label", *rows, ""]))
    command = (sys.executable, "-m", "rnnlab.cli.main", "new", "shop", "--csv", "mine.csv")
    told = run(*command, folder=tmp_path, PYTHONPATH=str(site))
    assert "cd shop" in told and "run it: rnnlab use" in told
    assert "data.delimiter: ;" in (tmp_path / "shop/experiments/mine.yaml").read_text().replace('"', "")
    missing = subprocess.run((*command[:-1], "none.csv"), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert missing.returncode and "none.csv: no such file" in missing.stderr


def test_it_makes_a_project_whose_stages_run(site: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my shop"
    here = {"PYTHONPATH": str(site), "MLFLOW_SYNC": "off"}
    told = run(sys.executable, "-m", "rnnlab.cli.main", "new", str(folder), folder=tmp_path, **here)
    assert "made " in told and " files, in Git" in told
    assert (folder / "stages/train.py").read_text() == (ROOT / "stages/train.py").read_text()
    assert (folder / "dvc.yaml").read_text() == scaffold.on_installed((ROOT / "dvc.yaml").read_text())
    run("dvc", "repro", "--quiet", "validate", folder=folder, **here)
    assert (folder / "reports/validation.json").exists()
    where = run(sys.executable, "-c", "import rnnlab; print(rnnlab.__file__)", folder=folder, **here)
    assert where.startswith(str(site))
