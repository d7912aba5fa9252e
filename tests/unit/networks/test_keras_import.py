import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rnnlab.networks.keras_import import UNUSED, importing_keras

LEVEL = "TF_CPP_MIN_LOG_LEVEL"


@pytest.fixture(autouse=True)
def no_level(monkeypatch: pytest.MonkeyPatch) -> None:
    # Set first, so that it is put back to what it was, also where that is nothing.
    monkeypatch.setenv(LEVEL, "x")
    monkeypatch.delenv(LEVEL)


def test_noise_from_below_python_is_hidden_and_the_screen_comes_back(capfd: pytest.CaptureFixture[str]) -> None:
    with importing_keras():
        os.write(2, b"no GPU was found\n")
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "afterwards\n"


def test_standard_output_is_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with importing_keras():
        os.write(1, b"a result\n")
    assert capfd.readouterr().out == "a result\n"


@pytest.mark.parametrize("error", [ImportError, KeyboardInterrupt])
def test_an_import_that_fails_shows_everything(capfd: pytest.CaptureFixture[str], error: type[BaseException]) -> None:
    with pytest.raises(error), importing_keras():
        os.write(2, b"libcudart is torn\n")
        raise error
    os.write(2, b"afterwards\n")
    assert capfd.readouterr().err == "libcudart is torn\nafterwards\n"


def test_file_descriptors_are_given_back() -> None:
    before = os.dup(2)
    os.close(before)
    with importing_keras():
        pass
    after = os.dup(2)
    os.close(after)
    assert after == before


def test_tensorflow_is_told_to_be_quiet() -> None:
    with importing_keras():
        assert os.environ[LEVEL] == "3"


def test_of_what_tensorflow_says_in_python_only_errors_are_shown() -> None:
    tensorflow = logging.getLogger("tensorflow")
    tensorflow.setLevel(logging.WARNING)
    with importing_keras():
        pass
    assert tensorflow.isEnabledFor(logging.ERROR) and not tensorflow.isEnabledFor(logging.WARNING)


def test_a_chosen_log_level_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LEVEL, "0")
    with importing_keras():
        assert os.environ[LEVEL] == "0"


def test_packages_that_keras_only_tries_are_not_imported_and_can_be_later() -> None:
    script = f"""
import sys
from rnnlab.networks.keras_import import importing_keras
with importing_keras():
    import keras
print(sorted({set(UNUSED)!r} & set(sys.modules)))
import matplotlib.pyplot, sklearn.linear_model
with importing_keras():
    pass
print("sklearn" in sys.modules, keras.layers.LSTM(1).units)
"""
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert (done.stdout.split("\n"), done.stderr) == (["[]", "True 1", ""], "")


@pytest.mark.weekly
@pytest.mark.parametrize(("backend", "found"), [("torch", False), ("tensorflow", True)])
def test_other_backends_do_without_tensorflow(tmp_path: Path, backend: str, found: bool) -> None:
    # Both in miniature: no other backend is installed here.
    for name, content in (
        ("keras", f"class backend:\n    backend = staticmethod(lambda: {backend!r})\n"),
        ("tensorflow", ""),
    ):
        (tmp_path / f"{name}.py").write_text(content)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
from rnnlab.networks.keras_import import importing_keras
with importing_keras():
    pass
try:
    import tensorflow
    print(True)
except ImportError:
    print(False)
"""
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == (f"{found}\n", "")
