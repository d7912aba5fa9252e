"""`rnnlab experiments`: what is printed, and what DVC is called with."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def calls(project: Path) -> list[str]:
    file = project.parent / "calls"
    return file.read_text().splitlines() if file.exists() else []


def take(name: str) -> None:
    """Makes a name one that DVC has."""
    author = ["-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *author, "commit", "--quiet", "--allow-empty", "-m", "x"], check=True)
    subprocess.run(["git", "update-ref", f"refs/exps/ab/{'0' * 38}/{name}", "HEAD"], check=True)


def test_the_list_counts_trainings(rnnlab: Any, capsys: Any) -> None:
    assert rnnlab("experiments") == 0
    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines() if line.strip()}
    assert rows["sequence-regression"][-2:] == ["embedded", "20"]
    assert rows["long-range"][-2:] == ["embedded", "120"]
    assert rows["torch-imdb-postpad"][-2:] == ["imdb", "10"]


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


def test_a_report_names_what_it_wrote(rnnlab: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    from rnnlab.report import experiments_report

    monkeypatch.setattr(experiments_report, "write", lambda target: [target, Path("x.png")])
    assert rnnlab("experiments", "report", "--out", "mine.md") == 0
    assert capsys.readouterr().out == "wrote mine.md\nwrote x.png\n"


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
