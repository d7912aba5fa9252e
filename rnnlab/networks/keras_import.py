"""Imports Keras without noise on the screen, and without the optional packages that it tries to import."""

import importlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def thread_variables(threads: int) -> dict[str, str]:
    """Returns environment variables that limit the threads of a process; set them before Keras is imported."""
    return {"TF_NUM_INTRAOP_THREADS": str(threads), "OMP_NUM_THREADS": str(threads)}


# Keras imports them for plots and wrappers that nothing here uses; without them it imports a third faster.
UNUSED = ("matplotlib", "sklearn")


@contextmanager
def importing_keras() -> Iterator[None]:
    """Imports Keras, and hides what TensorFlow prints meanwhile and in the block: CPU features, missing GPUs.

    C++ writes it directly to file descriptor 2, so that is what is redirected. If the block fails, everything is shown;
    ``TF_CPP_MIN_LOG_LEVEL``, if set, keeps its value. TensorFlow's Python warnings, such as on a graph traced again for
    each of several networks, are hidden from then on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            with _hidden(UNUSED):
                keras = importlib.import_module("keras")
            if keras.backend.backend() != "tensorflow":
                # Keras tries to import it for seeds and files, which takes seconds, and works without it.
                sys.modules.setdefault("tensorflow", None)  # type: ignore[arg-type]
            yield
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        except BaseException:
            sink.seek(0)
            os.write(screen, sink.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)


@contextmanager
def _hidden(packages: Iterable[str]) -> Iterator[None]:
    """Makes imports of packages fail, unless they were imported before."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # as Python's manual has it
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
