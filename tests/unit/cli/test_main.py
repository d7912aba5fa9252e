import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from rnnlab.cli import main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("words", [("experiments",), ("experiments", "-h")])
def test_experiments_are_listed_or_explained(rnnlab: Any, capsys: Any, words: tuple[str, ...]) -> None:
    assert rnnlab(*words) == 0
    assert "show" in capsys.readouterr().out


def test_outside_of_the_project_it_says_where_to_run(
    rnnlab: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rnnlab("experiments") == 1
    assert capsys.readouterr().err == "error: params.yaml: no such file; run from the project's root\n"


def test_a_page_of_several_results_is_written_whole(
    rnnlab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from rnnlab.experiments import named_results
    from rnnlab.report import comparison_page

    monkeypatch.setattr(named_results, "read", lambda names: names)
    monkeypatch.setattr(comparison_page, "write", lambda results: f"a page of {' and '.join(results)}")
    target = tmp_path / "pages" / "mine.html"
    assert rnnlab("report", "main", "wide", "--out", str(target)) == 0
    assert capsys.readouterr().out == f"wrote {target}\n"
    assert target.read_text() == "a page of main and wide"


@pytest.mark.parametrize("names", [(), ("main",)])
def test_one_result_is_no_comparison(rnnlab: Any, capsys: Any, names: tuple[str, ...]) -> None:
    assert rnnlab("report", *names) == 1
    told = capsys.readouterr()
    assert told.err.startswith("error: name two results or more: ") and told.err.count("\n") == 1
    assert told.out == ""


def test_without_an_activated_environment_dvc_is_the_one_beside_the_command(
    rnnlab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert rnnlab("experiments") == 0
    for name in ("dvc", "python"):
        assert shutil.which(name) == str(Path(sysconfig.get_path("scripts"), name))


def test_help_imports_nothing_heavy() -> None:
    heavy = {"pandas", "matplotlib", "mlflow", "keras", "tensorflow", "ray", "sklearn", "numpy", "scipy", "flask"}
    code = (
        "import sys; from rnnlab.cli.main import main; sys.argv[1:] = ['--help']\n"
        f"try: main()\nexcept SystemExit: print('loaded', sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    *_, last = done.stdout.splitlines()
    assert last == "loaded []"


VERBS = "results", "compare", "drift", "report", "ui", "demo", "promote", "predict", "transfer", "experiments", "sweep"


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(verb: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main.parser().parse_args([verb, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: rnnlab {verb} ")
