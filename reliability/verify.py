"""Reproducibility: the same bytes elsewhere, no undeclared reading, and parameters that have an effect."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tqdm import tqdm

from reliability import projects
from reliability.projects import Stage
from reliability.report import Section
from rnnlab.project import params
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import flatten

# Another language, time zone and hash seed, and a path that has to be quoted.
ODD = {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "17"}
ODD_PLACE = "Ünü sual & möre"
# What every stage may read besides what it declares: parameters, files of Git and DVC, the store and its locks.
COMMON = re.compile(r"params\.yaml|\.git/.*|\.dvc/.*|mlflow/.*|data/checkpoints/.*|.*__pycache__.*|pyproject\.toml|\.")
ALLOWED = {
    "ingest": re.compile(r"data/interim/screened/.*"),  # its own working folder, removed at the end
    "track": re.compile(r"dvc\.lock|dvc\.yaml|reports/timings/.*|experiments/.*"),
    # The page shows durations, and the code and data that it comes from.
    "report": re.compile(r"dvc\.lock|dvc\.yaml|reports/timings/.*|(rnnlab|stages)/.*\.py"),
    "train": re.compile(r"rnnlab/project/.*\.py"),  # the name of a checkpoint holds a hash of this code
}
# Code that a stage runs and does not declare, by file or folder, since a change to it cannot change the outputs.
WITHOUT_EFFECT = {
    "train": {
        "rnnlab/tracking": "watches: curves in MLflow while a network trains",
        "rnnlab/project/layout.py": "paths, each of which dvc.yaml names too",
    },
    "validate": {"rnnlab/report": "writes the page of a stage that fails, which is no output"},
}
# Parameters that cost time or stop a stage, and change no output of one that succeeds; and those of the other task,
# another split or several seeds, which tests/pipeline/test_dvc_yaml.py checks, and of a model that is not compared.
NEUTRAL = re.compile(
    r"evaluate\.batch_size|validate\..*|data\.(max_.*|files)|train\.(patience|threads)"
    r"|data\.value_column|series\.window|split\.column|models\.gru\..*"
)


def measure(quick: bool) -> Section:
    """Compares two clones, traces every stage, and changes every parameter."""
    with tempfile.TemporaryDirectory() as place:
        usual = projects.make(Path(place) / "usual", small=quick)
        odd = projects.make(Path(place) / ODD_PLACE, small=quick)
        projects.must(usual, "dvc", "repro")
        one_core = ["taskset", "--cpu-list", "0"] if shutil.which("taskset") else []
        projects.must(odd, *one_core, "dvc", "repro", **ODD)
        expected, actual = projects.digests(usual), projects.digests(odd)
        rows = [["outputs of two fresh clones that differ", str(len(expected)), _listed(differing(expected, actual))]]
    with tempfile.TemporaryDirectory() as place:
        folder = projects.make(Path(place))
        projects.must(folder, "dvc", "repro")
        stages = projects.stages(folder)
        read = {stage.name: undeclared(folder, stage) for stage in tqdm(stages, desc="traces", disable=None)}
        files = [f"{name}: {file}" for name, files_read in read.items() for file in files_read]
        rows.append(["files read and not declared, by stage", str(len(stages)), _listed(files)])
        changed = list(_changes(folder, stages, quick))
        idle = [key for key, outputs in changed if not outputs and not NEUTRAL.fullmatch(key)]
        rows.append(["parameters that change nothing", str(len(changed)), _listed(idle)])
    sentence = (
        "**Reproducible**: two fresh clones, one of them in another language and time zone, with other hash seeds, on"
        " one core and under an odd path; every stage traced by `strace`; every parameter changed in turn."
    )
    sound = all(found == "none" for _, _, found in rows)
    return Section(
        "Reproducibility", sentence, ("what", "of", "found"), rows, {"changed": changed, "read": read}, sound
    )


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def differing(expected: Mapping[str, str | None], actual: Mapping[str, str | None]) -> list[str]:
    """Returns the outputs that are not the same."""
    return [path for path in {**expected, **actual} if expected.get(path) != actual.get(path)]


def undeclared(folder: Path, stage: Stage) -> list[str]:
    """Runs a stage under `strace`; returns the project's files that it read and dvc.yaml does not declare."""
    with tempfile.NamedTemporaryFile("r", errors="replace") as trace:
        command = ["strace", "--follow-forks", "--quiet", "--trace=openat,open", f"--output={trace.name}"]
        projects.must(folder, *command, *stage.command)
        opened = re.findall(r'open(?:at)?\((?:AT_FDCWD, )?"([^"]+)", (O_RD\w+)[^)]*\) = \d', trace.read())
    files = {os.path.relpath(folder / path, folder) for path, _ in opened if (folder / path).is_relative_to(folder)}
    name = stage.name.partition("@")[0]
    covered = (*stage.inputs, *stage.outputs, *WITHOUT_EFFECT.get(name, {}))
    return sorted(path for path in files if not _expected(folder, path, name, covered))


def _expected(folder: Path, path: str, stage: str, covered: tuple[str, ...]) -> bool:
    if (folder / path).is_dir() or COMMON.fullmatch(path):
        return True
    if ALLOWED.get(stage, re.compile("")).fullmatch(path) or path.endswith("__init__.py"):
        return True
    # A folder covers the files in it. Temporary files begin with a dot and are renamed later.
    return any(path == known or path.startswith(f"{known}/") for known in covered) or "/." in path


def _changes(folder: Path, stages: list[Stage], quick: bool) -> Iterator[tuple[str, list[str]]]:
    """Changes each parameter and runs the stages that declare it; yields the parameter and the outputs that changed."""
    recorded = YAML(typ="safe").load(folder / "dvc.lock")["stages"]
    declared = {stage.name: flatten(recorded[stage.name].get("params", {}).get("params.yaml", {})) for stage in stages}
    keys = list(dict.fromkeys(key for keys_of_stage in declared.values() for key in keys_of_stage))
    original = (folder / "params.yaml").read_text(encoding="utf-8")
    for key in tqdm(keys[::12] if quick else keys, desc="parameters", disable=None):
        values = YAML(typ="safe").load(original)
        if not _change(values, key):
            continue
        with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
            YAML(typ="safe").dump(values, stream)
        touched: list[str] = []
        for stage in [stage for stage in stages if key in declared[stage.name] and stage.name != "track"]:
            touched += _outputs_changed(folder, stage)
        (folder / "params.yaml").write_text(original, encoding="utf-8")
        # With fewer models or seeds, a stage removes files of the others.
        projects.must(folder, "dvc", "checkout", "--force", "--quiet")
        yield key, touched


def _change(values: dict[str, Any], key: str) -> bool:
    """Sets a parameter to another valid value, in place; returns False if no guess is valid."""
    *parents, last = key.split(".")
    section = values
    for parent in parents:
        section = section[parent]
    before = section[last]
    for guess in [guess for guess in _guesses(before) if guess != before]:
        section[last] = guess
        try:
            params.parse(values)
        except UserError:
            continue
        return True
    section[last] = before
    return False


def _guesses(value: Any) -> list[Any]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, value * 2]
    if isinstance(value, float):
        return [
            value * 0.01,
            value * 0.5,
            value + 0.1,
        ]  # a clip norm must be lowered far: small networks have small ones
    if isinstance(value, list):
        return [value[:-1], value[::-1]]
    words = ("lstm", "gru", "post", "mean", "logits", "cosine", "last", "fast", "rows", "warning", "unknown")
    return [*words, "parameters"]


def _outputs_changed(folder: Path, stage: Stage) -> list[str]:
    """Runs a stage, returns the outputs that changed, and restores the outputs from before."""
    outputs = [path for path in stage.outputs if not projects.TIMED.fullmatch(path)]
    before = {path: projects.digest(folder / path) for path in outputs}
    with tempfile.TemporaryDirectory() as place:
        for number, path in enumerate(stage.outputs):
            source = folder / path
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, Path(place) / str(number))
        done = projects.run(folder, *stage.command)
        after = {path: projects.digest(folder / path) for path in outputs}
        for number, path in enumerate(stage.outputs):
            projects.remove(folder / path)
            shutil.move(Path(place) / str(number), folder / path)
    # A stage that rejects the value has read it, which counts as a change.
    return [path for path in outputs if after[path] != before[path]] or ([stage.name] if done.returncode else [])
