from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

from rnnlab.evaluation import convergence
from rnnlab.evaluation.convergence import Budget
from rnnlab.project.params import Params, Run
from rnnlab.project.tasks import ACCURACY, MEAN_SQUARED_ERROR
from tests.support.results import changed

CONSTANT = Budget(10, "constant")


def history(best: int, epochs: int, accuracy: float = 0.9, loss: float = 0.1) -> pd.DataFrame:
    """A training whose validation loss falls up to its best epoch, and rises from then on."""
    losses = [loss + abs(epoch - best) * loss / 10 for epoch in range(1, epochs + 1)]
    accuracies = [accuracy - (0.0 if epoch == best else 0.02) for epoch in range(1, epochs + 1)]
    return pd.DataFrame({"epoch": range(1, epochs + 1), "val_loss": losses, "val_accuracy": accuracies})


def reasons(seeds: Sequence[pd.DataFrame], budget: Budget = CONSTANT, **changes: Any) -> Mapping[str, str]:
    histories = {Run("rnn", seed): one for seed, one in enumerate(seeds, start=1)}
    measure = changes.get("measure", ACCURACY)
    found = convergence.judge(measure, histories, {"rnn": budget}, changes.get("margin", 0.01))
    assert found["rnn"]["seeds"] == len(seeds)
    return dict(found["rnn"]["reasons"])


@pytest.mark.parametrize(
    ("best", "ran", "allowed", "late"),
    [
        *((9, 10, 10, False), (10, 10, 10, True), (18, 20, 20, False), (19, 20, 20, True), (10, 12, 12, False)),
        *((11, 12, 12, True), (1, 1, 1, True), (3, 3, 4, False), (4, 8, 40, False)),
    ],
)
def test_a_best_epoch_among_the_last_tenth_of_those_allowed_is_late(
    best: int, ran: int, allowed: int, late: bool
) -> None:
    expected = {"1": f"best epoch {best} of {allowed}"} if late else {}
    assert reasons([history(best, ran)], Budget(allowed, "constant")) == expected


def test_under_a_cosine_the_last_epoch_is_where_the_best_should_be() -> None:
    assert reasons([history(10, 10)], Budget(10, "cosine")) == {}


def test_a_plateau_that_another_seed_left_is_named_whatever_the_schedule() -> None:
    seeds = [history(3, 7, accuracy=0.512), history(8, 10, accuracy=0.979), history(8, 10, accuracy=0.93)]
    expected = {"1": "plateau at a validation accuracy of 51.2 %, seed 2 reached 97.9 %"}
    assert reasons(seeds) == expected
    assert reasons(seeds, Budget(10, "cosine")) == expected


def test_five_margins_are_not_more_than_five_margins() -> None:
    assert reasons([history(3, 7, accuracy=0.98), history(3, 7, accuracy=0.93)]) == {}
    assert list(reasons([history(3, 7, accuracy=0.98), history(3, 7, accuracy=0.9299)])) == ["2"]


def test_where_no_seed_breaks_through_none_is_known_to_be_on_a_plateau() -> None:
    assert reasons([history(3, 7, accuracy=0.5), history(3, 7, accuracy=0.51)]) == {}


def test_the_margin_of_a_series_is_a_share_of_the_best_error() -> None:
    seeds = [history(3, 7, loss=loss) for loss in (0.1, 0.1049, 0.106)]
    assert reasons(seeds, measure=MEAN_SQUARED_ERROR) == {
        "3": "plateau at a standardised validation mean squared error of 0.1060, seed 1 reached 0.1000"
    }


def test_a_training_may_be_late_and_behind() -> None:
    assert reasons([history(10, 10, accuracy=0.6), history(3, 7)]) == {
        "1": "best epoch 10 of 10, plateau at a validation accuracy of 60.0 %, seed 2 reached 90.0 %"
    }


def test_models_are_judged_by_themselves_and_by_what_each_was_allowed(settings: Params) -> None:
    mine = changed(settings, train__epochs=10, models__lstm__train={"epochs": 20, "schedule": "cosine"})
    allowed = convergence.budgets(mine)
    assert allowed == {"rnn": Budget(10, "constant"), "lstm": Budget(20, "cosine")}
    histories = {Run("rnn", 1): history(3, 7, accuracy=0.5), Run("lstm", 1): history(20, 20)}
    found = convergence.judge(ACCURACY, histories, {**allowed, "gru": CONSTANT}, 0.01)
    assert found == {"rnn": {"seeds": 1, "reasons": {}}, "lstm": {"seeds": 1, "reasons": {}}}


FOUND = {
    "rnn": {"seeds": 5, "reasons": {"1": "best epoch 9 of 9", "2": "plateau", "4": "best epoch 9 of 9"}},
    "lstm": {"seeds": 5, "reasons": {}},
}


def test_words_tell_how_many_and_which() -> None:
    assert convergence.sentences(FOUND) == [
        "3 of 5 seeds of rnn had not converged: longer or other training may change this"
    ]
    assert convergence.remarks(FOUND, ("lstm", "rnn")) == ["not converged: 3 of 5 seeds of rnn"]
    assert convergence.remarks(FOUND, ("lstm", "tfidf")) == []
    assert convergence.word(FOUND, Run("rnn", 2)) == "no: plateau"
    assert convergence.word(FOUND, Run("lstm", 2)) == "yes"
    assert convergence.word({}, Run("lstm", 2)) == "–"


def test_some_trainings_are_told_of_by_themselves() -> None:
    some = convergence.of_runs(FOUND, [Run("rnn", 2), Run("rnn", 3), Run("gru", 1)])
    assert some == {"rnn": {"seeds": 2, "reasons": {"2": "plateau"}}}
