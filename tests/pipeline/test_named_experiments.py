"""Experiments of experiments/*.yaml, by one command each, and the report on them."""

import pytest

from tests.pipeline.conftest import Project

TINY = """\
title: An LSTM and a linear model together
reproduces: Nothing.
expects: Little.
data: embedded
original: {model: lstm, accuracy: 0.75}
params:
  train.seeds: [1]
  compare: [lstm]
  intervals.margin: 0.02
  ensemble: [nbsvm, lstm]
"""


def rnnlab(project: Project, *arguments: str, expect: int = 0) -> str:
    done = project.inside("rnnlab.cli.main", *arguments, expect=expect)
    return done.stdout + done.stderr


@pytest.mark.weekly
def test_one_command_runs_an_experiment_and_one_reports_it(project: Project) -> None:
    (project.folder / "experiments/tiny.yaml").write_text(TINY)
    project.run("git", "add", "experiments")
    project.run("git", "commit", "-q", "-m", "an experiment")
    shown = rnnlab(project, "experiments", "run", "tiny")
    line = next(line for line in shown.splitlines() if line.startswith("dvc exp run --name tiny --temp"))
    assert "-S intervals.margin=0.02" in line and "-S 'ensemble=[nbsvm,lstm]'" in line
    assert "up to date" in project.run("dvc", "status").stdout
    [parent] = project.runs("tags.dvc_experiment = 'tiny' and tags.kind = 'pipeline'")
    means = {name.split(".")[0] for name in parent.data.metrics if name.endswith(".mean") and "-" not in name}
    assert means == {"lstm", "ensemble", "majority", "tfidf", "nbsvm"}

    assert "tiny exists already" in rnnlab(project, "experiments", "run", "tiny", expect=1)

    rnnlab(project, "experiments", "report")
    page = (project.folder / "reports/experiments.md").read_text()
    accuracy = parent.data.metrics["lstm.accuracy.mean"]
    row = next(line for line in page.splitlines() if line.startswith("|") and "tiny" in line)
    assert f"{100 * accuracy:.1f} %" in row
    assert "rnnlab experiments run long-range" in page  # not run here: the page says how


def test_a_queued_experiment_waits(project: Project) -> None:
    (project.folder / "experiments/tiny.yaml").write_text(TINY)
    shown = rnnlab(project, "experiments", "run", "tiny", "--queue")
    assert "dvc queue start" in shown
    assert "tiny" in project.run("dvc", "queue", "status").stdout


MISTAKES = {
    "an unknown key": ("  models.lstm.unit: 3\n", "models.lstm.unit"),
    "a pooling that the task cannot have": (
        "  task: series\n  split.method: chronological\n  models.lstm.output: linear\n  models.lstm.pooling: max\n"
        "  baselines: []\n  ensemble: []\n",
        "models.lstm.pooling: the series task predicts from the last state, not max",
    ),
    "no margin at all": ("  intervals.margin: 0.0\n", "intervals.margin: must be greater than 0"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_bad_experiment_is_one_sentence_and_runs_nothing(mistake: str, project: Project) -> None:
    addition, sentence = MISTAKES[mistake]
    head, params = TINY.split("params:\n")
    kept = [line for line in params.splitlines(keepends=True) if line.split(":")[0] + ":" not in addition]
    (project.folder / "experiments/tiny.yaml").write_text(head + "params:\n" + "".join(kept) + addition)
    shown = rnnlab(project, "experiments", "run", "tiny", expect=1)
    assert shown.startswith("error: experiments/tiny.yaml")
    assert sentence in shown
    assert shown.count("\n") == 1
    assert "tiny" not in project.run("dvc", "exp", "list", "--name-only").stdout


def test_an_unknown_name_lists_what_there_is(project: Project) -> None:
    shown = rnnlab(project, "experiments", "run", "tini", expect=1)
    assert shown.startswith("error: no experiment tini") and "long-range" in shown
