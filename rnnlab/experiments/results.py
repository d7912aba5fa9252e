"""Finished results, read from wherever their files are kept: the workspace, or a commit and DVC's cache."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from rnnlab.evaluation import comparisons, convergence
from rnnlab.evaluation.convergence import Budget
from rnnlab.experiments.catalogue import Named, Setup
from rnnlab.experiments.dvc_experiments import Recorded
from rnnlab.project import dvc_lock, git, layout, params, yaml_files
from rnnlab.project.dataframes import parse_parquet, parse_table
from rnnlab.project.errors import UserError, first_line
from rnnlab.project.overrides import flatten
from rnnlab.project.results import Result, trained

WORKSPACE = "workspace"
EXPERIMENT = "DVC experiment"
REVISION = "git revision"
REMEDIES = {
    WORKSPACE: "run `dvc repro`, or restore the file with `git checkout`",
    EXPERIMENT: "run it again, after `dvc exp remove`",
    REVISION: "name one that was made by `dvc repro`",
}
MARGIN = 0.01  # where a result does not say
HASH = re.compile("[0-9a-f]{32}")

# Returns the content of a file of the pipeline by its path in `rnnlab.project.layout`, None where it is not kept.
Files = Callable[[Path], bytes | None]


def read(files: Files, name: str, kind: str) -> Result:
    """Reads a result; what was edited, and why predictions are lost, is for the caller to add.

    Raises:
        UserError: parameters or metrics are missing, or a file is damaged.
    """
    remedy = REMEDIES.get(kind, "name another run")

    def parsed(path: Path, parse: Callable[[bytes], Any], missing: Any = None) -> Any:
        try:
            content = files(path)
            return parse(content) if content else missing
        except Exception as damage:  # pandas, Arrow and YAML raise any of a dozen types
            problem = f"{name}: {path} of this {kind} cannot be read ({first_line(damage)})"
            raise UserError(f"{problem}; {remedy}") from None

    def by_run(path: Callable[[Any], Path], parse: Callable[[bytes], Any]) -> dict[Any, Any]:
        every = {run: parsed(path(run), parse) for run in trained(values)}
        return {run: value for run, value in every.items() if value is not None}

    values, metrics = parsed(layout.PARAMS, _parameters), parsed(layout.METRICS, json.loads)
    for path, value in {layout.PARAMS: values, layout.METRICS: metrics}.items():
        if not value:
            raise UserError(f"{name}: this {kind} holds no {path}; {remedy}")
    return Result(
        name=name,
        kind=kind,
        values=values,
        metrics=metrics,
        comparison=parsed(layout.COMPARISON, json.loads, {}),
        histories=by_run(layout.history, parse_table),
        timings=by_run(layout.timings, json.loads),
        baseline_seconds=parsed(layout.BASELINE_TIMINGS, json.loads, {}),
        stages=parsed(layout.LOCK, _stages, {}),
        predictions=parsed(layout.PREDICTIONS, parse_parquet),
        lengths=parsed(layout.LENGTHS_TABLE, parse_table),
    )


def _parameters(content: bytes) -> Any:
    values = yaml_files.load(content.decode())
    trained(values)  # fails unless they are parameters of this project
    return values


def _stages(content: bytes) -> dict[str, Any]:
    return dvc_lock.stages(content.decode())


def read_workspace(folder: Path = Path()) -> Result:
    """Reads what the last `dvc repro` left in the project's root.

    Raises:
        UserError: see `read`; or the parameters are not valid.
    """
    params.read(folder / layout.PARAMS)
    result = read(folder_files(folder), WORKSPACE, WORKSPACE)
    return result._replace(
        baseline=git.run("rev-parse", "HEAD", check=False, folder=folder),
        edited=git.run("diff", "--name-only", "HEAD", "--", *layout.CODE, check=False, folder=folder).split(),
        lost=f"{layout.PREDICTIONS}: no such file; `dvc checkout {layout.PREDICTIONS}` brings it back",
        notes=_outdated(result),
    )


def read_commit(name: str, kind: str, recorded: Recorded, cache: Path, folder: Path | None = None) -> Result:
    """Reads what a commit holds, and what DVC's cache has of it; ``folder`` is of the repository, if not this one.

    Raises:
        UserError: see `read`.
    """
    result = read(commit_files(recorded.commit, cache, folder), name, kind)
    changed = ("diff", "--name-only", recorded.baseline, recorded.commit, "--", *layout.CODE)
    return result._replace(
        baseline=recorded.baseline,
        edited=git.run(*changed, folder=folder).split(),
        lost=f"the predictions of {name} are no longer in DVC's cache",
        notes=_outdated(result),
    )


def read_experiments(
    named: Iterable[Named], recorded: Mapping[str, Recorded], cache: Path, folder: Path | None = None
) -> dict[str, Result]:
    """Reads those DVC experiments, of all that are recorded, that belong to named ones and have metrics.

    Where predictions are kept, models are compared anew: an older result was compared by older rules.

    Raises:
        UserError: a file of one is damaged.
    """
    names = [setup.name for experiment in named for setup in experiment.setups if setup.name in recorded]
    finished = [name for name in names if git.show(recorded[name].commit, layout.METRICS, folder)]
    found = {name: read_commit(name, EXPERIMENT, recorded[name], cache, folder) for name in finished}
    return {name: result._replace(comparison=_compared(result)) for name, result in found.items()}


def _compared(result: Result) -> Mapping[str, Any]:
    if result.predictions is None:
        return {}
    kept = set(result.predictions["model"])
    scores = comparisons.scores_by_model(
        result.task, result.predictions, [name for name in result.models if name in kept]
    )
    converged = convergence.judge(result.measure, result.histories, _budgets(result), margin(result.values))
    compared = comparisons.compare(result.task, scores, result.baselines, margin(result.values), converged)
    kept_as_well = ("matched", "metrics", "slices")
    return compared | {key: value for key, value in result.comparison.items() if key in kept_as_well}


def _budgets(result: Result) -> dict[str, Budget]:
    """Returns what each network was allowed; the rate of older results was constant."""
    trained = {name: result.training_of(name) for name in result.networks}
    return {name: Budget(options["epochs"], options.get("schedule", "constant")) for name, options in trained.items()}


def margin(values: Mapping[str, Any]) -> float:
    """Returns the difference that does not matter, from unchecked parameters; older results do not say."""
    return float(values.get("intervals", {}).get("margin", MARGIN))


def of_experiment(experiment: Named, results: Mapping[str, Result]) -> list[tuple[Setup, Result]]:
    """Returns an experiment's setups that were run, each with its result."""
    return [(setup, results[setup.name]) for setup in experiment.setups if setup.name in results]


def folder_files(folder: Path) -> Files:
    """Returns the files of a workspace."""
    return lambda path: (folder / path).read_bytes() if (folder / path).is_file() else None


def commit_files(commit: str, cache: Path, folder: Path | None = None) -> Files:
    """Returns the files of a commit: those in Git, and those of its dvc.lock that DVC's cache has."""

    @functools.cache
    def hashes() -> dict[str, str]:
        stages = _stages(git.show(commit, layout.LOCK, folder) or b"")
        # Stages that were renamed stay in dvc.lock, with other versions of the same files.
        used = [name for name in stages if name in ("baseline", "evaluate") or name.startswith("train@")]
        return {out["path"]: out["md5"] for name in used for out in stages[name]["outs"]}

    def content(path: Path) -> bytes | None:
        committed = git.show(commit, path, folder)
        md5 = "" if committed else hashes().get(str(path), "")
        # A hash becomes a path: dvc.lock may come from a stranger, and name what lies outside of the cache.
        if not HASH.fullmatch(md5):
            return committed
        return folder_files(cache / "files" / "md5" / md5[:2])(Path(md5[2:]))

    return content


def _outdated(result: Result) -> list[str]:
    keys = outdated(result.values, result.stages)
    what = "was made with other parameters than its params.yaml has now"
    return [f"{result.name} {what}: {', '.join(keys)}"] if keys else []


def outdated(values: Mapping[str, Any], stages: Mapping[str, Any]) -> list[str]:
    """Finds dotted keys of parameters that were changed since: the stages of dvc.lock hold those of the result."""
    names = ["ingest", "tokenize_pad", *(f"train@{run.name}" for run in trained(values)), "evaluate"]
    recorded = [stages[name].get("params", {}).get("params.yaml", {}) for name in names if name in stages]
    now, then = flatten(values), {key: value for known in recorded for key, value in flatten(known).items()}
    return sorted(key for key, value in then.items() if key not in now or now[key] != value)
