from collections.abc import Iterator, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from rnnlab.data.classics import KINDS
from rnnlab.project.results import Result
from rnnlab.report import classics_sweep, experiments_report, known_sweeps, result_page
from tests.support.builders import curve, lengths, named, result


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    plt.close("all")


def points(task: str, **accuracies: dict[int, Sequence[float]]) -> pd.DataFrame:
    return curve(**accuracies).rename(columns={"distance": "length"}).assign(task=task)


PARITY = points(
    "parity",
    rnn={20: [0.5, 0.51, 1.0], 50: [0.5, 0.5, 0.5]},
    lstm={20: [1.0, 1.0, 1.0], 50: [1.0, 0.995, 0.5]},
)
ORDER = points("temporal_order", lstm={20: [1.0, 0.9995], 100: [1.0, 0.998]})


def run(kind: str, length: int, accuracy: float) -> Result:
    """A run of rnn on a classic task, with test rows of one length."""
    values = {"classic": {"kind": kind, "length": length}}
    return result(values=values, lengths=lengths(("rnn", 1, length, accuracy, 10), ("rnn", 2, length, accuracy, 10)))


def test_every_task_has_a_rule_and_chance_is_that_of_guessing() -> None:
    assert {name: rule.chance for name, rule in classics_sweep.RULES.items()} == {
        name: 1 / len(labels) for name, (labels, _) in KINDS.items()
    }


def test_a_sweep_names_the_lengths_that_all_seeds_solve_and_that_none_does() -> None:
    assert classics_sweep.SWEEP.sentence(PARITY) == (
        "within this budget, some seeds of rnn solve parity up to length 20, none from length 50 on;"
        " all seeds of lstm solve parity up to length 20, some at each length (above 99 %)"
    )
    assert classics_sweep.SWEEP.sentence(ORDER) == (
        "within this budget, all seeds of lstm solve temporal order up to length 20, some at each length (above 99.9 %)"
    )


def test_nothing_more_is_said_of_a_model_that_solves_every_length() -> None:
    assert classics_sweep.SWEEP.sentence(points("copy", gru={10: [1.0], 30: [1.0]})) == (
        "within this budget, all seeds of gru solve copy up to length 30 (above 99 %)"
    )


def test_a_cell_of_the_table_counts_the_seeds_by_the_rule_of_the_task() -> None:
    assert classics_sweep.SWEEP.cell(ORDER[ORDER["length"] == 100]) == "1 of 2 seeds (1 to 99 %): 100.0, 99.8"


def test_shares_have_the_exact_limits_of_clopper_and_pearson() -> None:
    found = classics_sweep.shares(PARITY[PARITY["model"] == "lstm"])
    assert found.loc[20].tolist() == pytest.approx([1.0, 0.025 ** (1 / 3), 1.0])
    assert found.loc[50].tolist() == pytest.approx([2 / 3, 0.0943, 0.9916], abs=1e-4)


def test_each_experiment_has_a_panel_with_a_line_for_each_model() -> None:
    every = {f"task-{number}": PARITY if number % 2 else ORDER for number in range(4)}
    figure = classics_sweep.draw_all(every)
    shown = [panel for panel in figure.axes if panel.axison]
    assert [panel.get_title() for panel in shown] == list(every)
    assert [text.get_text() for text in shown[1].get_xticklabels()] == ["20", "50"]
    [rnn, lstm] = [bars.lines[0] for bars in shown[1].containers]
    assert (rnn.get_ydata().tolist(), lstm.get_ydata().tolist()) == ([1 / 3, 0.0], [1.0, 2 / 3])
    # A model has the same colour in each panel, whichever others there are.
    [alone] = [bars.lines[0] for bars in shown[0].containers]
    assert alone.get_color() == lstm.get_color() != rnn.get_color()


def test_more_experiments_make_a_taller_figure() -> None:
    heights = [
        classics_sweep.draw_all({str(number): ORDER for number in range(count)}).get_figheight() for count in (1, 7)
    ]
    assert heights[1] > 2 * heights[0]


def test_the_page_of_a_result_leaves_them_out(tmp_path: Path) -> None:
    PARITY.to_csv(tmp_path / "classics-parity.csv", index=False)
    assert list(result_page.sweep_panels(tmp_path, "text")) == []


def test_seeds_are_drawn_over_the_length() -> None:
    [panel] = classics_sweep.SWEEP.draw(PARITY).axes
    assert panel.get_xlabel() == "symbols of a sequence"
    drawn = {line.get_label(): line for line in panel.lines}
    assert drawn["lstm (median of 3 seeds)"].get_ydata().tolist() == [1.0, 0.995]
    assert drawn["chance"].get_ydata()[0] == 0.5


def test_only_a_sweep_over_the_length_of_one_task_is_one() -> None:
    sweep = named(variants={"20": {"classic.length": 20}, "50": {"classic.length": 50}})
    swept = known_sweeps.of_experiment(sweep, {"it-20": run("copy", 20, 1.0)})
    assert swept is not None
    assert swept.points.to_dict("list") == {
        "model": ["rnn", "rnn"],
        "seed": [1, 2],
        "accuracy": [1.0, 1.0],
        "task": ["copy", "copy"],
        "length": [20, 20],
    }
    mixed = {"a": {"classic.length": 20, "classic.kind": "copy"}, "b": {"classic.length": 20, "classic.kind": "parity"}}
    assert known_sweeps.of_experiment(named(variants=mixed), {"it-a": run("copy", 20, 1.0)}) is None


def test_the_report_shows_what_each_cell_can_learn_in_one_figure() -> None:
    variants = {"20": {"classic.length": 20}}
    family = [named(name, variants=variants) for name in ("one", "two")]
    entries = experiments_report.all_entries(family, {"one-20": run("dyck1", 20, 1.0)}, "experiments", {})
    text = experiments_report.markdown(family, entries, "experiments")
    assert text.count("**What each cell can learn.**") == 1
    assert "(experiments/what-each-cell-learns.png)" in text
    assert "| 20 | 2 of 2 seeds (16 to 100 %): 100.0, 100.0 |" in text
    assert "**What each cell can learn.**" not in experiments_report.markdown(family, {}, "experiments")


def test_the_figure_is_written_beside_those_of_the_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    family = [named("one", variants={"20": {"classic.length": 20}})]
    runs = {"one-20": run("dyck1", 20, 1.0)}
    for module, name, answer in (
        (experiments_report.params, "read", None),
        (experiments_report.catalogue, "load_all", family),
        (experiments_report.dvc_experiments, "recorded", {}),
        (experiments_report.dvc_experiments, "cache", tmp_path),
        (experiments_report, "read_experiments", runs),
    ):
        monkeypatch.setattr(module, name, lambda *_, answer=answer: answer)
    written = experiments_report.write(tmp_path / "mine.md")
    learned = "what-each-cell-learns.png"
    assert [file.name for file in written] == ["mine.md", "record.json", "one.png", "one.csv", learned]
    assert all(file.is_file() for file in written)
    runs.clear()
    assert [file.name for file in experiments_report.write(tmp_path / "mine.md")] == ["mine.md", "record.json", learned]
