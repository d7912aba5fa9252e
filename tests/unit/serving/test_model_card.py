"""The card of a champion, against a real MLflow store."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow import MlflowClient

from rnnlab.project.tasks import TASKS
from rnnlab.serving import model_card, registry
from rnnlab.serving.promotion_rule import Rule
from rnnlab.tracking.runs import PARENT
from rnnlab.tracking.store import Store
from tests.support.builders import LIMITS
from tests.support.logged import log_run, predictions, throw_away_store

pytestmark = pytest.mark.filterwarnings("ignore:.*input example was not provided")
TEXT = TASKS["text"]
INTERVALS = """column,value,rows,model,figure,mean,low,high
all,,40,lstm,accuracy,0.8,0.7,0.9
slice_place,far|off,20,lstm,accuracy,0.61,0.5,0.7
slice_place,near,20,lstm,accuracy,0.99,0.9,1.0
slice_place,far|off,20,rnn,accuracy,0.1,0.0,0.2
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with throw_away_store(tmp_path_factory.mktemp("project")) as opened:
        yield opened


def result(opened: Store, labels: int = 2) -> str:
    """A result with counts of its data and figures by slice, and no model."""
    client = MlflowClient(opened.uri)
    parent = str(client.create_run(opened.experiment_id).info.run_id)
    counts = {f"label {number}": 100 + number for number in range(labels)}
    client.log_text(parent, json.dumps({"splits": {"train": counts}}), "data.json")
    client.log_text(parent, INTERVALS, "explanations/intervals.csv")
    return parent


def test_a_champion_has_a_card(opened: Store, tmp_path: Path) -> None:
    tags = {PARENT: result(opened), "converged": "no: plateau"}
    run_id = log_run(opened, tmp_path, predictions(wrong=4), **tags)
    verdict = registry.promote(opened, run_id, LIMITS.model_copy(update={"name": "carded"}))
    client = MlflowClient(opened.uri)
    assert verdict.champion
    card = client.get_model_version("carded", str(verdict.champion.number)).description
    assert card.startswith("# lstm-1\n\nA recurrent network that classifies texts")
    assert "far\\|off" in card and "0.500 to 0.700" in card and "0.100" not in card
    assert card.index("far") < card.index("near")
    assert "label 1 101, label 0 100" in card
    assert "- passed accuracy: 36 of 40 test rows are right" in card
    assert "had not converged (plateau)" in card
    assert Path(client.download_artifacts(run_id, model_card.NAME, str(tmp_path))).read_text() == card


def test_the_card_of_an_old_run_says_less(opened: Store, tmp_path: Path) -> None:
    run = MlflowClient(opened.uri).get_run(log_run(opened, tmp_path, predictions(wrong=4)))
    card = model_card.write(MlflowClient(opened.uri), run, TEXT, [])
    assert (
        "## Test rows" not in card
        and "## Data" not in card
        and "## Where it is worst" not in card
        and "## Limits" in card
    )


def test_a_card_tells_figures_energy_and_co2_beside_the_cost(opened: Store, tmp_path: Path) -> None:
    client, run_id = MlflowClient(opened.uri), log_run(opened, tmp_path, predictions(wrong=4))
    figures = {"seconds_per_epoch": 1.5, "best_epoch": 7, "energy_kwh": 0.0012345, "co2_grams": 1234.5}
    figures |= {"test_f1": 0.87654, "test_accuracy": 0.9}
    assert "not measured: install rnn-vs-lstm[co2]" in model_card.write(client, client.get_run(run_id), TEXT, [])
    for name, value in figures.items():
        client.log_metric(run_id, name, value)
    card = model_card.write(client, client.get_run(run_id), TEXT, [])
    assert "1.5 seconds an epoch, 7 epochs to the best. By codecarbon's estimate, its training took 0.0012 kWh" in card
    assert "or 1,200 g of CO₂" in card and "not measured" not in card
    rows = card.split("## Test rows\n\n")[1].split("\n\n")[0].replace(" ", "").splitlines()
    assert rows[2:] == ["|accuracy|0.9|", "|f1|0.8765|"]


def test_a_card_fits_the_database(opened: Store, tmp_path: Path) -> None:
    run_id = log_run(opened, tmp_path, predictions(wrong=4), **{PARENT: result(opened, labels=300)})
    client = MlflowClient(opened.uri)
    rules = [Rule(f"rule {number}", True, "holds " * 20) for number in range(60)]
    card = model_card.write(client, client.get_run(run_id), TEXT, rules)
    assert len(card) <= model_card.LONGEST and card.endswith("…") and "and 292 more" in card
