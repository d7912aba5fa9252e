"""Sweeps: what a file may ask for, which trainings it stands for, and the table of what came of them."""

from pathlib import Path

import numpy as np
import pytest

from rnnlab.features.arrays import Examples
from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.params import Params, Run
from rnnlab.sweeps import grids, table, trials
from rnnlab.sweeps.trials import Data, Outcome
from tests.support.results import SERIES, changed

UNITS = "grid:\n  models.lstm.units: [4, 8]\n"
WRONG = {
    "an unknown section": ("grids: {}\n" + UNITS, "grids: unknown key; did you mean grid?"),
    "an unknown parameter": ("grid: {models.lstm.unit: [4]}\n", "models.lstm.unit: unknown key; did you mean units?"),
    "an empty list": ("grid: {models.lstm.units: []}\n", "grid.models.lstm.units: is empty; name at least one value"),
    "no grid": ("params: {train.epochs: 2}\n", "grid: "),
    "a value and no list": ("grid: {models.lstm.units: 4}\n", "grid.models.lstm.units: must be a valid list"),
    "a value that cannot be": ("grid: {models.lstm.units: [4, 0]}\n", "models.lstm.units: must be greater than or"),
    "a value twice": ("grid: {models.lstm.units: [4, 4]}\n", "grid.models.lstm.units: names the same value twice"),
    "other features": (
        "grid: {tokenize_pad.max_length: [8]}\n",
        "tokenize_pad.max_length: a sweep can only change models, train, compare, match",
    ),
    "time to be measured": (
        "params: {match: time}\n" + UNITS,
        "match: time is measured by `dvc repro` alone; a sweep matches parameters, or none",
    ),
    "an unknown key of the search": (UNITS + "asha: {grace: 1}\n", "asha.grace: unknown key"),
    "rungs that reduce nothing": (UNITS + "asha: {reduction_factor: 1}\n", "asha.reduction_factor: must be greater"),
    "a file of something else": ("- a\n- b\n", "must be a valid dictionary"),
    "no YAML": ("grid: [\n", "not readable as YAML"),
}


def grid_file(folder: Path, content: str = UNITS) -> Path:
    (folder / "units.yaml").write_text(content)
    return folder / "units.yaml"


def data() -> Data:
    def rows(count: int) -> Examples:
        return np.ones((count, 3), np.int32), np.zeros((count, 1), np.float32)

    return Data(rows(4), rows(2), rows(2), 5)


def outcome(loss: float, accuracy: float = 0.5) -> Outcome:
    history = [{"epoch": 1, "val_loss": loss + 1}, {"epoch": 2, "val_loss": loss}]
    return Outcome(history, 2, {"accuracy": accuracy}, 7, "0" * 64)


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_named_with_its_key(mistake: str, settings: Params, tmp_path: Path) -> None:
    content, sentence = WRONG[mistake]
    source = grid_file(tmp_path, content)
    with pytest.raises(UserError) as told:
        grids.read(source, settings)
    assert str(told.value).startswith(f"{source}: ")
    assert sentence in str(told.value)


def test_a_missing_file_is_named(settings: Params) -> None:
    with pytest.raises(UserError, match=r"nowhere\.yaml: no such file"):
        grids.read(Path("nowhere.yaml"), settings)


def test_a_grid_is_every_combination_of_its_values(settings: Params, tmp_path: Path) -> None:
    source = grid_file(
        tmp_path, "params: {train.epochs: 2}\n" + UNITS + "  train.clip_norm: [null, 1.0]\n  train.batch_size: [8]\n"
    )
    grid, combinations = grids.read(source, settings)
    assert list(grid.grid) == ["models.lstm.units", "train.clip_norm", "train.batch_size"]
    found = [(each.settings.models["lstm"].units, each.settings.train.clip_norm) for each in combinations]
    assert found == [(4, None), (4, 1.0), (8, None), (8, 1.0)]
    assert {each.settings.train.epochs for each in combinations} == {2}
    command = "dvc exp run -S train.epochs=2 -S models.lstm.units=4 -S train.clip_norm=null -S train.batch_size=8"
    assert table.command(combinations[0]) == command


def test_each_combination_is_matched_by_itself(settings: Params, tmp_path: Path) -> None:
    source = grid_file(tmp_path, "params: {match: parameters}\ngrid: {models.lstm.units: [16, 32]}\n")
    _, combinations = grids.read(source, settings)
    found = [{name: each.settings.models[name].units for name in each.settings.compare} for each in combinations]
    assert found == [{"rnn": 42, "lstm": 16}, {"rnn": 76, "lstm": 32}]


def test_sequences_are_not_matched_by_parameters_without_their_channels(settings: Params, tmp_path: Path) -> None:
    source = grid_file(tmp_path, "params: {match: parameters}\n" + UNITS)
    ours = changed(settings, task="sequences", baselines=["majority"])
    with pytest.raises(UserError, match="match: with several channels, `dvc repro` alone knows what to match"):
        grids.read(source, ours)


def test_combinations_share_the_trainings_that_they_agree_in(settings: Params, tmp_path: Path) -> None:
    _, combinations = grids.read(grid_file(tmp_path), settings)
    one, other = trials.of_combinations(combinations, data())
    same = {trial.run: trial.key for trial in one}.items() & {trial.run: trial.key for trial in other}.items()
    assert {run.model for run, _ in same} == {"rnn"}
    assert len({trial.key for trial in (*one, *other)}) == 3 * len(settings.train.seeds)


def test_other_rows_are_another_training(settings: Params, tmp_path: Path) -> None:
    _, combinations = grids.read(grid_file(tmp_path), settings)
    changed = data()._replace(test=(np.zeros((2, 3), np.int32), np.zeros((2, 1), np.float32)))
    assert (
        trials.of_combinations(combinations, data())[0][0].key
        != trials.of_combinations(combinations, changed)[0][0].key
    )


def test_other_code_that_scores_is_another_training(
    settings: Params, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, combinations = grids.read(grid_file(tmp_path), settings)
    keys = set()
    for number in range(2):
        (tmp_path / f"{number}/evaluation").mkdir(parents=True)
        (tmp_path / f"{number}/evaluation/metrics.py").write_text(f"THRESHOLD = 0.{number}")
        monkeypatch.setattr(layout, "PACKAGE", tmp_path / str(number))
        keys.add(trials.of_combinations(combinations, data())[0][0].key)
    assert len(keys) == 2


def test_the_smallest_validation_loss_comes_first_and_what_failed_last(settings: Params, tmp_path: Path) -> None:
    content = "params: {compare: [lstm], train.seeds: [1, 2]}\ngrid: {models.lstm.units: [4, 8, 16]}\n"
    _, combinations = grids.read(grid_file(tmp_path, content), settings)
    planned = trials.of_combinations(combinations, data())
    keys = [trial.key for own in planned for trial in own]
    outcomes = dict(zip(keys, map(outcome, (0.5, 0.7, 0.3, 0.4, 0.1)), strict=False))  # the last has no second seed
    found = table.rows(combinations, planned, outcomes)
    assert [row.combination.changes["models.lstm.units"] for row in found] == [8, 4, 16]
    assert [row.failed for row in found] == [0, 0, 1]
    page = table.page("units", ["models.lstm.units"], found)
    first, second, third = [line for line in page.splitlines() if line.startswith("| lstm")]
    assert "0.3500 ± 0.0707" in first and "0.6000" in second and "0.1000" in third
    assert "dvc exp run -S 'compare=[lstm]' -S 'train.seeds=[1,2]'" in page and "-S models.lstm.units=8" in page


def test_what_a_search_stopped_comes_behind_what_came_to_its_end(settings: Params, tmp_path: Path) -> None:
    content = (
        "params: {compare: [lstm], train.seeds: [1]}\ngrid: {models.lstm.units: [4, 8]}\nasha: {grace_epochs: 1}\n"
    )
    grid, combinations = grids.read(grid_file(tmp_path, content), settings)
    assert grid.asha == grids.Asha(grace_epochs=1, reduction_factor=3)
    planned = trials.of_combinations(combinations, data())
    early = trials.stopped([{"epoch": 1, "val_loss": 0.2}, {"epoch": 2, "val_loss": 0.3}])
    assert (early.best_epoch, early.validation_loss) == (1, 0.2)
    found = table.rows(combinations, planned, {planned[0][0].key: early, planned[1][0].key: outcome(0.9)})
    assert [(row.combination.changes["models.lstm.units"], row.stopped) for row in found] == [(8, 0), (4, 1)]
    page = table.page("units", ["models.lstm.units"], found)
    assert "-S models.lstm.units=8" in page
    assert [line.split("|")[-3].strip() for line in page.splitlines() if line.startswith("| lstm")] == ["0", "1"]


def test_a_sweep_of_a_series_shows_its_own_score(settings: Params, tmp_path: Path) -> None:
    ours = changed(settings, **SERIES, compare=["lstm"], train__seeds=[1])
    _, combinations = grids.read(grid_file(tmp_path), ours)
    planned = trials.of_combinations(combinations, data())
    outcomes = {
        own.key: outcome(loss)._replace(test={"mse": 10 * loss})
        for [own], loss in zip(planned, (0.5, 0.3), strict=True)
    }
    found = table.rows(combinations, planned, outcomes)
    assert [(row.combination.changes["models.lstm.units"], row.scores) for row in found] == [(8, [3.0]), (4, [5.0])]
    assert "| test MSE " in table.page("units", ["models.lstm.units"], found)


def test_a_sweep_in_which_everything_failed_has_no_winner(settings: Params, tmp_path: Path) -> None:
    _, combinations = grids.read(grid_file(tmp_path), settings)
    planned = trials.of_combinations(combinations, data())
    page = table.page("units", ["models.lstm.units"], table.rows(combinations, planned, {}))
    assert "–" in page and "dvc exp run" not in page


def test_a_run_has_its_outcome_of_the_epoch_that_was_kept() -> None:
    assert outcome(0.25).validation_loss == 0.25
    assert Outcome([{"epoch": 1, "val_loss": 3.0}, {"epoch": 2, "val_loss": 4.0}], 1, {}, 1, "").validation_loss == 3.0
    assert Run("lstm", 1).name == "lstm-1"
