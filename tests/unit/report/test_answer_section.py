import math
from typing import Any

import pandas as pd
import pytest

from rnnlab.evaluation.costs import Cost, Race
from rnnlab.evaluation.statistics import Components
from rnnlab.project.params import Params
from rnnlab.project.tasks import ORIGIN
from rnnlab.report import answer_section
from tests.support.builders import summary
from tests.support.results import SERIES, changed


def pair(first: str, second: str, *, shown: bool = True, equal: bool = False) -> dict[str, Any]:
    """A pair whose seeds differ by 0.02 and whose rows do not, five seeds and 1,200 rows."""
    components = Components(1200 * 0.02**2, 0.0, 0.0, 5, 1200, False)._asdict()
    facts = {"shown": shown, "equal": equal, "margin": 0.01, "significance": 0.05, "components": components}
    facts["sentence"] = f"{first} and {second}"
    return {"first": first, "second": second, "claim": f"{first} and {second}", "remarks": [], **facts}


def comparison(means: dict[str, float], *pairs: dict[str, Any], measure: str = "accuracy") -> dict[str, Any]:
    intervals = {name: {"mean": mean, "low": mean - 0.01, "high": mean + 0.02} for name, mean in means.items()}
    size = {"seeds": 5, "rows": 1200}
    return {"measure": measure, **size, "intervals": intervals, "groups": {}, "pairs": list(pairs)}


MEANS = {"rnn": 0.7, "lstm": 0.9, "gru": 0.8, "tfidf": 0.75, "majority": 0.5}
PAIRS = [
    pair("lstm", "rnn"),
    pair("gru", "rnn", shown=False),
    pair("gru", "lstm"),
    pair("lstm", "tfidf"),
]
RACE = Race(0.712, {"lstm": [3.0, 4.0, 6.0], "gru": [9.0, math.inf, 1.0]})
LENGTHS = pd.DataFrame(
    [
        {"model": model, "seed": seed, "words": words, "accuracy": accuracy + seed / 100}
        for model, accuracies in {"lstm": (0.9, 0.8), "gru": (0.85, 0.5), "rnn": (0.1, 0.1)}.items()
        for seed in (-1, 1)
        for words, accuracy in zip((10.0, 60.0), accuracies, strict=True)
    ]
)


@pytest.fixture(scope="module")
def three(settings: Params) -> Params:
    return changed(settings, compare=["rnn", "lstm", "gru"], baselines=["majority", "tfidf"])


def test_nothing_is_said_of_lengths_where_all_are_the_same(three: Params) -> None:
    metrics, alike = {name: summary(mean) for name, mean in MEANS.items()}, LENGTHS.assign(words=8.0)
    alike = alike.drop_duplicates(["model", "seed"])
    found = answer_section.answer(three, metrics, comparison(MEANS, *PAIRS), {}, RACE, alike)
    assert "Where does gru fail?" not in dict(found.questions)


def test_the_best_network_is_set_against_the_next(three: Params) -> None:
    metrics = {name: summary(mean) for name, mean in MEANS.items()}
    metrics["tfidf"]["inverse_penalty"] = 30.0
    costs = {"lstm": Cost(2.0, 20.0), "gru": Cost(1.0, 12.4)}
    found = answer_section.answer(three, metrics, comparison(MEANS, *PAIRS), costs, RACE, LENGTHS)
    assert found.headline == "Gru and lstm"
    assert found.scores == ("Accuracy on test rows, on which no model was trained: lstm 90.0 %, gru 80.0 %, rnn 70.0 %")
    answers = dict(found.questions)
    assert answers["Is it real?"] == (
        "Yes: chance alone seldom makes such a difference. 95 % intervals over 5 seeds and 1,200 test rows; all pairs"
        " are judged together. The split and the test rows are held fixed: other data may give another answer."
    )
    assert answers["Where does gru fail?"] == (
        "Gru is farthest behind on texts of about 60 words: 50.0 % against lstm's 80.0 %;"
        " they are closest on texts of about 10 words: 85.0 % against lstm's 90.0 %."
    )
    assert "an epoch takes 2.0 s instead of 1.0 s, a training 20 s instead of 12 s." in answers["What does it cost?"]
    assert answers["What does it cost?"].endswith(
        " To the validation accuracy of 71.2 % that the weakest network's median training reaches, lstm needs 4.0 s and"
        " gru needs 9.0 s (1 of 3 seeds never gets there), median over the seeds."
    )
    assert answers["And without recurrence?"] == (
        "The best baseline is tfidf (C = 30, chosen on validation rows): lstm and tfidf."
    )
    assert [row[0] for row in found.table.rows] == list(MEANS)
    assert found.pairs[2] == "Gru and lstm."


def test_a_difference_that_is_not_shown_comes_with_what_would_show_it() -> None:
    answer = answer_section.reality(pair("a", "b", shown=False), comparison({"a": 0.7}))
    assert answer.startswith("Not shown. To see a difference of 1.0 points, it takes about 34 seeds. 95 %")


def test_equal_models_do_not_differ_in_a_way_that_matters() -> None:
    answer = answer_section.reality(pair("a", "b", shown=False, equal=True), comparison({"a": 0.7}))
    assert answer.startswith("No: whatever difference there is does not matter. 95 %")


def test_one_seed_says_what_its_interval_leaves_out() -> None:
    told = {**comparison({"a": 0.7}), "seeds": 1}
    assert "95 % intervals over 1,200 test rows, but not over seeds, as there is one" in answer_section.reality(
        pair("a", "b"), told
    )


def test_seeds_in_two_groups_are_told_as_a_share() -> None:
    share = {"mean": 0.6, "low": 0.1466, "high": 0.9473}
    told = comparison({"a": 0.7})
    told["groups"] = {"a": {"high": 0.98, "low": 0.515, "higher": 3, "seeds": 5, "share": share}}
    assert (
        "The seeds of a fall into two groups: 3 of 5 reach about 98.0 % (15 to 95 % of such seeds, by exact 95 %"
        " limits), the others 51.5 %."
    ) in answer_section.reality(pair("a", "b"), told)


def test_seeds_that_had_not_converged_are_told(three: Params) -> None:
    metrics = {name: summary(mean) for name, mean in MEANS.items()}
    told = comparison(MEANS, *PAIRS)
    told["convergence"] = {"gru": {"seeds": 5, "reasons": dict.fromkeys("24", "best epoch 12 of 12")}}
    found = answer_section.answer(three, metrics, told, {}, RACE, LENGTHS)
    assert dict(found.questions)["Had every training converged?"] == (
        "2 of 5 seeds of gru had not converged: longer or other training may change this."
    )
    assert "converged" in found.table.headings


def test_whether_a_ranking_holds_over_time_is_a_question_where_there_are_stretches(settings: Params) -> None:
    alone = changed(settings, compare=["rnn"], baselines=["majority"])
    means = {"rnn": 0.7, "majority": 0.5}
    told = comparison(means, pair("rnn", "majority"))
    assert "Does it hold over time?" not in asked(alone, told)
    ends = {name: {"mean": mean} for name, mean in means.items()}
    told["slices"] = [{"column": ORIGIN, "value": f"rows {row}", "intervals": ends, "pairs": []} for row in (1, 2)]
    assert asked(alone, told)["Does it hold over time?"].startswith(
        "Of 2 stretches of the test rows, one after the other"
    )


def asked(settings: Params, told: dict[str, Any]) -> dict[str, str]:
    metrics = {name: summary(0.7) for name in settings.scored}
    return dict(answer_section.answer(settings, metrics, told, {}, RACE, LENGTHS).questions)


def test_of_errors_the_smallest_is_best(settings: Params) -> None:
    series = changed(settings, **SERIES, compare=["rnn", "lstm"])
    means = {"rnn": 0.2, "lstm": 0.1, "last_value": 0.15, "linear": 0.3}
    told = comparison(means, measure="mse")
    assert answer_section.rank(series.compare, told) == ["lstm", "rnn"]
    assert answer_section.rank(series.baselines, told)[0] == "last_value"
    assert "lstm 0.1000, rnn 0.2000; lower is better" in answer_section.scores(["lstm", "rnn"], told)


def test_a_single_network_is_stated_with_its_interval(settings: Params) -> None:
    alone = changed(settings, compare=["rnn"], baselines=[])
    told = comparison({"rnn": 0.7})
    found = answer_section.answer(alone, {"rnn": summary(0.7)}, told, {}, Race(0.7, {}), LENGTHS)
    assert found.headline.startswith("Rnn's test accuracy is 70.0 % (95 % interval 69.0 to 72.0); no other")
    assert found.questions == []
