"""A finished study of `rnnlab tune`, as it lies in reports/tuning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rnnlab.evaluation import search_curves
from rnnlab.evaluation.search_curves import Curves
from rnnlab.project import layout
from rnnlab.project.dataframes import read_table
from rnnlab.project.files import read_json
from rnnlab.project.params import Params
from rnnlab.project.tasks import TASKS, Measure


class Finished(NamedTuple):
    """A study.

    Attributes:
        name: of its files.
        facts: on all of it, such as ``sampler``.
        trials: a row each, with the columns model, trial, score, loss, weights, epochs, stopped, diverged, and one of
            each option that was drawn.
    """

    name: str
    facts: Mapping[str, Any]
    trials: pd.DataFrame

    @property
    def measure(self) -> Measure:
        """What the trials were scored by."""
        return TASKS[self.facts["task"]].measure

    @property
    def curves(self) -> Curves | None:
        """What searches of some lengths find; None where trials depend on the ones before."""
        if self.facts["sampler"] != "random":
            return None
        worst = self.trials["score"].max() if self.measure.lower_is_better else self.trials["score"].min()
        scores = self.trials.assign(score=self.trials["score"].fillna(worst))
        by_model = {name: np.asarray(scores.loc[scores["model"] == name, "score"]) for name in self.facts["models"]}
        return search_curves.curves(self.measure, by_model)


def name_of(settings: Params) -> str:
    """Returns the name of the study of the data in the parameters."""
    stem = Path(settings.data.csv).name.split(".")[0].lower()
    return "".join(letter if letter.isascii() and letter.isalnum() else "-" for letter in stem).strip("-") or "data"


def page(name: str) -> Path:
    """Returns the file that people read."""
    return layout.TUNING / f"{name}.md"


def table(name: str) -> Path:
    """Returns the file of all trials."""
    return layout.TUNING / f"{name}.csv"


def facts(name: str) -> Path:
    """Returns the file with facts on the study."""
    return layout.TUNING / f"{name}.json"


def read(name: str) -> Finished | None:
    """Reads a study; None if there is none of that name."""
    if not facts(name).is_file():
        return None
    return Finished(name, read_json(facts(name)), read_table(table(name)))
