"""A baseline, a metric, a check and a figure from outside through the pipeline, and what a change to each reruns."""

import json
from pathlib import Path

import pytest

from tests.pipeline.conftest import Project
from tests.support.extensions import write_extension

EXTENSIONS = {"baselines": "letters", "metrics": "cost", "checks": "no_links", "figures": "confidence"}
CHANGES = {
    "compare": ["lstm", "rnn"],
    "train__seeds": [1],
    "baselines": ["majority", "letters"],
    "ensemble": ["lstm", "letters"],
    "evaluate__metrics": ["cost"],
    "validate__checks": ["no_links"],
    "figures": ["confidence"],
}
RERUN = {
    "baselines": {"evaluate"},
    "metrics": {"evaluate"},
    "checks": {"validate"},
    "figures": {"plot", "report"},
}


@pytest.fixture(scope="module")
def extended(blank: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the four recipes after its stages, one by one in this process."""
    project = blank.copy(tmp_path_factory.mktemp("extended") / "project")
    for kind, name in EXTENSIONS.items():
        write_extension(project.folder, kind, name)
    project.set_params(**CHANGES)
    project.run_stages("lstm-1", "rnn-1")
    return project


def test_each_is_where_ours_are(extended: Project) -> None:
    read = extended.folder.joinpath
    figures = json.loads(read("reports/metrics.json").read_text())
    assert figures["letters"]["parameters"] is figures["ensemble"]["parameters"] is None
    assert all("cost" in model["mean"] for model in figures.values())
    comparison = json.loads(read("reports/comparison.json").read_text())
    assert {"lstm", "letters"} in [{pair["first"], pair["second"]} for pair in comparison["pairs"]]
    assert "no_links" in read("reports/validation.md").read_text()
    assert read("reports/figures/confidence.png").is_file()
    page = read("reports/index.html").read_text()
    for shown in ("Probabilities that each model gives", "test cost", "letters", "no_links"):
        assert shown in page
    told = extended.inside("rnnlab.cli.main", "results").stdout
    assert "test cost" in told and "\nletters " in told


def test_they_are_in_mlflow(extended: Project) -> None:
    [run] = extended.runs("tags.model = 'letters'")
    assert "test_cost" in run.data.metrics and "parameters" not in run.data.metrics
    [parent] = extended.runs("tags.kind = 'pipeline'")
    assert {"letters.cost.mean", "lstm.cost.sd"} <= set(parent.data.metrics)
    told = extended.inside("rnnlab.cli.main", "compare", run.info.run_id, "workspace").stdout
    assert "letters" in told


@pytest.mark.parametrize("kind", EXTENSIONS)
def test_a_change_to_one_reruns_what_reads_it_and_trains_nothing(extended: Project, tmp_path: Path, kind: str) -> None:
    project = extended.copy(tmp_path / "project")
    file = project.folder / f"extensions/{kind}/{EXTENSIONS[kind]}.py"
    file.write_text(file.read_text() + "# changed\n")
    status = json.loads(project.run("dvc", "status", "--json").stdout)
    changed = {stage for stage, reasons in status.items() if reasons and stage != "track"}
    assert changed == RERUN[kind]
