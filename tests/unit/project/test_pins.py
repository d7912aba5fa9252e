import os
import subprocess
import sys
from pathlib import Path

from rnnlab.project import pins

ROOT = Path(__file__).parents[3]


def install(folder: Path, name: str, version: str, *needs: str) -> None:
    """Writes what an installer notes of a package."""
    noted = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    noted.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {it}" for it in needs)]
    (noted / "METADATA").write_text("\n".join([*lines, ""]))


def test_pins_are_of_all_that_is_needed() -> None:
    found = pins.installed().splitlines()
    assert {f"rnn-vs-lstm=={pins.version()}"} <= set(found)
    assert all(any(line.startswith(f"{name}==") for line in found) for name in ("tensorflow", "dvc-ssh", "numpy"))


def test_packages_that_need_each_other_are_pinned_once(tmp_path: Path) -> None:
    install(tmp_path, pins.NAME, "9.0", "it-a[fast]", 'it-d; extra == "docs"')
    install(tmp_path, "it-a", "1.0", "it_b", 'it-c; extra == "fast"')
    install(tmp_path, "it-b", "2.0", "It.A")
    install(tmp_path, "it-c", "3.0", "it-a[fast]")
    code = "from rnnlab.project import pins; print(pins.installed(), end='')"
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    # In a process of its own, which can be ended if it goes in circles.
    command, options = [sys.executable, "-c", code], {"env": environment, "cwd": tmp_path, "text": True, "timeout": 30}
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, **options)
    assert done.stdout == f"it-a==1.0\nit-b==2.0\nit-c==3.0\n{pins.NAME}==9.0\n"
