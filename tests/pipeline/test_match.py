"""Networks of one size through the real pipeline."""

import json
import re

from tests.pipeline.conftest import Project, stages_run


def trained(project: Project, **changes: object) -> set[str]:
    """Changes parameters and trains what depends on them; returns the stages that ran from `size` to `train`."""
    project.set_params(**changes)
    return stages_run(project.run("dvc", "repro", "train").stdout)


def units(project: Project, model: str) -> int:
    return int(json.loads((project.folder / f"reports/sizes/{model}.json").read_text())["units"])


def test_a_change_trains_the_networks_whose_size_it_changes(project: Project) -> None:
    project.set_params(match="parameters", train__seeds=[1])
    # The LSTM is the larger one: it keeps its units, and its network.
    assert {name for name in stages_run(project.run("dvc", "repro").stdout) if "@" in name} == {"train@rnn-1"}
    assert (units(project, "rnn"), units(project, "lstm")) == (13, 4)
    sentence = "Matched by recurrent parameters: rnn has 13 units and 598 recurrent parameters, lstm 4 and 592."
    assert f"- {sentence}\n" in (project.folder / "reports/comparison.md").read_text()
    assert sentence in project.inside("rnnlab.cli.main", "results").stdout
    models = re.search(r'<section id="models".*?</section>', (project.folder / "reports/index.html").read_text(), re.S)
    assert models and sentence in models[0] and "598 parameters" in models[0]
    logged = {run.data.params["units"] for run in project.runs("tags.match = 'parameters' and tags.model = 'rnn'")}
    assert logged == {"13"}

    assert trained(project, models__lstm__units=6) == {"size", "train@rnn-1", "train@lstm-1"}
    assert (units(project, "rnn"), units(project, "lstm")) == (18, 6)
    assert trained(project, models__lstm__dropout=0.3) == {"size", "train@lstm-1"}
    assert trained(project) == set()


def test_what_cannot_be_matched_is_a_sentence(fresh: Project) -> None:
    fresh.set_params(match="parameters", models__lstm__units=1, models__rnn__units=1)
    assert fresh.stage("size", expect=1).stderr.startswith("error: match: no number of units gives rnn as many")
    fresh.set_params(match="time", models__rnn__train={"threads": 2})
    assert fresh.stage("size", expect=1).stderr.startswith("error: match: time needs the same train.threads for all")
    fresh.set_params(match="parameters", compare=["rnn"])
    assert "match: there is nothing to match rnn with" in fresh.stage("size", expect=1).stderr
    fresh.set_params(match="weights", compare=["rnn", "lstm"])
    assert fresh.stage("size", expect=1).stderr.startswith("error: params.yaml: match: must be ")
    assert not (fresh.folder / "reports/sizes").exists()
