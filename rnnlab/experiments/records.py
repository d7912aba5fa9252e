"""Finished results into MLflow: the one in the workspace, and DVC experiments that never got in."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab.evaluation import comparisons, convergence, costs, tables
from rnnlab.experiments import dvc_experiments, results
from rnnlab.project import dvc_lock, git, layout, params
from rnnlab.project.errors import UserError
from rnnlab.project.files import drop_leftovers, read_json
from rnnlab.project.params import Params, Run
from rnnlab.project.results import Result
from rnnlab.tracking import store
from rnnlab.tracking.records import ENCODINGS, Record

ARTIFACTS = [
    layout.FIGURES,
    layout.EXPLANATIONS,
    layout.METRICS,
    layout.COMPARISON,
    layout.COMPARISON_PAGE,
    layout.VALIDATION_PAGE,
    layout.FEATURE_FIGURES,
    layout.SUMMARY,
    layout.PARAMS,
    layout.LOCK,
]


def log_workspace() -> str:
    """Logs what the last `dvc repro` left here, unless MLflow has it; returns a sentence on it."""
    settings = params.read()
    try:
        lock = dvc_lock.read_lock(layout.LOCK.read_text(encoding="utf-8"), settings)
    except FileNotFoundError:
        raise UserError("dvc.lock: no such file; run `dvc repro` first") from None
    key = dvc_lock.result_key(lock)
    drop_leftovers(layout.MODELS, [layout.network(run).name for run in settings.runs])
    drop_leftovers(layout.EARLY, [layout.early(run).name for run in settings.runs])
    opened = store.connect()
    from rnnlab.tracking import live_runs, pipeline_runs  # import MLflow, which `connect` has silenced

    with store.lock():
        live_runs.mark_dead_live_runs(opened)
        known = pipeline_runs.find_finished(opened, key)
        if known:
            return f"already in MLflow as {known.info.run_name} ({known.info.run_id})"
        result, record = _gather(settings, lock, key)
        return f"logged to MLflow as {result.name} ({pipeline_runs.log_pipeline(opened, result, record)})"


def _gather(settings: Params, lock: Mapping[str, Any], key: str) -> tuple[Result, Record]:
    """Reads what the stages before wrote; ``lock`` is what made up ``key``."""
    for path in (layout.COMPARISON, layout.PREDICTIONS, *map(layout.history, settings.runs)):
        if not path.is_file():
            raise UserError(f"{path}: no such file; `dvc repro` makes it")
    result, experiment = results.read_workspace(), git.experiment_name()
    name, metrics = experiment or f"workspace-{key[:6]}", costs.in_order(settings, result.metrics)
    result = result._replace(name=name, metrics=metrics)
    seconds = costs.costs(settings, result.timings, result.baseline_seconds)
    table = tables.results_table(result.metrics, seconds, result.comparison, "github")
    return result, Record(
        key=key,
        settings=settings,
        tags={
            "data": settings.data.csv,
            "match": settings.match,
            "data_version": lock["ingest"]["outs"][str(layout.ROWS)][:8],
            "dvc_experiment": experiment or "",
            "dvc_lock": dvc_lock.file_digest(layout.LOCK),
            "mlflow.source.git.commit": git.head_commit(),
        },
        note="\n".join([table, "", *(f"- {sentence}" for sentence in comparisons.sentences(result.comparison))]),
        artifacts=[*ARTIFACTS, *([layout.PAGE] if layout.PAGE.is_file() else [])],  # older experiments have none
        datasets=_datasets(lock),
        converged=_converged(result),
    )


def _converged(result: Result) -> dict[Run | None, str]:
    """Says of each training and of the pipeline as a whole whether it had converged; of older results, nothing."""
    found = result.comparison.get("convergence", {})
    unfinished = ", ".join(convergence.counts(found, result.networks))
    trainings: dict[Run | None, str] = {run: convergence.word(found, run) for run in result.runs}
    return trainings | {None: f"no: {unfinished}" if unfinished else "yes"} if found else {}


def _datasets(lock: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Returns the beginning of DVC's hash of each split, as long as MLflow's own, and its rows."""
    hashes, figures = lock["tokenize_pad"]["outs"], read_json(layout.FEATURE_FIGURES)
    return {
        folder.name: (hashes[str(folder)][:8], figures[folder.name].get("rows") or figures[folder.name]["windows"])
        for folder in (layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST)
    }


def backfill() -> None:
    """Logs every DVC experiment of this repository that MLflow lacks, from a copy of its files."""
    root = git.project_root()
    for name, recorded in dvc_experiments.recorded().items():
        with _checked_out(recorded.commit, root) as folder:
            environment = {**os.environ, "DVC_ROOT": str(root), "MLFLOW_SYNC": "strict"}
            environment |= {"DVC_EXP_NAME": name, "DVC_EXP_BASELINE_REV": recorded.baseline}
            command = (sys.executable, "-m", "stages.track")
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            print(f"{name}: {(done.stdout or done.stderr).strip()}")


@contextmanager
def _checked_out(commit: str, root: Path) -> Iterator[Path]:
    """Checks out an experiment's files beside the workspace, which stays as it is."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "experiment"
        git.run("worktree", "add", "--detach", str(folder), commit)
        try:
            subprocess.run(("dvc", "cache", "dir", "--local", str(dvc_experiments.cache(root))), cwd=folder, check=True)
            settings = params.read(folder / layout.PARAMS)
            files = [ENCODINGS[settings.task], layout.EXPLANATIONS, layout.PREDICTIONS, layout.THRESHOLDS, layout.PAGE]
            files += [layout.BASELINE_TIMINGS, *map(layout.network, settings.runs), *map(layout.timings, settings.runs)]
            subprocess.run(("dvc", "checkout", "--quiet", "--allow-missing", *map(str, files)), cwd=folder, check=False)
            yield folder
        finally:
            git.run("worktree", "remove", "--force", str(folder))
