"""Results of the last run → MLflow, once; `--backfill` adds DVC experiments that never got in.

Takes no paths from dvc.yaml: it is typed by hand too, so it knows where the other stages put their files.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rnnlab import dvc_experiments, params, provenance, report, store
from rnnlab.errors import UserError, exit_status, first_line
from rnnlab.files import read_json
from rnnlab.params import Params
from rnnlab.results import Pipeline, Training, in_order, read_costs, read_timings
from rnnlab.runs import drop_leftovers
from rnnlab.tables import read_parquet, read_table

MODELS = Path("models")
HISTORY = Path("reports/history")
TIMINGS = Path("reports/timings")
EXPLANATIONS = Path("reports/explanations")
METRICS = Path("reports/metrics.json")
COMPARISON = Path("reports/comparison.json")
PREDICTIONS = Path("data/predictions.parquet")
FEATURES = Path("reports/features.json")
VOCABULARY = Path("data/features/vocabulary.json")
PAGE = Path("reports/index.html")
SCALER = Path("data/features/train/scaler.json")
ARTIFACTS = [
    Path("reports/figures"),
    EXPLANATIONS,
    METRICS,
    COMPARISON,
    Path("reports/comparison.md"),
    Path("reports/validation.md"),
    FEATURES,
    Path("reports/data.json"),
    Path("params.yaml"),
    Path("dvc.lock"),
]


def read_results(settings: Params, lock: Mapping[str, Any], key: str) -> Pipeline:
    """Gathers what the stages before wrote; ``lock`` is what made up ``key``."""
    summary, timings = in_order(settings, read_json(METRICS)), read_timings(settings, TIMINGS)
    comparison = read_json(COMPARISON)
    table = report.results_table(summary, read_costs(settings, TIMINGS, timings), "github")
    experiment = provenance.experiment_name()
    trainings = {}
    for run in settings.runs:
        history = HISTORY / f"{run.name}.csv"
        trainings[run] = Training(
            history=read_table(history).to_dict("records"),
            metrics=summary[run.model]["per_seed"][str(run.seed)],
            parameters=summary[run.model]["parameters"],
            timings=timings[run],
            network=MODELS / f"{run.name}.keras",
            history_file=history,
        )
    return Pipeline(
        key=key,
        name=experiment or f"workspace-{key[:6]}",
        settings=settings,
        trainings=trainings,
        summary=summary,
        tags={
            "data": settings.data.csv,
            "data_version": lock["ingest"]["outs"]["data/interim/rows.parquet"][:8],
            "dvc_experiment": experiment or "",
            "dvc_lock": provenance.file_digest(Path("dvc.lock")),
            "mlflow.source.git.commit": provenance.git_commit(),
        },
        comparison=comparison,
        note="\n".join([table, "", *(f"- {sentence}" for sentence in report.sentences(comparison))]),
        artifacts=[*ARTIFACTS, *([PAGE] if PAGE.is_file() else [])],  # older experiments have none
        encoding=encoding_file(settings),
        predictions=read_parquet(PREDICTIONS),
        datasets=datasets(lock),
    )


def datasets(lock: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """The beginning of DVC's hash of each split, as long as MLflow's own, and its rows."""
    hashes, figures = lock["tokenize_pad"]["outs"], read_json(FEATURES)
    return {
        split: (
            hashes[f"data/features/{split}"][:8],
            figures[split].get("rows") or figures[split]["windows"],
        )
        for split in ("train", "validation", "test")
    }


def encoding_file(settings: Params) -> Path:
    """What turns inputs into numbers, which a served model needs."""
    return SCALER if settings.task == "series" else VOCABULARY


def log_workspace() -> str:
    """Logs what the last `dvc repro` left here, unless MLflow has it; returns a sentence on it."""
    settings = params.read()
    lock = workspace_lock(settings)
    key = provenance.result_key(lock)
    drop_leftovers(MODELS, [f"{run.name}.keras" for run in settings.runs])
    opened = store.connect()
    from rnnlab import live_runs, tracking  # import MLflow, which `connect` has told to be quiet

    with store.lock():
        live_runs.mark_dead_live_runs(opened)
        found = tracking.find_finished(opened, key)
        if found:
            return f"already in MLflow as {found.info.run_name} ({found.info.run_id})"
        results = read_results(settings, lock, key)
        return f"logged to MLflow as {results.name} ({tracking.log_pipeline(opened, results)})"


def workspace_lock(settings: Params) -> dict[str, Any]:
    """Reads what makes up the result in the workspace."""
    try:
        lock = Path("dvc.lock").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise UserError("dvc.lock: no such file; run `dvc repro` first") from None
    return provenance.read_lock(lock, settings)


def backfill() -> None:
    """Logs every DVC experiment of this repository that MLflow lacks, from a copy of its own files."""
    root = provenance.project_root()
    for name, found in dvc_experiments.recorded().items():
        with checked_out(found.commit, root) as folder:
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
def checked_out(commit: str, root: Path) -> Iterator[Path]:
    """Lays out an experiment's files beside the workspace, which stays as it is."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "experiment"
        provenance.git("worktree", "add", "--detach", str(folder), commit)
        try:
            cache = subprocess.run(("dvc", "cache", "dir"), cwd=root, capture_output=True, text=True, check=True)
            subprocess.run(("dvc", "cache", "dir", "--local", cache.stdout.strip()), cwd=folder, check=True)
            settings = params.read(folder / "params.yaml")
            files = [encoding_file(settings), EXPLANATIONS, PREDICTIONS, PAGE, TIMINGS / "baselines.json"]
            for run in settings.runs:
                files += [MODELS / f"{run.name}.keras", TIMINGS / f"{run.name}.json"]
            targets = [str(target) for target in files]
            subprocess.run(("dvc", "checkout", "--quiet", "--allow-missing", *targets), cwd=folder, check=False)
            yield folder
        finally:
            provenance.git("worktree", "remove", "--force", str(folder))


def main() -> None:
    """Logs as ``MLFLOW_SYNC`` says: only ``strict`` fails when MLflow cannot be reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backfill", action="store_true", help="add DVC experiments that never got in")
    flags = parser.parse_args()
    mode = store.sync_mode()
    if flags.backfill:
        backfill()
        return
    if mode == "off":
        print("MLFLOW_SYNC=off: nothing logged")
        return
    try:
        print(log_workspace())
    except (UserError, KeyboardInterrupt):
        raise
    except Exception as failure:  # anything MLflow, its database or its server may raise
        problem = f"{store.tracking_uri()}: MLflow cannot log this run ({first_line(failure)})"
        message = f"{problem}; start it or set MLFLOW_TRACKING_URI"
        if mode == "strict":
            raise UserError(message) from failure
        print(f"warning: {message}, then run `python -m stages.track`", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(exit_status(main))
