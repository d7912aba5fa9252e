import pandas as pd

from rnnlab.project.params import Run
from rnnlab.project.results import epoch_seconds
from rnnlab.project.tasks import TASKS
from tests.support.builders import COMMIT, result, series, summary, timings


def test_seconds_per_epoch_are_the_median_over_all_seeds() -> None:
    known = {Run("rnn", 1): timings(9.0, 1.0), Run("rnn", 2): timings(2.0, 4.0), Run("lstm", 1): timings()}
    assert epoch_seconds(known) == {"rnn": 3.0}


def test_models_are_in_the_order_of_the_parameters() -> None:
    names = ("nbsvm", "ensemble", "rnn", "lstm", "tfidf", "odd")
    values = {"compare": ["lstm", "rnn"], "baselines": ["tfidf", "nbsvm", "majority"]}
    ours = result(values=values, metrics={name: summary(0.5) for name in names})
    assert ours.models == ["lstm", "rnn", "ensemble", "tfidf", "nbsvm", "odd"]
    assert ours.contenders == ["lstm", "rnn", "ensemble"]
    assert ours.networks == ["lstm", "rnn"]
    assert ours.baselines == ["tfidf", "nbsvm"]


def test_a_result_knows_its_task_also_from_before_there_were_several() -> None:
    assert series([[1.0]]).task is TASKS["series"]
    ours = result()
    older = ours._replace(values={name: value for name, value in ours.values.items() if name != "task"})
    assert older.task is TASKS["text"]


def test_the_code_is_named_with_what_was_edited() -> None:
    assert result().code == COMMIT[:10]
    assert result(edited=["dvc.yaml"]).code == f"{COMMIT[:10]}, 1 file edited"
    assert result(edited=["dvc.yaml", "rnnlab/it.py"]).code == f"{COMMIT[:10]}, 2 files edited"


def test_predictions_are_those_of_one_model_and_seed() -> None:
    ours = result({"1": "ox", "2": "xo"})
    table = ours.predictions
    assert table is not None
    other = table.assign(model="lstm", probability=0.5)
    both = ours._replace(predictions=pd.concat([table, other]))
    selected = both.predictions_of("rnn", 2)
    assert list(selected.columns) == ["id", "label", "probability"]
    assert selected["id"].tolist() == ["r0", "r1"]
    assert selected["probability"].tolist() == [0.9, 0.9]  # the first is missed, as its label is 0
    assert both.predictions_of("lstm", 1)["probability"].tolist() == [0.5, 0.5]
