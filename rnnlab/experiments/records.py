"""Finished results into MLflow: the one in the workspace, and DVC experiments that never got in."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab.evaluation import tables
from rnnlab.evaluation.costs import in_order, read_costs, read_timings
from rnnlab.experiments import dvc_experiments
from rnnlab.project import dvc_lock, git, layout, params
from rnnlab.project.dataframes import read_parquet, read_table
from rnnlab.project.errors import UserError
from rnnlab.project.files import drop_leftovers, read_json
from rnnlab.project.params import Params
from rnnlab.tracking import store
from rnnlab.tracking.records import Pipeline, Training

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
    lock = _workspace_lock(settings)
    key = dvc_lock.result_key(lock)
    drop_leftovers(layout.MODELS, [layout.network(run).name for run in settings.runs])
    opened = store.connect()
    from rnnlab.tracking import live_runs, pipeline_runs  # import MLflow, which `connect` has told to be quiet

    with store.lock():
        live_runs.mark_dead_live_runs(opened)
        found = pipeline_runs.find_finished(opened, key)
        if found:
            return f"already in MLflow as {found.info.run_name} ({found.info.run_id})"
        results = _read(settings, lock, key)
        return f"logged to MLflow as {results.name} ({pipeline_runs.log_pipeline(opened, results)})"


def _workspace_lock(settings: Params) -> dict[str, Any]:
    """Reads what makes up the result in the workspace."""
    try:
        lock = layout.LOCK.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("dvc.lock: no such file; run `dvc repro` first") from None
    return dvc_lock.read_lock(lock, settings)


def _read(settings: Params, lock: Mapping[str, Any], key: str) -> Pipeline:
    """Gathers what the stages before wrote; ``lock`` is what made up ``key``."""
    summary = in_order(settings, read_json(layout.METRICS))
    timings = read_timings(settings, layout.TIMINGS)
    comparison = read_json(layout.COMPARISON)
    table = tables.results_table(summary, read_costs(settings, layout.TIMINGS, timings), "github")
    experiment = git.experiment_name()
    trainings = {
        run: Training(
            history=read_table(layout.history(run)).to_dict("records"),
            metrics=summary[run.model]["per_seed"][str(run.seed)],
            parameters=summary[run.model]["parameters"],
            timings=timings[run],
            network=layout.network(run),
            history_file=layout.history(run),
        )
        for run in settings.runs
    }
    return Pipeline(
        key=key,
        name=experiment or f"workspace-{key[:6]}",
        settings=settings,
        trainings=trainings,
        summary=summary,
        tags={
            "data": settings.data.csv,
            "data_version": lock["ingest"]["outs"][str(layout.ROWS)][:8],
            "dvc_experiment": experiment or "",
            "dvc_lock": dvc_lock.file_digest(layout.LOCK),
            "mlflow.source.git.commit": git.head_commit(),
        },
        comparison=comparison,
        note="\n".join([table, "", *(f"- {sentence}" for sentence in tables.sentences(comparison))]),
        artifacts=[*ARTIFACTS, *([layout.PAGE] if layout.PAGE.is_file() else [])],  # older experiments have none
        encoding=_encoding_file(settings),
        predictions=read_parquet(layout.PREDICTIONS),
        datasets=_datasets(lock),
    )


def _datasets(lock: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Returns the beginning of DVC's hash of each split, as long as MLflow's own, and its rows."""
    hashes, figures = lock["tokenize_pad"]["outs"], read_json(layout.FEATURE_FIGURES)
    return {
        folder.name: (hashes[str(folder)][:8], figures[folder.name].get("rows") or figures[folder.name]["windows"])
        for folder in (layout.TRAIN, layout.VALIDATION_ROWS, layout.TEST)
    }


def _encoding_file(settings: Params) -> Path:
    """What turns inputs into numbers, which a served model needs."""
    return layout.SCALER if settings.task == "series" else layout.VOCABULARY


def backfill() -> None:
    """Logs every DVC experiment of this repository that MLflow lacks, from a copy of its own files."""
    root = git.project_root()
    for name, found in dvc_experiments.recorded().items():
        with _checked_out(found.commit, root) as folder:
            environment = {
                **os.environ,
                "DVC_ROOT": str(root),
                "DVC_EXP_NAME": name,
                "DVC_EXP_BASELINE_REV": found.baseline,
                "MLFLOW_SYNC": "strict",
            }
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
            cache = subprocess.run(("dvc", "cache", "dir"), cwd=root, capture_output=True, text=True, check=True)
            subprocess.run(("dvc", "cache", "dir", "--local", cache.stdout.strip()), cwd=folder, check=True)
            settings = params.read(folder / layout.PARAMS)
            files = [_encoding_file(settings), layout.EXPLANATIONS, layout.PREDICTIONS, layout.PAGE]
            files += [layout.BASELINE_TIMINGS, *map(layout.network, settings.runs), *map(layout.timings, settings.runs)]
            command = ("dvc", "checkout", "--quiet", "--allow-missing", *map(str, files))
            subprocess.run(command, cwd=folder, check=False)
            yield folder
        finally:
            git.run("worktree", "remove", "--force", str(folder))
