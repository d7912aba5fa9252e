"""Named experiments: experiments/<name>.yaml says what is reproduced or tried, and with which parameters."""

import copy
import difflib
import re
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from rnnlab import params, provenance, yaml_files
from rnnlab.errors import UserError
from rnnlab.params import Fraction, ModelName, Params, Section

FOLDER = Path("experiments")
REVIEWS = Path("data/raw/imdb.csv")
NAME = r"[a-z0-9][a-z0-9-]*"

# Anything else between quotes: commas, brackets and blanks mean something to `dvc exp run -S`, as do these words.
PLAIN = re.compile(r"(?!(?:true|false|null|nan|inf)$)[a-z_/][\w./-]*", re.IGNORECASE | re.ASCII)


def _plain(value: Any) -> Any:
    if all(item is None or isinstance(item, bool | int | float | str) for item in _items(value)):
        return value
    raise PydanticCustomError("value", "must be a value or a list of values")


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


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
Source = Literal["embedded", "imdb"]


class Original(Section):
    """What the experiment that is reproduced had found."""

    model: ModelName
    accuracy: Figure = None
    f1: Figure = None
    log_loss: Figure = None
    mse: Figure = None
    validation_loss: Figure = None
    training_loss: Figure = None

    @property
    def figures(self) -> dict[str, float]:
        """Those that are known, by name."""
        known = self.model_dump(exclude={"model"}, exclude_none=True)
        return {name: float(value) for name, value in known.items()}


class Experiment(Section):
    """The whole of experiments/<name>.yaml."""

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
            raise PydanticCustomError("source", "data: missing; name embedded or imdb, or an experiment in extends")
        return self


class Setup(NamedTuple):
    """One DVC experiment that a named experiment stands for.

    Attributes:
        name: of the DVC experiment.
        changes: to params.yaml, by dotted key.
        settings: all parameters after the changes.
    """

    name: str
    changes: Mapping[str, Any]
    settings: Params


class Named(NamedTuple):
    """A checked experiment.

    Attributes:
        name: the file's.
        lineage: what it extends, the eldest first, and itself.
        experiment: the file's content.
        data: what it runs on.
        params: all changes that its variants share.
        setups: one a variant, or the only one.
    """

    name: str
    lineage: tuple[str, ...]
    experiment: Experiment
    data: Source
    params: Mapping[str, Any]
    setups: tuple[Setup, ...]

    @property
    def runs(self) -> int:
        """Trainings in all."""
        return sum(len(setup.settings.runs) for setup in self.setups)


class Recorded(NamedTuple):
    """A DVC experiment in Git: its commit, and the commit it started from."""

    commit: str
    baseline: str


def load_all(settings: Params, folder: Path = FOLDER) -> list[Named]:
    """Reads and checks every experiment, each after the one it extends; see `load`."""
    loaded = [load(name, settings, folder) for name in _names(folder)]
    return sorted(loaded, key=lambda named: named.lineage)


def load(name: str, settings: Params, folder: Path = FOLDER, heirs: tuple[str, ...] = ()) -> Named:
    """Reads an experiment and checks it against the project's parameters.

    Args:
        name: of the experiment.
        settings: of the project, which the experiment changes.
        folder: of all experiments.
        heirs: those that extend it, the youngest first.

    Raises:
        UserError: there is no such experiment, or its file asks for what cannot be; names the file and the key.
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
    setups = tuple(_setup(place, {**shared, **changes}, settings, source) for place, changes in variants.items())
    _check_models(experiment, setups, source)
    data = parent.data if parent else experiment.data
    assert data is not None  # see Experiment._has_one_source
    return Named(name, (*(parent.lineage if parent else ()), name), experiment, data, shared, setups)


def read(name: str, folder: Path = FOLDER) -> Experiment:
    """Reads an experiment's file by itself.

    Raises:
        UserError: there is none of that name, or it is not what such a file should hold.
    """
    source = folder / f"{name}.yaml"
    if name not in _names(folder):
        raise UserError(_unknown(name, folder))
    try:
        return Experiment.model_validate(yaml_files.read(source))
    except ValidationError as wrong:
        raise UserError("; ".join(f"{source}: {_sentence(error)}" for error in wrong.errors())) from None
    except ValueError as damage:
        raise UserError(f"{source}: not readable as YAML: {damage}") from None


def _names(folder: Path) -> list[str]:
    """Lists the files that are experiments; a link may lead out of the folder."""
    files = (file for file in folder.glob("*.yaml") if file.is_file() and not file.is_symlink())
    return sorted(file.stem for file in files if re.fullmatch(NAME, file.stem))


def _unknown(name: str, folder: Path) -> str:
    known = _names(folder)
    return f"no experiment {name}{_closest(name, known)}"


def _closest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]}?" if close else f" (known: {', '.join(known)})"


def _sentence(error: ErrorDetails) -> str:
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        section = Original if error["loc"][0] == "original" else Experiment
        return f"{key}: unknown key{_closest(str(error['loc'][-1]), section.model_fields)}"
    if error["type"] == "missing":
        return f"{key}: missing"
    wanted = error["msg"].removeprefix("Input ").replace("should", "must")
    if not key or isinstance(error["input"], dict | Experiment):
        return f"{key}: {wanted}" if key else wanted
    return f"{key}: {wanted}, not {error['input']!r}"


def _setup(name: str, changes: Mapping[str, Any], settings: Params, source: Path) -> Setup:
    values = settings.model_dump(mode="json", by_alias=True)
    for key, value in changes.items():
        _change(values, key, value, source)
    _check_reach(changes, source)
    return Setup(name, changes, params.parse(values, str(source)))


def _change(values: dict[str, Any], key: str, value: Any, source: Path) -> None:
    """Sets a key that is there: what a parameter file lacks, DVC refuses to set."""
    section, parts = values, key.split(".")
    for part in parts:
        if not isinstance(section, dict):
            raise UserError(f"{source}: {key}: unknown key")
        if part not in section:
            raise UserError(f"{source}: {key}: unknown key{_closest(part, section)}")
        place, section = section, section[part]
    place[parts[-1]] = copy.copy(value)


def _check_reach(changes: Mapping[str, Any], source: Path) -> None:
    """An experiment may come from a stranger, and what it reads ends up in results that are shared."""
    place = str(changes.get("data.csv", ""))
    if PurePath(place).is_absolute() or ".." in PurePath(place).parts or place.startswith("~") or "://" in place:
        raise UserError(f"{source}: data.csv: {place!r} leads out of the project; name a file inside of it")


def _check_models(experiment: Experiment, setups: Iterable[Setup], source: Path) -> None:
    named = {"at_least": list(experiment.at_least), "original.model": []}
    if experiment.original:
        named["original.model"].append(experiment.original.model)
    for setup in setups:
        if experiment.at_least and setup.settings.task == "series":
            raise UserError(f"{source}: at_least: names accuracies, which the series task has none of")
        for key, models in named.items():
            for model in models:
                if model not in setup.settings.scored:
                    known = ", ".join(setup.settings.scored)
                    raise UserError(f"{source}: {key}: {setup.name} scores no {model} (it scores: {known})")


def command(setup: Setup, *, queue: bool, csv: str | None) -> list[str]:
    """Gives the words of the plain DVC command that a setup stands for.

    Args:
        setup: of a named experiment.
        queue: whether DVC only takes note of it; otherwise it runs at once, in a copy that leaves the workspace alone.
        csv: the reviews, for an experiment that does not run on embedded data.
    """
    changes = {**setup.changes, **({"data.csv": csv} if csv else {})}
    options = [word for key, value in changes.items() for word in ("-S", f"{key}={override(value)}")]
    return ["dvc", "exp", "run", "--name", setup.name, "--queue" if queue else "--temp", *options]


def override(value: Any) -> str:
    """Writes a value as Hydra's override syntax has it, so that `dvc exp run -S` reads the same value back."""
    if isinstance(value, list | tuple):
        return f"[{','.join(override(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "null"
    if not isinstance(value, str):
        return repr(value)
    if PLAIN.fullmatch(value):
        return value
    # Backslashes stand for themselves, but before a quote, before what would be looked up, and at the end.
    escaped = re.sub(r'(\\*)("|\$\{|\Z)', lambda found: found[1] * 2 + (found[2] and f"\\{found[2]}"), value)
    return f'"{escaped}"'


def find_reviews(named: Named, csv: str | None, environment: Mapping[str, str]) -> str | None:
    """Finds the CSV that an experiment reads, as DVC is to be told of it; None for embedded data.

    Args:
        named: the experiment.
        csv: the user's choice.
        environment: where ``IMDB_CSV`` is the second choice; the third is data/raw/imdb.csv.

    Raises:
        UserError: there is no such file, or the experiment needs none.
    """
    if named.data == "embedded":
        if csv:
            raise UserError(f"--csv: {named.name} runs on the embedded data; leave it out")
        return None
    place = Path(csv or environment.get("IMDB_CSV") or REVIEWS)
    # No shell has seen to the ~ of --csv=~/x, nor to one in IMDB_CSV that was quoted.
    if place.parts[:1] == ("~",) and not place.is_file():
        place = place.expanduser()
    if not place.is_file():
        raise UserError(
            f"{place}: no such file; {named.name} reads the 50,000 IMDB reviews (ai.stanford.edu/~amaas/data/sentiment)"
            f" as a CSV with the columns review, sentiment and split: put it at {REVIEWS}, or name it with --csv or in"
            " IMDB_CSV"
        )
    # A copy of the workspace holds what Git or DVC track; other files are found by their full path only.
    if provenance.git("ls-files", "--", str(place), f"{place}.dvc", check=False):
        return (place.parent.resolve() / place.name).relative_to(Path.cwd()).as_posix()
    return str(place.resolve())


def recorded(folder: Path | None = None) -> dict[str, Recorded]:
    """Lists the DVC experiments of a repository by name; of two with one name, the newer."""
    place = "--format=%(refname) %(objectname)"
    listed = provenance.git("for-each-ref", "--sort=committerdate", place, "refs/exps", folder=folder).splitlines()
    found = (re.fullmatch(r"refs/exps/([0-9a-f]{2})/([0-9a-f]{38})/(\S+) (\w+)", line) for line in listed)
    return {match[3]: Recorded(match[4], match[1] + match[2]) for match in found if match}


def queued(folder: Path | None = None) -> set[str]:
    """Lists the names of experiments in DVC's queue that no worker has taken yet."""
    log = provenance.git("log", "-g", "--format=%gs", "refs/exps/celery/stash", check=False, folder=folder)
    return set(re.findall(r"dvc-exp:[0-9a-f]+:[0-9a-f]+:([^:\n]+)", log))


def pending(named: Named, taken: Iterable[str]) -> list[Setup]:
    """Leaves out the setups that DVC has already: it refuses a name it has, or files a second one beside it.

    Raises:
        UserError: none is left.
    """
    have = set(taken)
    left = [setup for setup in named.setups if setup.name not in have]
    if not left:
        names = " ".join(setup.name for setup in named.setups)
        raise UserError(f"{named.name} exists already; `dvc exp remove {names}` to run it again")
    return left
