"""Weekly reruns on new texts, with trainings that are broken from one week on: when does the alarm ring?"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from ruamel.yaml import YAML
from tqdm import tqdm

from reliability import clones
from reliability.report import Section
from rnnlab.data import corpus
from rnnlab.evaluation import statistics
from rnnlab.experiments import drift
from rnnlab.experiments.drift import Change, Verdict
from rnnlab.features import text
from rnnlab.networks.checkpoints import Checkpoint
from rnnlab.networks.keras_import import importing_keras
from rnnlab.project import params, tasks
from rnnlab.project.params import Params, Run

SEEDS = (1, 2, 3)
TRAIN, VALIDATION, TEST = 1200, 200, 600  # texts per week
CHANGES = {
    "sample": {"rows": TRAIN + VALIDATION + TEST, "distance": 8},
    "tokenize_pad": {"vocabulary_size": 150, "max_length": 32},
    # Small batches, so that networks learn: one that only guesses cannot become worse.
    "train": {"batch_size": 16, "epochs": 4, "patience": 4, "engine": "stock", "learning_rate": 0.005},
    "compare": ["lstm"],
}


def measure(quick: bool) -> Section:
    """Runs the weeks; from the broken one on, training labels are shuffled."""
    weeks, broken = (6, 4) if quick else (72, 50)
    settings = _settings()
    results = [_week(settings, week, week >= broken) for week in tqdm(range(weeks + 1), desc="weeks", disable=None)]
    alarms = {
        week: [verdict for verdict in _judge(settings, results[0], scores) if verdict.word == "worse"]
        for week, scores in enumerate(results)
    }
    alarmed = [week for week, verdicts in alarms.items() if verdicts]
    false, true = [week for week in alarmed if week < broken], [week for week in alarmed if week >= broken]
    sentence = (
        f"**{weeks} weekly reruns** on {TEST} new test texts and {len(SEEDS)} seeds each, judged by `rnnlab drift`"
        f" against week 0. From week {broken} on, the labels of the training rows are mixed up."
        f" False alarms before: {len(false)}. First alarm after: {f'week {true[0]}' if true else 'none'}."
    )
    rows = [
        [str(week), change.model, f"{change.before:.3f}", f"{change.now:.3f}", f"{change.p_value:.1g}"]
        for week in alarmed[:4]
        for change, _ in alarms[week]
        if change.difference
    ]
    header, sound = ("week", "model", "week 0", "then", "p"), not false and true[:1] == [broken]
    return Section("Weekly reruns", sentence, header, rows, {"results": results}, sound)


def _settings() -> Params:
    values = YAML(typ="safe").load(Path("params.yaml"))
    clones.update(values, CHANGES)
    return params.parse(values)


def _judge(settings: Params, committed: Mapping[str, Any], scores: Mapping[str, Any]) -> Sequence[Verdict]:
    verdicts = []
    for model, values in scores.items():
        now, before = (drift.estimate_scores(each, TEST, tasks.ACCURACY) for each in (values, committed[model]))
        change = Change(model, before.mean, now.mean, statistics.apart(now, before))
        verdicts.append(Verdict(change, drift.word(change, tasks.ACCURACY, settings.drift)))
    return verdicts


def _week(settings: Params, week: int, broken: bool) -> dict[str, list[float]]:
    """Draws a week's texts and trains every network on them; returns test accuracies by model, one per seed."""
    drawn, labels, _ = zip(*corpus.reviews(settings.sample, seed=week), strict=True)
    texts = text.clean(pa.array(drawn))
    vocabulary = text.fit_vocabulary(
        text.count_words([texts[:TRAIN]]), settings.tokenize_pad.vocabulary_size, settings.tokenize_pad.oov_token
    )
    tokens = text.encode(texts, vocabulary, settings.tokenize_pad).tokens
    targets = (np.array(labels) == settings.data.labels[1]).astype(np.float32)[:, None]
    if broken:
        targets[:TRAIN] = np.random.default_rng(week).permutation(targets[:TRAIN])
    parts = np.split(np.arange(len(tokens)), (TRAIN, TRAIN + VALIDATION))
    train, validation, test = ((tokens[part], targets[part]) for part in parts)
    runs = {model: [Run(model, seed) for seed in SEEDS] for model in settings.compare}
    return {
        model: [_accuracy(settings, run, len(vocabulary), train, validation, test) for run in runs_of_model]
        for model, runs_of_model in runs.items()
    }


def _accuracy(settings: Params, run: Run, words: int, train: Any, validation: Any, test: Any) -> float:
    with importing_keras():
        import keras

        from rnnlab.networks import models, predicting, training
    keras.backend.clear_session()
    keras.utils.set_random_seed(run.seed)
    network = models.build_classifier(settings.models[run.model], words, train[0].shape[1])
    with tempfile.TemporaryDirectory() as place:
        checkpoint = Checkpoint(Path(place) / "none.npz")
        training.fit(network, train, validation, settings.training_of(run.model), run, checkpoint, lambda row: None)
    probabilities = predicting.predict(network, test[0], settings.evaluate.batch_size)
    return float((tasks.decide(probabilities) == test[1][:, 0]).mean())
