"""Ray against a plain process pool: twelve short trainings, and the stages that read texts, from a folder of files."""

import importlib.util
import multiprocessing
import os
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
from tqdm import tqdm

from benchmarks import stages, texts, timing
from benchmarks.report import Section, Table
from benchmarks.timing import Sample
from reliability import clones
from rnnlab.data import corpus
from rnnlab.features import text
from rnnlab.networks import keras_import
from rnnlab.project import overrides, params
from rnnlab.sweeps import trials
from rnnlab.sweeps.grids import Combination
from rnnlab.sweeps.trials import Data, Trial

CORES = 2
TRIALS = 12
SCALES = (1, 10)
FILES = 10
STAGES = ("ingest", "tokenize_pad")
SHORT = {"train.seeds": list(range(1, TRIALS + 1)), "compare": ["lstm"], "train.epochs": 4, "train.patience": 4}


def measure(quick: bool) -> Section:
    """Measures both, if Ray is installed."""
    if not importlib.util.find_spec("ray"):
        return Section("Ray", [Table("Ray is not installed: `make ray`.", ("", ""), [])], {})
    data, planned = short_trials(TRIALS // 4 if quick else TRIALS)
    ways = {"a pool of two processes": in_pool, "Ray": on_ray}
    swept: dict[str, list[Sample]] = {name: [] for name in ways}
    for _ in tqdm(range(1 if quick else 3), desc="trials", disable=None):
        for name, way in ways.items():
            swept[name].append(_timed(way, planned, data))
    with tempfile.TemporaryDirectory() as place:
        rows = min(stages.ROWS, len(texts.frame())) if quick else len(texts.frame())
        read = stage_costs(Path(place), rows // (10 if quick else 1), rounds=1 if quick else 2)
    logged = logging_seconds(planned, data)
    tables = [_trials(swept, len(planned), logged), _stages(read)]
    return Section("Ray", tables, {"trials": swept, "stages": read, "logging": logged})


def short_trials(count: int) -> tuple[Data, list[Trial]]:
    """Returns trainings of some seconds each on the embedded corpus, and the data that they read."""
    settings = overrides.changed(params.read(), SHORT, Path("benchmarks/on_ray.py"))
    reviews, labels, _ = zip(*corpus.reviews(settings.sample, settings.sample.seed), strict=True)
    cleaned = text.clean(pa.array(reviews, pa.string()))
    vocabulary = text.fit_vocabulary(text.count_words([cleaned]), 500, settings.tokenize_pad.oov_token)
    tokens = text.encode(cleaned, vocabulary, settings.tokenize_pad).tokens
    targets = (np.array(labels) == settings.data.labels[1]).astype(np.float32)[:, None]
    part = len(tokens) // 10
    train, validation, test = slice(2 * part, None), slice(part), slice(part, 2 * part)
    splits = [(tokens[rows], targets[rows]) for rows in (train, validation, test)]
    data = Data(splits[0], splits[1], splits[2], len(vocabulary))
    [planned] = trials.of_combinations([Combination(SHORT, settings)], data)
    return data, planned[:count]


def in_pool(trials: list[Trial], data: Data) -> None:
    """Runs the trials in a pool of two processes."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(CORES, context, _bound_threads) as pool:
        list(pool.map(_run, trials, [data] * len(trials)))


def _bound_threads() -> None:
    os.environ |= keras_import.thread_variables(1)


def _run(trial: Trial, data: Data) -> float:
    from rnnlab.sweeps import running

    return running.run_trial(trial, data)[0].validation_loss


def on_ray(trials: list[Trial], data: Data) -> None:
    """Runs the trials like `rnnlab sweep`, including the start of Ray."""
    from rnnlab.project import ray_cluster
    from rnnlab.sweeps import ray_trials, running

    with ray_cluster.cluster(None, ""):
        for trial, result in ray_trials.outcomes(trials, data, running.run_trial):
            if isinstance(result, str):
                raise RuntimeError(f"{trial.run.name}: {result}")


def _timed(way: Any, trials: list[Trial], data: Data) -> Sample:
    started = time.perf_counter()
    way(trials, data)
    return Sample(time.perf_counter() - started, 0.0)


def logging_seconds(trials: list[Trial], data: Data) -> float:
    """Returns the seconds that a sweep waits until a trial is in MLflow, in a new SQLite store."""
    from rnnlab.sweeps import mlflow_runs, running
    from rnnlab.tracking import store

    outcome, _ = running.run_trial(trials[0], data)
    with tempfile.TemporaryDirectory() as place:
        os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{place}/mlflow.db"
        opened = store.connect()
        parent = mlflow_runs.open_sweep(opened, "benchmark", "", "sweep")
        started = time.perf_counter()
        for trial in trials:
            mlflow_runs.log_trial(opened, parent, trial, outcome)
        return (time.perf_counter() - started) / len(trials)


def stage_costs(place: Path, rows: int, rounds: int) -> list[dict[str, Any]]:
    """Runs the stages on a folder of files with both engines; returns ``stage``, ``rows``, ``engine``, ``samples``."""
    folder = clones.clone(place)
    commands = stages.stage_commands(folder)
    costs = []
    for scale in SCALES:
        source = place / f"{scale}"
        source.mkdir()
        for number in range(FILES):
            write_part(source / f"{number}.csv", rows * scale, number)
        clones.set_params(folder, {**stages.BRIEF, **texts.read_from(source)})
        runs: dict[tuple[str, str], list[Sample]] = {}
        for _ in range(rounds):
            for engine in ("local", "ray"):
                clones.set_params(folder, {"data": {"engine": engine}})
                for name in tqdm(STAGES, desc=f"{engine}, {scale}×", disable=None):
                    runs.setdefault((name, engine), []).append(watched(commands[name], folder))
        costs += [
            {"stage": name, "rows": rows * scale, "engine": engine, "samples": samples}
            for (name, engine), samples in runs.items()
        ]
    return costs


def write_part(target: Path, rows: int, number: int) -> None:
    """Writes one of `FILES` parts of so many rows, each text marked so that it is not a duplicate."""
    frame = texts.frame()
    indices = range(number * rows // FILES, (number + 1) * rows // FILES)
    part = frame.iloc[[index % len(frame) for index in indices]].copy()
    part["review"] = [f"{text} copy{index // len(frame)}" for text, index in zip(part["review"], indices, strict=True)]
    part.to_csv(target, index=False)


def watched(command: list[str], folder: Path) -> Sample:
    """Runs a command; the megabytes are those of its largest process, including those of Ray."""
    peak, done = 0, threading.Event()

    def watch() -> None:
        nonlocal peak
        while not done.wait(0.2):
            for process in psutil.process_iter(["name", "memory_info", "cmdline"]):
                words = process.info["cmdline"] or [""]
                if words[0].startswith("ray::") and process.info["memory_info"]:
                    peak = max(peak, process.info["memory_info"].rss)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        sample, _ = timing.run(command, folder)
    finally:  # otherwise, if the command fails, the watcher would keep this process running forever
        done.set()
        watcher.join()
    return sample._replace(megabytes=max(sample.megabytes, peak / 2**20))


def _trials(swept: dict[str, list[Sample]], count: int, logged: float) -> Table:
    pool, ray = swept.values()
    rows = [[name, f"{timing.least(samples):.1f} s"] for name, samples in swept.items()]
    rows[-1][1] += f", **{timing.least(ray) / timing.least(pool):.2f}×**"
    sentence = (
        f"**{count} short trainings on {CORES} cores**, by a pool of two processes and by `rnnlab sweep`'s way on Ray, "
        f"start and end included. To log a trial to MLflow takes {logged * 1000:.0f} ms."
    )
    return Table(sentence, ("", "seconds"), rows)


def _stages(costs: list[dict[str, Any]]) -> Table:
    def cell(name: str, rows: int, engine: str) -> str:
        [cost] = [cost for cost in costs if (cost["stage"], cost["rows"], cost["engine"]) == (name, rows, engine)]
        return f"{timing.least(cost['samples']):.0f} s, {timing.median(cost['samples'], 'megabytes'):.0f} MB"

    sizes = sorted({cost["rows"] for cost in costs})
    rows = [
        [name, f"{size:,}", cell(name, size, "local"), cell(name, size, "ray")] for name in STAGES for size in sizes
    ]
    sentence = (
        f"**Stages by engine**, {texts.name()} in {FILES} files of a folder, each text made distinct: seconds with the "
        "start of Python and of Ray, and the memory of the largest process. Both write the same bytes."
    )
    return Table(sentence, ("stage", "rows", "`data.engine: local`", "`ray`"), rows)
