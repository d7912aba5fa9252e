"""dvc.yaml names exactly what each stage reads."""

import ast
import json
import re
from contextlib import chdir
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dvc.exceptions import OutputDuplicationError
from dvc.repo import Repo
from pydantic import BaseModel
from ruamel.yaml import YAML

from reliability.verify import WITHOUT_EFFECT
from rnnlab.evaluation.glance import MOST
from rnnlab.project import layout, params
from tests.pipeline.conftest import ORDER, ROOT, Project

PIPELINE = YAML(typ="safe").load(ROOT / "dvc.yaml")["stages"]
# Rooms that a stage depends on file by file, so that a change to the rest does not train a network again.
BY_FILE = {"train": "rnnlab/project"}
# Run by MLflow from its path, so no import leads there.
BY_PATH = {"track": ["rnnlab/serving/served_model.py"]}


def imported_modules(source: Path) -> set[Path]:
    """The project's own modules that a file imports anywhere in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    files = (ROOT / f"{name.replace('.', '/')}.py" for name in names if name.startswith(("rnnlab.", "stages.")))
    return {file for file in files if file.is_file()}


def reached_code(stage: str) -> set[str]:
    """The file of a stage and all rooms that it enters, directly or through another."""
    own = ROOT / "stages" / f"{stage}.py"
    skipped = WITHOUT_EFFECT.get(stage, {})
    reached = {own, *(ROOT / name for name in BY_PATH.get(stage, []))}
    waiting = list(reached)
    while waiting:
        new = {
            file
            for file in imported_modules(waiting.pop())
            if not skipped.keys() & {str(file.relative_to(ROOT)), room(file)}
        }
        waiting += new - reached
        reached |= new
    return {named(file, stage) for file in reached}


def room(file: Path) -> str:
    """The innermost package of a file."""
    return str(file.parent.relative_to(ROOT))


def named(file: Path, stage: str) -> str:
    """A file as dvc.yaml names it: by its room, but for stages."""
    by_file = room(file) in ("stages", BY_FILE.get(stage))
    return str(file.relative_to(ROOT)) if by_file else room(file)


def covers(declared: set[str], code: str) -> bool:
    return any(code == dep or code.startswith(f"{dep}/") for dep in declared)


def test_the_stages_are_those_of_the_design() -> None:
    assert list(PIPELINE) == ORDER
    assert {file.stem for file in (ROOT / "stages").glob("*.py")} - {"__init__"} == set(ORDER)


@pytest.mark.parametrize("stage", ORDER)
def test_a_stage_depends_on_the_rooms_it_enters_and_no_other(stage: str) -> None:
    declared = {dep for dep in PIPELINE[stage]["deps"] if dep.startswith(("stages/", "rnnlab/"))}
    reached = reached_code(stage)
    assert not {code for code in reached if not covers(declared, code)}
    assert not {dep for dep in declared if not any(covers({dep}, code) for code in reached)}


def test_dvc_shows_a_dozen_metrics_of_one_file(project: Project) -> None:
    assert {name: stage["metrics"] for name, stage in PIPELINE.items() if "metrics" in stage} == {
        "compare": [{str(layout.GLANCE): {"cache": False}}]
    }
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)[""]["data"]
    assert list(shown) == [str(layout.GLANCE)]
    numbers = shown[str(layout.GLANCE)]["data"]
    assert {"rnn", "lstm", "diff", "low", "high", "unsettled"} < set(numbers)
    assert len(numbers) <= MOST == 12


def test_dvc_draws_no_report_of_numbers(project: Project) -> None:
    """Those of long stages are under ``plots``, or DVC would not restore these stages from its cache."""
    reports = [
        next(iter(out))
        for stage in PIPELINE.values()
        for out in stage.get("plots", [])
        if isinstance(out, dict) and next(iter(out)).endswith((".json", "sizes"))
    ]
    assert reports == ["reports/data.json", "reports/features.json", "reports/sizes", "reports/metrics.json"]
    told = project.run("dvc", "plots", "show", "--json", *reports)
    assert told.stderr == ""
    assert {name: plots for name, plots in json.loads(told.stdout)["data"].items() if plots} == {}
    uncached = {
        name
        for name, stage in PIPELINE.items()
        for out in stage.get("outs", [])
        if isinstance(out, dict) and next(iter(out.values())) == {"cache": False}
    }
    assert uncached == {"validate", "compare"}  # seconds


def test_dependencies_on_code_are_few() -> None:
    """A new import seldom leads into a new room."""
    assert sum(dep.startswith(("stages/", "rnnlab/")) for stage in PIPELINE.values() for dep in stage["deps"]) <= 67


@pytest.mark.parametrize("stage", WITHOUT_EFFECT)
def test_what_is_excused_is_in_use(stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    excused = set(WITHOUT_EFFECT[stage])
    monkeypatch.setitem(WITHOUT_EFFECT, stage, {})
    assert excused <= reached_code(stage)


def test_no_command_holds_a_parameter_without_quotes() -> None:
    """DVC writes parameters into the shell's command as they are, but for a whole section, whose values it quotes."""
    variables = {name: re.findall(r"\$\{(.+?)\}", stage["cmd"]) for name, stage in PIPELINE.items()}
    assert {name: found for name, found in variables.items() if found} == {"train": ["item"]}


def test_a_name_in_the_parameters_is_no_command(fresh: Project) -> None:
    name = "rnn; touch pwned; echo '$(touch pwned)'"
    fresh.set_params(compare=[name])
    values = YAML(typ="safe").load(fresh.folder / "params.yaml")
    fresh.set_params(models={**values["models"], name: values["models"]["rnn"]})
    for split in ("train", "validation"):
        (fresh.folder / "data/features" / split).mkdir(parents=True)
    (fresh.folder / "data/features/vocabulary.json").write_text("[]")
    (fresh.folder / "reports/sizes").mkdir(parents=True)
    (fresh.folder / f"reports/sizes/{name}.json").write_text("{}")
    done = fresh.run("dvc", "repro", "--single-item", f"train@{name}-1", expect=None)
    assert done.returncode != 0
    assert "error: params.yaml: compare.0: " in done.stdout + done.stderr
    assert not (fresh.folder / "pwned").exists()


UP = "../../../.."
CLIMBING = [f"1/{UP}/x", f"1/{UP}/project/data/raw/mine", "1/../../layers/x", "1/./..//../x", f"/{UP}/x"]


@pytest.mark.parametrize(
    ("key", "name"),
    [*(("train.seeds", name) for name in CLIMBING), *(("compare", name) for name in [*CLIMBING, "../x"])],
)
def test_a_name_in_the_parameters_is_no_path_out_of_its_folder(fresh: Project, key: str, name: str) -> None:
    """DVC removes the outputs of a stage before the stage itself can see what they are called."""
    name_models(fresh, key, name)
    with chdir(fresh.folder), pytest.raises(OutputDuplicationError):
        Repo().index.check_graph()


@pytest.mark.parametrize("name", ["..", "../x", "1/x", "1/../x", "/1", "~", "1://x", "\\", "1/."])
def test_a_name_that_does_not_climb_stays_in_its_folder(fresh: Project, name: str) -> None:
    name_models(fresh, "train.seeds", name)
    fresh.set_params(compare=["rnn"])
    with chdir(fresh.folder):
        index = Repo().index
        index.check_graph()
        places = [out.fs_path for stage in index.stages for out in stage.outs if stage.name.startswith("train@")]
    folders = [
        str(fresh.folder / folder) for folder in ("models", "reports/layers", "reports/timings", "reports/history")
    ]
    assert places
    assert not [place for place in places if not place.startswith(tuple(f"{folder}/" for folder in folders))]


@pytest.mark.parametrize("key", ["train.seeds", "compare"])
def test_what_we_start_refuses_such_a_name_by_a_sentence(fresh: Project, key: str) -> None:
    innocent = [fresh.folder.parent / f"{stem}.csv" for stem in ("x", "x-1")]
    for file in innocent:
        file.write_text("not of this project")
    name_models(fresh, key, f"1/{UP}/x")
    quietly = ("python", "-m", "rnnlab.cli.quietly", "dvc", "repro", "--single-item", "train")
    for command in (quietly, ("rnnlab", "experiments", "run", "long-range"), ("dvc", "repro"), ("dvc", "exp", "run")):
        done = fresh.run(*command, expect=None)
        assert done.returncode not in (0, None)
        assert command[0] == "dvc" or done.stderr.startswith(f"error: params.yaml: {key}.0: "), done.stderr
        assert [file.read_text() for file in innocent] == ["not of this project"] * 2


def name_models(project: Project, key: str, name: str) -> None:
    """Puts a name of anything into params.yaml."""
    values = YAML(typ="safe").load(project.folder / "params.yaml")
    project.set_params(models={**values["models"], name: values["models"]["rnn"]}, **{key: [name]})


def test_arrows_point_from_stages_to_rnnlab_only() -> None:
    for file in (ROOT / "rnnlab").rglob("*.py"):
        assert not [module for module in imported_modules(file) if module.parent.name == "stages"], file


def test_no_python_in_the_mlflow_folder_shadows_the_library() -> None:
    every = (ROOT / "mlflow").rglob("*.py")
    ours = [file for file in every if "artifacts" not in file.parts]  # logged models bring their code
    assert not ours


class Recorder:
    """Stands in for a section of the parameters and notes each key that is read."""

    def __init__(self, section: BaseModel, path: str, seen: set[str]) -> None:
        self._section, self._path, self._seen = section, path, seen

    def __getattr__(self, name: str) -> Any:
        if isinstance(derived := getattr(type(self._section), name, None), property):
            return derived.fget(self) if derived.fget else None
        if name == "training_of":
            return self._training_of
        if name == "options_of":
            return partial(params.Params.options_of, self)  # type: ignore[arg-type]
        value = getattr(self._section, name)
        if name == "model_dump":
            return lambda exclude=(), **options: self._dump(value, exclude, options)
        if name == "model_copy":
            return lambda update: Recorder(value(update=plain(update)), self._path, self._seen)
        if callable(value):  # a method of ours, which reads what it needs
            return partial(getattr(type(self._section), name), self)
        key = self._path + name.rstrip("_")
        if isinstance(value, BaseModel):
            return Recorder(value, f"{key}.", self._seen)
        if key == "models":
            return {each: Recorder(section, f"{key}.{each}.", self._seen) for each, section in value.items()}
        self._seen.add(key)
        return value

    def _training_of(self, model: str) -> Any:
        """A model's own options are read as a whole, of those for all only what is asked for."""
        self._seen.add(f"models.{model}.train")
        return Recorder(self._section.training_of(model), "train.", self._seen)  # type: ignore[attr-defined]

    def _dump(self, method: Any, exclude: set[str], options: dict[str, Any]) -> Any:
        self._seen |= {f"{self._path}{key}" for key in type(self._section).model_fields if key not in exclude}
        return method(exclude=set(exclude), **options)


def plain(value: Any) -> Any:
    """What recorders in a value stand in for."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value._section if isinstance(value, Recorder) else value


def read_keys(stage: str, project: Project, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Runs a stage of a finished pipeline in this process and returns the parameters it read."""
    seen: set[str] = set()
    settings = params.read(project.folder / "params.yaml")
    monkeypatch.setattr(params, "read", lambda: Recorder(settings, "", seen))
    project.stage("train@lstm-1" if stage == "train" else stage, MLFLOW_SYNC="off")
    return seen


@pytest.mark.parametrize("stage", ORDER[:-1])
def test_a_stage_declares_the_parameters_it_reads_and_no_other(
    stage: str,
    project: Project,
    finished_series: Project,
    finished_sequences: Project,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    declared = {key.replace("${item.model}", "lstm") for key in PIPELINE[stage]["params"]}
    others = [finished_series.copy(tmp_path / "series"), finished_sequences.copy(tmp_path / "sequences")]
    changes: dict[str, dict[str, Any]] = {"size": {"match": "time"}, "evaluate": {"ensemble": ["lstm", "nbsvm"]}}
    if stage in changes:  # what it reads only then
        others.append(project.copy(tmp_path / "changed"))
        others[-1].set_params(**changes[stage])
    read: set[str] = set()
    for task in (project, *others):
        with monkeypatch.context() as patch:
            patch.setattr("rnnlab.networks.sizes.search", lambda ratio, units: units)
            read |= read_keys(stage, task, patch)
    undeclared = {key for key in read if not any(key == each or key.startswith(f"{each}.") for each in declared)}
    unread = {each for each in declared if not any(key == each or key.startswith(f"{each}.") for key in read)}
    assert not undeclared
    assert not unread
