"""What a DVC experiment left behind, read from Git and from DVC's cache."""

import functools
import io
import json
import re
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.dvc_experiments import Recorded
from rnnlab.project import git, yaml_files
from rnnlab.project.errors import UserError
from rnnlab.project.params import Run

CODE = ("dvc.yaml", "rnnlab", "stages")
HASH = re.compile(r"[0-9a-f]{32}(\.dir)?")
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)  # what reading a result may raise that is none


class Outcome(NamedTuple):
    """What a DVC experiment left behind.

    Attributes:
        baseline: the commit it started from.
        values: its params.yaml, unchecked: an older experiment may lack what is a parameter today.
        metrics: its reports/metrics.json.
        comparison: its reports/comparison.json, empty where there is none.
        histories: epochs of each training.
        seconds: of the epochs of each training; those that DVC's cache has lost are absent.
        predictions: of the test rows, None where DVC's cache has lost them.
        lengths: test accuracy by length of text, None where there is none.
        edited: files of code that were not as the baseline has them.
    """

    baseline: str
    values: Mapping[str, Any]
    metrics: Mapping[str, Any]
    comparison: Mapping[str, Any]
    histories: Mapping[Run, pd.DataFrame]
    seconds: Mapping[Run, Sequence[float]]
    predictions: pd.DataFrame | None
    lengths: pd.DataFrame | None
    edited: Sequence[str] = ()

    @property
    def measure(self) -> str:
        """What the models are compared by."""
        return "mse" if self.values.get("task") == "series" else "accuracy"

    @property
    def models(self) -> list[str]:
        """Networks, and the ensemble if there is one."""
        return [*self.values["compare"], *(["ensemble"] if "ensemble" in self.metrics else [])]

    @property
    def baselines(self) -> list[str]:
        """Models without recurrence."""
        return [name for name in self.values.get("baselines", []) if name in self.metrics]


@functools.cache  # DVC takes a second to start
def dvc_cache(folder: Path) -> Path:
    """Finds DVC's cache of a repository.

    Raises:
        UserError: DVC cannot tell.
    """
    done = subprocess.run(("dvc", "cache", "dir"), cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"dvc cache dir failed: {done.stderr.strip()}")
    return folder / done.stdout.strip()


def read_outcomes(
    named: Iterable[Named], recorded: Mapping[str, Recorded], cache: Path, folder: Path | None = None
) -> dict[str, Outcome]:
    """Reads every DVC experiment that was asked for by name; those without results are absent.

    Args:
        named: the experiments.
        recorded: all DVC experiments.
        cache: DVC's.
        folder: of the repository, if it is not this one.

    Raises:
        UserError: names the first that holds something else than a result.
    """
    names = [setup.name for experiment in named for setup in experiment.setups if setup.name in recorded]
    outcomes = {name: _read_named(name, recorded[name], cache, folder) for name in names}
    return {name: outcome for name, outcome in outcomes.items() if outcome}


def _read_named(name: str, found: Recorded, cache: Path, folder: Path | None) -> Outcome | None:
    try:
        return read_outcome(found, cache, folder)
    except UNREADABLE:
        problem = "what this experiment holds is no result"
        raise UserError(f"{name}: {problem}; `dvc exp remove {name}`, and run it again") from None


def read_outcome(found: Recorded, cache: Path, folder: Path | None = None) -> Outcome | None:
    """Reads one DVC experiment, None when it holds no metrics.

    Raises:
        AttributeError, KeyError, TypeError, ValueError: it holds something else than a result; see `UNREADABLE`.
    """

    def show(path: str) -> str:
        return git.run("show", f"{found.commit}:{path}", check=False, folder=folder)

    def table(path: str) -> pd.DataFrame | None:
        text = show(path)
        return pd.read_csv(io.StringIO(text)) if text else None

    metrics = json.loads(show("reports/metrics.json") or "{}")
    if not metrics:
        return None
    values = yaml_files.load(show("params.yaml"))
    runs = [Run(model, seed) for model in values["compare"] for seed in values["train"]["seeds"]]
    outputs = _cached_outputs(show("dvc.lock"), runs, cache)
    timings = {run: outputs.get(f"reports/timings/{run.name}.json") for run in runs}
    histories = {run: table(f"reports/history/{run.name}.csv") for run in runs}
    predictions = outputs.get("data/predictions.parquet")
    return Outcome(
        baseline=found.baseline,
        values=values,
        metrics=metrics,
        comparison=json.loads(show("reports/comparison.json") or "{}"),
        histories={run: history for run, history in histories.items() if history is not None},
        seconds={run: json.loads(file.read_bytes())["epoch_seconds"] for run, file in timings.items() if file},
        predictions=pd.read_parquet(predictions) if predictions else None,
        lengths=table("reports/tables/accuracy_by_length.csv"),
        edited=git.run("diff", "--name-only", found.baseline, found.commit, "--", *CODE, folder=folder).split(),
    )


def _cached_outputs(lock: str, runs: Iterable[Run], cache: Path) -> dict[str, Path]:
    """Finds what stages wrote in DVC's cache, by path; dvc.lock keeps stages that are not in use as well.

    A hash becomes a path: dvc.lock may come from a stranger, and name what lies outside of the cache.
    """
    stages = (yaml_files.load(lock) or {}).get("stages", {})
    used = [stages[name] for name in ("evaluate", *(f"train@{run.name}" for run in runs)) if name in stages]
    outputs = {out["path"]: out["md5"] for stage in used for out in stage["outs"]}
    files = {path: cache / "files" / "md5" / md5[:2] / md5[2:] for path, md5 in outputs.items() if HASH.fullmatch(md5)}
    return {path: file for path, file in files.items() if file.is_file()}


def of_experiment(experiment: Named, outcomes: Mapping[str, Outcome]) -> list[tuple[Setup, Outcome]]:
    """Takes an experiment's setups that were run, each with what came of it."""
    return [(setup, outcomes[setup.name]) for setup in experiment.setups if setup.name in outcomes]
