"""Keeps start-up noise that nobody can act on off the screen."""

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def importing_keras() -> Iterator[None]:
    """Hides what TensorFlow prints while it is imported: CPU features, missing GPUs.

    It comes from C++ straight to file descriptor 2, so that is what is diverted. An import that fails shows
    everything; ``TF_CPP_MIN_LOG_LEVEL``, when set, keeps its value. Its Python warnings, such as on a graph traced for
    each of several networks, are hidden from then on.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    screen = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
            logging.getLogger("tensorflow").setLevel(logging.ERROR)
        except BaseException:
            sink.seek(0)
            os.write(screen, sink.read())
            raise
        finally:
            os.dup2(screen, 2)
            os.close(screen)
