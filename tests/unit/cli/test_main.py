import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rnnlab.cli import main
from rnnlab.cli.printing import printing

ROOT = Path(__file__).parents[3]

# Writes each call's words as a line, and fails for the experiment that FAILING names.
DVC = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
[ "$4" != "$FAILING" ] || exit 7
"""


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """The project's parameters and experiments in a repository of its own, with a dvc that only takes note."""
    place = tmp_path / "project"
    shutil.copytree(ROOT / "experiments", place / "experiments")
    shutil.copy(ROOT / "params.yaml", place)
    for name in [name for name in os.environ if name.startswith("GIT_")] + ["IMDB_CSV", "MLFLOW_TRACKING_URI"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(place)
    subprocess.run(["git", "init", "--quiet"], check=True)
    fake = tmp_path / "bin" / "dvc"
    fake.parent.mkdir()
    fake.write_text(DVC)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    on_ctrl_c = signal.getsignal(signal.SIGINT)
    yield place
    signal.signal(signal.SIGINT, on_ctrl_c)


@pytest.fixture
def rnnlab(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs the console command in the project and gives its exit status."""

    def run(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["rnnlab", *words])
        try:
            return main.run()
        except SystemExit as end:
            return int(end.code or 0)

    return run


def calls(project: Path) -> list[str]:
    file = project.parent / "calls"
    return file.read_text().splitlines() if file.exists() else []


def take(name: str) -> None:
    """Makes a name one that DVC has."""
    author = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    subprocess.run(["git", "update-ref", f"refs/exps/ab/{'0' * 38}/{name}", "HEAD"], check=True)


@pytest.mark.parametrize("words", [("experiments",), ("experiments", "-h")])
def test_experiments_are_listed_or_explained(rnnlab: Any, capsys: Any, words: tuple[str, ...]) -> None:
    assert rnnlab(*words) == 0
    assert "show" in capsys.readouterr().out


def test_the_list_counts_trainings(rnnlab: Any, capsys: Any) -> None:
    assert rnnlab("experiments") == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["sequence-regression"][-2:] == ["embedded", "10"]
    assert rows["long-range"][-2:] == ["embedded", "36"]
    assert rows["torch-imdb-postpad"][-2:] == ["imdb", "5"]


def test_an_experiment_is_shown_with_all_that_it_changes(rnnlab: Any, capsys: Any) -> None:
    assert rnnlab("experiments", "show", "fix-padding-mask") == 0
    shown = capsys.readouterr().out
    for part in ("with a mask", "extends:    torch-imdb-postpad", "data:       imdb", "  models.rnn.mask: true"):
        assert part in shown
    assert "  tokenize_pad.padding: post" in shown
    assert rnnlab("experiments", "show", "long-range") == 0
    assert "  400: sample.distance 400, tokenize_pad.max_length 436" in capsys.readouterr().out
    assert rnnlab("experiments", "show", "sequence-regression") == 0
    assert "original:   rnn: validation_loss 0.0153, training_loss 0.015" in capsys.readouterr().out


def test_a_run_prints_dvc_s_command_and_runs_it(rnnlab: Any, project: Path, capfd: Any) -> None:
    assert rnnlab("experiments", "run", "sequence-regression") == 0
    first, *rest = capfd.readouterr().out.splitlines()
    words = shlex.split(first)
    assert words[:6] == ["dvc", "exp", "run", "--name", "sequence-regression", "--temp"]
    assert "compare=[rnn,lstm]" in words
    assert calls(project) == [" ".join(words[1:])]
    assert rest == ["look at the results: dvc exp show, rnnlab experiments report"]


def test_a_dry_run_only_prints(rnnlab: Any, project: Path, capsys: Any) -> None:
    assert rnnlab("experiments", "run", "long-range", "--dry-run") == 0
    printed = capsys.readouterr().out.splitlines()
    assert [shlex.split(line)[4] for line in printed] == [f"long-range-{n}" for n in (10, 25, 50, 100, 200, 400)]
    assert calls(project) == []


def test_a_queue_says_how_to_start_it(rnnlab: Any, project: Path, capsys: Any) -> None:
    assert rnnlab("experiments", "run", "sequence-regression", "--queue") == 0
    printed = capsys.readouterr().out
    assert "dvc queue start" in printed
    assert "exp run --name sequence-regression --queue -S" in calls(project)[0]


def test_dvc_s_failure_is_the_exit_status_and_ends_a_sweep(
    rnnlab: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAILING", "long-range-25")
    assert rnnlab("experiments", "run", "long-range") == 7
    assert [call.split()[3] for call in calls(project)] == ["long-range-10", "long-range-25"]


def test_reviews_are_handed_to_dvc(rnnlab: Any, project: Path, capsys: Any) -> None:
    csv = project.parent / "my reviews, all=50k.csv"
    csv.touch()
    assert rnnlab("experiments", "run", "fix-padding-pre", "--csv", str(csv)) == 0
    assert f'data.csv="{csv}"' in shlex.split(capsys.readouterr().out.splitlines()[0])
    assert calls(project)[0].endswith(f'-S data.csv="{csv}"')


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("show", "fix-padding"), "error: no experiment fix-padding; did you mean fix-padding-pre?\n"),
        (("run", "../params"), "error: no experiment ../params (known: "),
        (("run", "rnn64-dense"), "error: data/raw/imdb.csv: no such file; rnn64-dense reads the 50,000 IMDB reviews"),
        (("run", "rnn64-dense", "--csv", "x.csv"), "error: x.csv: no such file; "),
        (("run", "long-range", "--csv", "x.csv"), "error: --csv: long-range runs on the embedded data; leave it out\n"),
        (
            ("run", "sequence-regression"),
            "error: sequence-regression exists already; `dvc exp remove sequence-regression`",
        ),
    ],
)
def test_a_mistake_is_one_sentence_before_anything_runs(
    rnnlab: Any, project: Path, capsys: Any, words: tuple[str, ...], sentence: str
) -> None:
    take("sequence-regression")
    assert rnnlab("experiments", *words) == 1
    told = capsys.readouterr()
    assert told.err.startswith(sentence)
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert calls(project) == []


def test_a_wrong_file_is_found_before_anything_runs(rnnlab: Any, project: Path, capsys: Any) -> None:
    source = project / "experiments" / "long-range.yaml"
    source.write_text(source.read_text().replace("sample.distance: 400", "sample.distanec: 400"))
    assert rnnlab("experiments", "run", "long-range") == 1
    sentence = "error: experiments/long-range.yaml: sample.distanec: unknown key; did you mean distance?\n"
    assert capsys.readouterr().err == sentence
    assert calls(project) == []


def test_the_rest_of_a_sweep_is_run(rnnlab: Any, project: Path, capsys: Any) -> None:
    for distance in (10, 25, 50, 100):
        take(f"long-range-{distance}")
    assert rnnlab("experiments", "run", "long-range") == 0
    assert capsys.readouterr().out.startswith("4 of 6 exist already and are left as they are\n")
    assert [call.split()[3] for call in calls(project)] == ["long-range-200", "long-range-400"]


def test_outside_of_the_project_it_says_where_to_run(
    rnnlab: Any, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    assert rnnlab("experiments") == 1
    assert capsys.readouterr().err == "error: params.yaml: no such file; run from the project's root\n"


def test_a_report_names_what_it_wrote(rnnlab: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from rnnlab.report import experiments_report

    monkeypatch.setattr(experiments_report, "write", lambda target: [target, Path("x.png")])
    assert rnnlab("experiments", "report", "--out", "mine.md") == 0
    assert capsys.readouterr().out == "wrote mine.md\nwrote x.png\n"


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


def test_a_server_is_not_started_beside_a_team_s(rnnlab: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example")
    assert rnnlab("ui") == 1
    assert "names a server" in capsys.readouterr().err


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


@pytest.mark.parametrize("words", [["--help"], ["experiments"], ["experiments", "show", "long-range"]], ids=" ".join)
def test_a_closed_pipe_ends_what_prints_without_a_word(words: list[str]) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    command = [sys.executable, "-m", "rnnlab.cli.main", *words]
    with os.fdopen(theirs, "wb") as pipe:
        done = subprocess.run(command, cwd=ROOT, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == ""
    assert done.returncode == -signal.SIGPIPE


def test_a_listing_can_be_cut_short() -> None:
    line = f"{shlex.quote(sys.executable)} -m rnnlab.cli.main experiments | head -1"
    done = subprocess.run(line, shell=True, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("name ") and done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_after_printing_a_closed_pipe_is_an_error_again() -> None:
    """Else a socket that a client closed would end a server."""
    before = signal.getsignal(signal.SIGPIPE)
    with printing():
        assert signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL
    assert signal.getsignal(signal.SIGPIPE) == before


def test_without_the_signal_commands_print_all_the_same(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.delattr(signal, "SIGPIPE")
    with printing():
        print("shown")
    assert capsys.readouterr().out == "shown\n"


VERBS = "results", "compare", "drift", "report", "ui", "demo", "promote", "predict", "transfer", "experiments", "sweep"


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_explains_itself(verb: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as end:
        main.parser().parse_args([verb, "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: rnnlab {verb} ")


def test_a_run_outlives_its_own_ctrl_c(project: Path) -> None:
    """DVC gets the signal too, and ends as it likes: the command waits for it and takes its status."""
    (project.parent / "bin" / "dvc").write_text(
        "#!/bin/sh\ntrap 'sleep 0.6; echo tidy; exit 5' INT\necho up\nwhile :; do sleep 0.1; done\n"
    )
    words = ["experiments", "run", "sequence-regression"]
    code = f"import sys; from rnnlab.cli.main import run; sys.argv[1:] = {words}; run()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    started = subprocess.Popen(
        [sys.executable, "-c", code], cwd=project, env=environment, stdout=subprocess.PIPE, text=True, process_group=0
    )
    assert started.stdout
    while started.stdout.readline() != "up\n":
        assert started.poll() is None
    os.killpg(started.pid, signal.SIGINT)
    assert started.communicate(timeout=60)[0] == "tidy\n"
    assert started.returncode == 5
