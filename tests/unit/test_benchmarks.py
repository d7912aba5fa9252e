"""Benchmarks: rivals compute the same, turns are fair, the report says what was measured."""

import importlib
import importlib.util
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import (
    distribution,
    forecasters,
    forecasting,
    networks,
    parts,
    report,
    scale,
    texts,
    timing,
    vocabularies,
    whole,
    work,
)
from benchmarks.forecasting import Answer
from benchmarks.report import Section, Table
from benchmarks.timing import Race, Rival, Sample
from benchmarks.work import Work
from reliability import clones
from rnnlab.project import params

SMALL = Work("lstm", batch=4, length=12, units=5, batches=3, embedding=6, words=50)
PATIENT = {
    "patient": Rival("tests.unit.test_benchmarks:counting"),
    "absent": Rival("nowhere:none", needs="no_such_package"),
}


def counting(start: int) -> Callable[[], int]:
    numbers = iter(range(start, 100))
    return lambda: next(numbers)


def threads(_: None) -> Callable[[], str | None]:
    return lambda: os.environ.get("OMP_NUM_THREADS")


@pytest.mark.weekly
@pytest.mark.parametrize("cell", ["simple_rnn", "lstm"])
def test_rivals_learn_the_same_from_the_same_rows(cell: str) -> None:
    task = SMALL._replace(cell=cell)
    losses = [networks.ours(task)(), networks.stock(task)()]
    if importlib.util.find_spec("torch"):
        from benchmarks import torch_networks

        losses.append(torch_networks.packed(task)())
    np.testing.assert_allclose(losses, losses[0], rtol=1e-5)


@pytest.mark.weekly
def test_an_epoch_of_padded_rows_trains_every_rival() -> None:
    task = SMALL._replace(padded=True)
    before, after = (repeat := networks.ours(task))(), repeat()
    assert after != before
    assert networks.stock(task)() == pytest.approx(before, rel=0.05)  # another order of the batches


@pytest.mark.weekly
@pytest.mark.parametrize("part", ["forward", "backward", "projection", "recurrent_gradient", "optimizer", "products"])
def test_each_part_of_a_step_runs_by_itself(part: str) -> None:
    getattr(parts, part)(SMALL)()


@pytest.mark.weekly
@pytest.mark.needs("ray")
def test_two_processes_train_one_network() -> None:
    alone, together = (distribution.train(SMALL, workers, threads=1) for workers in (1, 2))
    assert together["losses"] == pytest.approx(alone["losses"], abs=1e-4)


def test_rivals_may_be_bound_to_a_core() -> None:
    bound = {"bound": Rival("tests.unit.test_benchmarks:threads")}
    with timing.workers(bound, cores=1) as pools:
        assert timing.race(pools, bound, None, rounds=1).answers == {"bound": "1"}


def test_padded_rows_are_padded_in_front_and_full_rows_are_not() -> None:
    tokens, labels = work.rows(Work("lstm", batch=100, length=200, units=1, batches=5, padded=True))
    assert tokens.shape == (500, 200) and labels.shape == (500, 1)
    assert ((np.diff((tokens > 0).astype(int)) >= 0).all(axis=1)).all()
    assert 0.3 < (tokens > 0).all(axis=1).mean() < 0.6
    assert (work.rows(SMALL)[0] > 0).all()


def test_a_race_gives_a_sample_a_round_and_skips_who_is_not_installed() -> None:
    with timing.workers(PATIENT) as pools:
        race = timing.race(pools, PATIENT, 7, rounds=3)
    assert race.answers == {"patient": 7}
    assert len(race.samples["patient"]) == 3
    assert report.comparison(PATIENT, race)[1] == "not installed"


def test_ratios_are_those_of_the_fastest_and_of_each_round() -> None:
    ours, other = [Sample(1, 1), Sample(10, 1), Sample(2, 1)], [Sample(2, 3), Sample(20, 3), Sample(6, 3)]
    assert timing.ratios(other, ours) == pytest.approx((2.0, 2.0, 2.5))
    assert report.times(other, ours) == "**2.00×** (2.00–2.50)"
    race = Race({"ours": ours, "other": other}, {}, {})
    cells = report.comparison({"ours": Rival(""), "other": Rival("")}, race, per=2)
    assert cells == ["500 ms", "1,000 ms, **2.00×** (2.00–2.50)"]


def test_a_command_is_charged_for_its_processor_time_and_memory(tmp_path: Path) -> None:
    ballast = b"x" * 2**28  # of this process: the command has nothing to do with it
    sample, output = timing.run([sys.executable, "-c", "print(sum(range(10**6)))"], tmp_path)
    assert output.strip() == "499999500000"
    assert sample.cpu > 0 and 1 < sample.megabytes < len(ballast) / 2**20
    with pytest.raises(RuntimeError, match=r"failed with 3:\nwhy"):
        timing.run([sys.executable, "-c", "print('why'); raise SystemExit(3)"], tmp_path)


def test_the_report_shows_each_section_and_keeps_every_raw_figure() -> None:
    table = Table("**Speed** of both.", ("what", "seconds"), [("ours", "1.0")])
    entry = report.entry(Section("Training", [table], {"steps": [Sample(1.0, 2.0)]}), quick=True)
    assert json.loads(json.dumps(entry))["raw"] == {"steps": [[1.0, 2.0, 0.0]]}
    page = report.markdown({"training": entry})
    for part in ("## Training", "**Speed** of both.", "| ours   | 1.0", "--quick", "cores", "keras"):
        assert part in page


def test_the_time_of_a_run_is_shared_out_to_its_stages() -> None:
    shown = """\
5.0 ingest             3.0 s
8.9 train@rnn-1        2.9 s
9.0 baseline           2.0 s
9.0 lstm-1  epoch 2  validation loss 0.5
9.2 train@lstm-1       4.2 s
12.0 evaluate           2.5 s
12.0 done
"""
    told = {"DVC's start": 2.0, "ingest": 3.0, "train": 4.5, "evaluate": 2.5}
    assert whole.phases(shown) == pytest.approx(told)


def test_forecasters_get_the_windows_of_the_pipeline() -> None:
    given = forecasting.task(forecasting.Work(horizon=5, seed=1))
    rows = {"train": 1440, "validation": 160, "test": 400}
    assert {split: len(values) for split, values in given.values.items()} == rows
    window = given.settings.series.window
    for split, count in rows.items():
        inputs, targets = given.cut[split].inputs, given.cut[split].targets
        assert inputs.shape == (count - window - 4, window, 1) and targets.shape == (count - window - 4, 5)
        np.testing.assert_allclose(targets[0], given.values[split][window : window + 5], rtol=1e-6)
    assert given.values["train"].std() == pytest.approx(1) and given.values["test"].std() != pytest.approx(1, abs=1e-6)


def test_errors_of_forecasts_are_in_the_unit_of_the_data() -> None:
    given = forecasting.task(forecasting.Work(horizon=2, seed=1))
    targets, scale = given.cut["test"].targets, given.encoding.series[""].scaler.scale
    assert given.error(targets) == 0
    assert given.error(targets + 1) == pytest.approx(scale**2, rel=1e-4)


def test_forecasters_are_compared_by_error_and_processor_seconds() -> None:
    def answers(error: float, first: float, others: float) -> list[Answer]:
        ends = np.cumsum([0, first, others, others])
        times = [Sample(99 * end, end) for end in ends]
        return [forecasting.answer(error + change, 1234, times) for change in (-0.001, 0.001)]

    none: dict[str, list[Answer]] = {name: [] for name in forecasters.RIVALS}
    rows = forecasters.table_rows(5, {**none, "ours": answers(0.004, 5, 0.2), "Darts RNNModel": answers(0.005, 1, 0.1)})
    shown = ("0.00400 ± 0.00141", "5,000 ms", "200 ms", "5,400 ms")
    assert rows[0] == ["5", "ours", "1,234", *shown]
    assert rows[1][2:] == ["not installed"] * 5
    assert rows[4][3:6] == ["0.00500 ± 0.00141", "1,000 ms, **0.20×** (0.20–0.20)", "100 ms, **0.50×** (0.50–0.50)"]


def test_forecasts_are_left_out_where_no_rival_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecasters, "RIVALS", {"ours": Rival("nowhere:none"), "absent": PATIENT["absent"]})
    section = forecasters.measure(quick=True)
    assert "neither NeuralForecast nor Darts is installed" in report.markdown(
        {"forecasts": report.entry(section, True)}
    )


@pytest.mark.weekly
@pytest.mark.parametrize("name", forecasters.RIVALS)
def test_each_forecaster_learns_from_the_windows(name: str) -> None:
    rival = forecasters.RIVALS[name]
    if not rival.installed:
        pytest.skip(f"{rival.needs} is not installed: it is of the extra bench")
    module, function = rival.make.split(":")
    answer = getattr(importlib.import_module(module), function)(forecasting.Work(horizon=2, seed=1, epochs=6))()
    assert answer.parameters > 0
    assert answer.whole.cpu > 3 * answer.median.cpu > 0 and answer.whole.cpu > answer.first.cpu > 0
    assert answer.error < 0.25  # the values' variance is 0.5


def forget_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IMDB_CSV", "SHARED_DATA"):
        monkeypatch.delenv(name, raising=False)
    texts.frame.cache_clear()


def test_the_reviews_are_found_in_the_shared_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_reviews(monkeypatch)
    monkeypatch.setenv("SHARED_DATA", str(tmp_path))
    assert texts.name() == "texts of the embedded corpus"
    (tmp_path / "imdb.csv").write_text("review,sentiment\nfine,positive\n")
    assert texts.name() == "IMDB reviews" and texts.texts(1) == ["fine"]
    texts.frame.cache_clear()


def test_copies_of_texts_are_distinct(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_reviews(monkeypatch)
    texts.write(tmp_path / "rows.csv", rows=20, copies=3)
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert len(lines) == 61 and len(set(lines)) == 61
    assert len(texts.texts(7000)) == 7000


def test_a_clone_gets_parameters_that_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_reviews(monkeypatch)
    (tmp_path / "params.yaml").write_text(Path("params.yaml").read_text())
    clones.set_params(tmp_path, {"models": {"rnn": {"units": 3}}, "baselines": [], **texts.read_from(Path("a.csv"))})
    changed = params.read(tmp_path / "params.yaml")
    assert changed.models["rnn"].units == 3 and changed.models["rnn"].cell == "simple_rnn"
    assert changed.baselines == () and changed.data.csv == "a.csv"


@pytest.mark.parametrize("name", ["ours", "ours_raw", "keras_layer", "scikit_learn"])
def test_texts_are_tokenized_by_each(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    forget_reviews(monkeypatch)
    getattr(vocabularies, name)(50)()


def costs(name: str, **more: str) -> list[dict[str, Any]]:
    """A stage that takes 2 s to start, then 1 s and 100 MB a thousand rows; the slower of two samples is noise."""
    sizes = ((1000, 3.0, 200.0), (5000, 9.0, 900.0), (11_000, 13.0, 1200.0))
    return [
        {"stage": name, "rows": rows, "samples": [[s, 0.0, mb], [s + 9, 0.0, mb + 50]], **more} for rows, s, mb in sizes
    ]


def measured() -> dict[str, Any]:
    """What `make bench` leaves, as far as `benchmarks.scale` reads it."""
    reading = [cost for engine in ("local", "ray") for cost in costs("ingest", engine=engine)]
    steps = [
        {
            "work": Work(cell, batch=64, length=200, units=128, batches=4)._asdict(),
            "samples": {"ours": [[seconds, 0, 0], [9, 0, 0]]},
        }
        for cell, seconds in (("simple_rnn", 0.256), ("lstm", 0.512))
    ]
    return {
        "training": {"steps": steps, "all cores": [{**step, "samples": {"ours": [[0.16, 0, 0]]}} for step in steps]},
        "stages": {"stages": [*costs("validate"), *costs("ingest")]},
        "ray": {"trials": {"pool": [[10, 0, 0]], "Ray": [[11, 0, 0]]}, "stages": reading, "logging": 0.1},
    }


def test_a_slope_is_that_of_the_fewest_and_most_rows() -> None:
    assert scale.slope(costs("ingest")) == pytest.approx((1e-3, 0.1 * 2**20))


def test_what_many_rows_need_follows_from_the_slopes() -> None:
    raw = measured()
    stages, epochs = scale.stage_slopes(raw), scale.epoch_slopes(raw)
    assert list(stages) == ["`ingest`, local", "`ingest`, ray", "`validate`"]
    assert epochs == {"simple_rnn": (1e-3, 0), "lstm": (2e-3, 0)}
    assert "2.8 h, 976.6 GB" in scale.rows_table(stages, epochs)  # 10^7 rows of 1 ms and 0.1 MB
    # Five epochs of 10^7 rows of 1 and 2 ms: 150,000 s, of two cores; the LSTM alone 100,000 s.
    assert "| 10^7   | 2.8, 3 for an hour" in (machines := scale.machines_table(stages, epochs))
    assert "21" in machines and "1.2 days" in machines
    assert "0.2 million" in scale.limits_table(stages)


def test_what_many_trials_need_follows_from_the_slopes() -> None:
    table = scale.trials_table({"lstm": scale.Slope(1e-3)}, logging=0.1, overhead=1.1)
    # A trial takes 125 s: 10^4 of them 347 hours of a core, and a tenth more.
    assert [cell.strip() for cell in table.splitlines()[-1].split("|")[1:-1]] == ["lstm", "191", "8", "1,250"]


def test_the_page_on_scale_tells_where_its_figures_are_from() -> None:
    page = scale.page(measured(), "2026-01-02, a machine.")
    assert "2026-01-02, a machine." in page and "10^4 trials" in page and "100 ms per\ntrial" in page
    assert "steps are 1.6× (simple_rnn) and 3.2× (lstm) as fast" in page
    assert "by `train.workers`" not in page  # was not measured
