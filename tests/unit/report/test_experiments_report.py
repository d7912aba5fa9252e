import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest

from rnnlab.experiments.catalogue import Named
from rnnlab.project.params import Params, Run
from rnnlab.project.results import NOTHING, Result
from rnnlab.report import distance_sweep, experiments_report
from tests.support.builders import SWEEP, curve, far, named, result, series, timings
from tests.support.repository import Repository, lay_out


def report(family: Sequence[Named], results: Mapping[str, Result], kept: experiments_report.Entries = NOTHING) -> str:
    entries = experiments_report.all_entries(family, results, "experiments", kept)
    return experiments_report.markdown(family, entries, "experiments")


def test_a_sweep_is_a_table_of_seeds() -> None:
    headings, rows = distance_sweep.SWEEP.table(pd.concat([SWEEP, curve(rnn={800: [0.5]})]))
    assert headings == ["distance", "rnn", "lstm"]
    assert rows[0] == ["10", "2 of 2 seeds (16 to 100 %): 98.0, 96.0", "2 of 2 seeds (16 to 100 %): 99.0, 99.0"]
    assert rows[-1] == ["800", "0 of 1 seeds (0 to 98 %): 50.0", "–"]


def test_minutes_are_the_mean_over_the_seeds_that_are_known() -> None:
    ours = result(
        timings={Run("rnn", 1): timings(60.0, 30.0), Run("rnn", 2): timings(150.0), Run("lstm", 1): timings(9e9)}
    )
    assert experiments_report.minutes(ours, "rnn") == "2.0"
    assert experiments_report.minutes(ours, "tfidf") == "–"


def test_a_score_has_its_interval_where_there_is_one() -> None:
    ends = {"intervals": {"rnn": {"mean": 0.65, "low": 0.601, "high": 0.7049}}}
    assert experiments_report.score(result(comparison=ends), "rnn") == "65.0 % (60.1 to 70.5)"
    assert experiments_report.score(result(comparison=ends), "tfidf") == "80.0 %"
    assert experiments_report.score(series([[1.0]]), "rnn") == "0.5500"


def test_the_table_of_models_ends_with_the_baselines() -> None:
    lines = experiments_report.models_table({"it": result(timings={Run("rnn", 1): timings(120.0)})}).splitlines()
    assert lines[2:] == [
        "| rnn | 65.0 % | 60.0, 70.0 | 0.250 | 0.250 | 0.250 | 1,234 | 2.0 |",
        "| tfidf | 80.0 % | – | 0.250 | 0.250 | 0.250 | 1,234 | – |",
    ]
    both = experiments_report.models_table({"it-a": result(), "it-b": result()}).splitlines()
    assert both[0].startswith("| experiment | model | accuracy")
    assert both[1].startswith("| --- | --- | --: | --: |")
    assert [line.split(" | ")[0] for line in both[2:]] == ["| it-a", "| it-a", "| it-b", "| it-b"]
    assert experiments_report.models_table({"it": series([[1.0]])}).splitlines()[2] == (
        "| rnn | 0.5500 | 0.5000, 0.6000 | 0.250 | 0.250 | 1,234 | – |"
    )


def test_what_was_not_run_shows_its_command() -> None:
    text = report([named("one"), named("two")], {})
    assert "| [one](#one) | – | – | – | – | – | not run yet: `rnnlab experiments run one` |" in text
    assert text.count("Not run yet: `rnnlab experiments run two`.") == 1
    assert "commit" not in text


def test_the_report_shows_every_experiment_from_the_same_results_alike() -> None:
    original = {"model": "rnn", "accuracy": 0.57}
    sweep = named("far", variants={"10": {"sample.distance": 10}, "20": {"sample.distance": 20}})
    family = [sweep, named("root", original=original, reproduces="<unk>"), named("child", "root")]
    ends = {"rnn": {"mean": 0.65, "low": 0.6, "high": 0.7}}
    outcomes = {
        "root": result({"1": "oxxx" * 4}, comparison={"intervals": ends}),
        "child": result({"1": "oooo" * 4}, baseline="f" * 40),
        "far-10": far(10),
    }
    text = report(family, outcomes)
    assert "- Code of commit `0123456789ab`: far-10, root.\n- Code of commit `ffffffffffff`: child." in text
    assert (
        "| [root](#root) | rnn | 57.0 % | 65.0 % (60.0 to 70.0) | 2 | – | reproduced: rnn's accuracy was 57.0 % in the"
        " original; one more seed of ours would lie between "
    ) in text
    assert "| [child](#child) | rnn | – | 65.0 % | 2 | – | child beats root by 75.0 points (" in text
    assert "| [far](#far) | – | – | – | – | – | within this budget, no seed of rnn holds a verdict over any" in text
    assert "on the longest third of the test rows by `sample.distance`: a far verdict is followed by at most so" in text
    assert "some of the rows have a near verdict:" in text
    assert "![Line chart: accuracy over distance](experiments/far.png)" in text
    assert "Not run yet (far-20): `rnnlab experiments run far`." in text
    assert r"Reproduces: \<unk>" in text
    assert text == report(family, outcomes)
    assert not text.endswith("\n\n")


def test_an_experiment_whose_results_are_gone_is_told_as_before() -> None:
    family = [named("root"), named("child", "root")]
    first = {"root": result({"1": "oxxx" * 4}), "child": result({"1": "oooo" * 4})}
    kept = experiments_report.all_entries(family, first, "experiments", NOTHING)
    assert report(family, {}, kept) == report(family, first)
    again = report(family, {"root": result({"1": "ooxx" * 4}, baseline="f" * 40)}, kept)
    assert "- Code of commit `ffffffffffff`: root.\n- Code of commit `0123456789ab`: child." in again
    assert kept["child"].section in again
    assert report(family[:1], {}, kept).count("child") == 0


def test_a_learning_curve_is_a_table_a_figure_and_a_sentence_and_tells_what_had_not_converged() -> None:
    experiment = named("more", variants={share: {"split.train_share": float(share) / 100} for share in ("10", "100")})
    ends = {"rnn": {"mean": 0.65, "low": 0.6, "high": 0.7}, "tfidf": {"mean": 0.8, "low": 0.75, "high": 0.85}}
    pair = {"first": "rnn", "second": "tfidf", "shown": False, "sentence": "a sentence"}
    late = {"rnn": {"seeds": 2, "reasons": {"1": "best epoch 3 of 3"}}}
    told = {"intervals": ends, "pairs": [pair], "convergence": late}
    results = {
        f"more-{share}": result(comparison=told, values={"split": {"train_share": float(share) / 100}})
        for share in ("10", "100")
    }
    text = report([experiment], results)
    assert "| [more](#more) | – | – | – | – | – | rnn never overtakes tfidf |" in text
    assert "| train share | rnn | tfidf |" in text
    assert "| 0.1 | 65.00 % (60.00 to 70.00) | 80.00 % (75.00 to 85.00) |" in text
    assert "(experiments/more.png)" in text
    assert "- more-100: 1 of 2 seeds of rnn had not converged: longer or other training may change this." in text


def test_the_report_is_written_twice_with_the_same_bytes(
    made_repository: Repository, settings: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_repository.folder
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["dvc", "init", "--quiet"], check=True)
    made_repository.write("params.yaml", settings.model_dump(mode="json", by_alias=True))
    texts = {"title": "Far", "reproduces": "a", "expects": "b", "data": "embedded"}
    variants = {"10": {"sample.distance": 10}, "20": {"sample.distance": 20}}
    made_repository.write("experiments/far.yaml", {**texts, "params": {"train.seeds": [1, 2]}, "variants": variants})
    made_repository.write("experiments/wide.yaml", texts)
    baseline = made_repository.commit("code")
    for name in ("far-10", "wide"):
        lay_out(made_repository, settings, {"1": "oxo", "2": "oxx"})
        made_repository.record(name, baseline)
    target = folder / "reports" / "mine.md"
    written = experiments_report.write(target)
    assert written == [target, *(folder / "reports/mine" / name for name in ("record.json", "far.png", "far.csv"))]
    before = [file.read_bytes() for file in written]
    assert b"](mine/far.png)" in before[0]
    assert b"Not run yet (far-20)" in before[0]
    assert before[2].startswith(b"\x89PNG")
    assert before[3].startswith(b"model,seed,accuracy,distance\nrnn,1,")
    experiments_report.write(target)
    assert [file.read_bytes() for file in written] == before
    for reference in subprocess.check_output(["git", "for-each-ref", "--format=%(refname)", "refs/exps"]).split():
        subprocess.run(["git", "update-ref", "-d", reference], check=True)
    experiments_report.write(target)  # as in a clone, where the results are not
    assert [file.read_bytes() for file in written] == before
