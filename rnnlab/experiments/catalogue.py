"""Named experiments: experiments/<name>.yaml says what is reproduced or tried, and with which parameters."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from rnnlab.project import layout
from rnnlab.project.errors import UserError
from rnnlab.project.overrides import changed
from rnnlab.project.params import Params
from rnnlab.project.sections.kinds import Fraction, Section
from rnnlab.project.sections.networks import ModelName
from rnnlab.project.tasks import ACCURACY, TASKS
from rnnlab.project.validation_messages import closest, read_yaml, validated

NAME = r"[a-z0-9][a-z0-9-]*"


def _plain(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    if all(isinstance(item, int | float | str | None) for item in items):
        return value
    raise PydanticCustomError("value", "must be a value or a list of values")


def _names_to_text(variants: Any) -> Any:
    """YAML reads the variant 400 as a number."""
    if not isinstance(variants, dict):
        return variants
    return {str(name) if type(name) is int else name: changes for name, changes in variants.items()}


Text = Annotated[str, Field(min_length=1)]
Figure = Annotated[float, Field(allow_inf_nan=False)] | None
Value = Annotated[Any, AfterValidator(_plain)]
Changes = dict[str, Value]
Name = Annotated[str, Field(pattern=f"^{NAME}$", max_length=100)]
Source = Literal["embedded", "imdb", "own"]  # own: whatever data.csv names


class Original(Section):
    """The results of the experiment that is reproduced."""

    model: ModelName
    accuracy: Figure = None
    f1: Figure = None
    log_loss: Figure = None
    mse: Figure = None
    rmse: Figure = None
    validation_loss: Figure = None
    training_loss: Figure = None

    @property
    def figures(self) -> dict[str, float]:
        """Those that are known, by name."""
        return {name: float(value) for name, value in self.model_dump(exclude={"model"}, exclude_none=True).items()}


class Experiment(Section):
    """The content of experiments/<name>.yaml."""

    title: Text
    reproduces: Text
    expects: Text
    data: Source | None = None
    extends: Name | None = None
    original: Original | None = None
    at_least: dict[ModelName, Fraction] = Field(default_factory=dict)
    params: Changes = Field(default_factory=dict)
    variants: Annotated[dict[Name, Changes], BeforeValidator(_names_to_text)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_source(self) -> "Experiment":
        if self.data and self.extends:
            raise PydanticCustomError("source", "data: comes from what the experiment extends; leave it out")
        if not self.data and not self.extends:
            raise PydanticCustomError(
                "source", "data: missing; name embedded, imdb or own, or an experiment in extends"
            )
        return self


class Setup(NamedTuple):
    """One DVC experiment that a named experiment stands for: changes by dotted key, and all parameters after them."""

    name: str
    changes: Mapping[str, Any]
    settings: Params


class Named(NamedTuple):
    """A checked experiment.

    Attributes:
        lineage: what it extends, the oldest first, and itself.
        params: all changes that its variants share.
        setups: one per variant, or the only one.
    """

    name: str
    lineage: tuple[str, ...]
    experiment: Experiment
    data: Source
    params: Mapping[str, Any]
    setups: tuple[Setup, ...]

    @property
    def runs(self) -> int:
        """The number of trainings."""
        return sum(len(setup.settings.runs) for setup in self.setups)


def load_all(settings: Params, folder: Path = layout.EXPERIMENTS) -> list[Named]:
    """Reads and checks every experiment, each after the one it extends; see `load`."""
    return sorted((load(name, settings, folder) for name in _names(folder)), key=lambda named: named.lineage)


def load(name: str, settings: Params, folder: Path = layout.EXPERIMENTS, heirs: tuple[str, ...] = ()) -> Named:
    """Reads an experiment and checks it against the project's parameters; ``heirs`` extend it, the youngest first.

    Raises:
        UserError: there is no such experiment, or its file is not valid; names the file and the key.
    """
    source = folder / f"{name}.yaml"
    if name in heirs:
        raise UserError(f"{folder / heirs[0]}.yaml: extends: goes in a circle, {' → '.join((*heirs, name))}")
    experiment = read(name, folder)
    parent = None
    if experiment.extends:
        if experiment.extends not in _names(folder):
            raise UserError(f"{source}: extends: {_unknown(experiment.extends, folder)}")
        parent = load(experiment.extends, settings, folder, (*heirs, name))
    shared = {**(parent.params if parent else {}), **experiment.params}
    variants = {f"{name}-{variant}": changes for variant, changes in experiment.variants.items()} or {name: {}}
    setups = tuple(_setup(variant, {**shared, **changes}, settings, source) for variant, changes in variants.items())
    _check_models(experiment, setups, source)
    data = parent.data if parent else experiment.data
    assert data is not None  # see Experiment._has_one_source
    return Named(name, (*(parent.lineage if parent else ()), name), experiment, data, shared, setups)


def read(name: str, folder: Path = layout.EXPERIMENTS) -> Experiment:
    """Reads an experiment's file by itself.

    Raises:
        UserError: there is none of that name, or its file is not valid.
    """
    source = folder / f"{name}.yaml"
    if name not in _names(folder):
        raise UserError(_unknown(name, folder))
    return validated(read_yaml(source), source, Experiment)


def _names(folder: Path) -> list[str]:
    """Lists the files that are experiments; links are left out, for they may lead out of the folder."""
    files = (file for file in folder.glob("*.yaml") if file.is_file() and not file.is_symlink())
    return sorted(file.stem for file in files if re.fullmatch(NAME, file.stem))


def _unknown(name: str, folder: Path) -> str:
    return f"no experiment {name}{closest(name, _names(folder))}"


def _setup(name: str, changes: Mapping[str, Any], settings: Params, source: Path) -> Setup:
    csv = str(changes.get("data.csv", ""))
    # An experiment may come from a stranger, and what it reads ends up in results that are shared.
    if PurePath(csv).is_absolute() or ".." in PurePath(csv).parts or csv.startswith("~") or "://" in csv:
        raise UserError(f"{source}: data.csv: {csv!r} leads out of the project; name a file inside it")
    return Setup(name, changes, changed(settings, changes, source))


def _check_models(experiment: Experiment, setups: Iterable[Setup], source: Path) -> None:
    named = [("at_least", model) for model in experiment.at_least]
    if experiment.original:
        named.append(("original.model", experiment.original.model))
    for setup in setups:
        if experiment.at_least and TASKS[setup.settings.task].measure is not ACCURACY:
            raise UserError(f"{source}: at_least: names accuracies, and the {setup.settings.task} task has none")
        for key, model in named:
            if model not in setup.settings.scored:
                known = ", ".join(setup.settings.scored)
                raise UserError(f"{source}: {key}: {setup.name} scores no {model} (it scores: {known})")
