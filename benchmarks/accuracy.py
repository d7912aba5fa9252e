"""The effect of the fast engine on accuracy: the embedded comparison with both engines and five seeds."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm import tqdm

from benchmarks import timing
from benchmarks.report import Section, Table
from reliability import clones
from rnnlab.evaluation import comparisons, statistics
from rnnlab.project import params
from rnnlab.project.tasks import TASKS

ENGINES = ("fast", "stock")
SEEDS = [1, 2, 3, 4, 5]

# By model, float64 of shape (seeds, rows): 1.0 where the predicted label is right.
Scores = dict[str, npt.NDArray[np.float64]]


def measure(quick: bool) -> Section:
    """Trains with both engines and compares the same test rows."""
    seeds = SEEDS[:2] if quick else SEEDS
    training = {"seeds": seeds, **({"epochs": 1} if quick else {})}
    with tempfile.TemporaryDirectory() as place:
        scores = _scores(clones.clone(Path(place)), training)
    sentence = (
        f"**Test accuracy on the embedded corpus**, mean and standard deviation over {len(seeds)} seeds; "
        "the difference is in points, with the 95 % interval over seeds and test rows. The engines draw "
        "other batches (of like lengths, and of any), so one seed is not the same training in both."
    )
    table_rows = [_row(name, scores["fast"][name], scores["stock"][name]) for name in scores["fast"]]
    raw = {engine: {name: list(rows.mean(axis=1)) for name, rows in scores[engine].items()} for engine in ENGINES}
    table = Table(sentence, ("model", *ENGINES, "fast - stock"), table_rows)
    return Section("The same accuracy", [table], raw)


def _scores(folder: Path, training: dict[str, Any]) -> dict[str, Scores]:
    scores = {}
    for engine in tqdm(ENGINES, desc="accuracy", disable=None):
        clones.set_params(folder, {"baselines": [], "train": {**training, "engine": engine}})
        timing.run(["dvc", "repro", "--force", "evaluate"], folder)
        predictions = pd.read_parquet(folder / "data/predictions.parquet")
        settings = params.read(folder / "params.yaml")
        scores[engine] = comparisons.scores_by_model(TASKS[settings.task], predictions, settings.scored)
    return scores


def _row(model: str, fast: npt.NDArray[np.float64], stock: npt.NDArray[np.float64]) -> list[str]:
    by_seed = [scores.mean(axis=1) for scores in (fast, stock)]
    difference = statistics.estimate(statistics.difference(fast, stock)).interval()
    interval = f"{100 * difference.mean:+.1f} ({100 * difference.low:.1f} to {100 * difference.high:.1f})"
    return [model, *(f"{seeds.mean():.3f} ± {seeds.std(ddof=1):.3f}" for seeds in by_seed), interval]
