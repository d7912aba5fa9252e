"""Files that people exchange are data: nothing that reads them could run code from them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted(file for folder in ("rnnlab", "stages", "benchmarks") for file in (ROOT / folder).rglob("*.py"))
# Modules whose readers run what is in a file.
PICKLERS = {"pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml"}
# What a call must say.
SAFE = {
    "load": {"np": ("allow_pickle", False)},
    "save": {"np": ("allow_pickle", False)},
    "savez": {"np": ("allow_pickle", False)},
    "load_model": {"models": ("safe_mode", True), "saving": ("safe_mode", True)},
}


def imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def calls(tree: ast.AST) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Each call: what it is called on, its name, and the arguments that are constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            target = node.func.value if isinstance(node.func, ast.Attribute) else None
            owner = getattr(target, "attr", getattr(target, "id", ""))
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            constants = {
                word.arg or "": word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)
            }
            yield owner, name, constants


def complaints(code: str) -> list[str]:
    tree = ast.parse(code)
    found = [f"imports {name}" for name in imports(tree) if name.split(".")[0] in PICKLERS]
    for owner, name, constants in calls(tree):
        argument, value = SAFE.get(name, {}).get(owner, ("", None))
        if argument and constants.get(argument) is not value:
            found.append(f"{name} without {argument}={value}")
        if not owner and name in ("eval", "exec", "compile", "__import__"):
            found.append(name)
        if (owner, name) in (("os", "system"), ("os", "popen")) or constants.get("shell"):
            found.append("a shell")
        if name == "YAML" and constants.get("typ", "safe") not in ("safe", "rt"):
            found.append("unsafe YAML")
        if name in ("read_pickle", "enable_unsafe_deserialization") or constants.get("allow_pickle"):
            found.append(name)
    return found


@pytest.mark.parametrize("source", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_nothing_reads_code_from_data(source: Path) -> None:
    assert complaints(source.read_text(encoding="utf-8")) == []


def test_yaml_is_read_in_one_place() -> None:
    """Only `rnnlab.project.yaml_files` imports a YAML library."""
    readers = {
        file.stem
        for file in SOURCES
        if "ruamel" in {name.split(".")[0] for name in imports(ast.parse(file.read_text()))}
    }
    assert readers == {"yaml_files"}


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from joblib import load", "import yaml", "import sklearn.externals, cloudpickle.x"),
        *("np.load(x)", "np.load(x, allow_pickle=True)", "np.savez(x, a=a)", "keras.models.load_model(x)"),
        *("models.load_model(x, safe_mode=False)", "eval(x)", "os.system(x)", "subprocess.run(x, shell=True)"),
        *("YAML(typ='unsafe')", "pd.read_pickle(x)", "keras.config.enable_unsafe_deserialization()"),
    ],
)
def test_the_test_sees(code: str) -> None:
    assert complaints(code)
