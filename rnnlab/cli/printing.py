"""Output that a reader may cut short."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def printing() -> Iterator[None]:
    """Ends the command silently when the reader of its output goes away, as in ``rnnlab experiments | head -1``.

    It belongs around printing alone: the same signal would end a server when a browser aborts a request, or an upload
    when the other side hangs up.
    """
    if not hasattr(signal, "SIGPIPE"):
        yield
        return
    before = signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    try:
        yield
    finally:
        sys.stdout.flush()  # else it would happen at exit, with Python's own handler in place
        signal.signal(signal.SIGPIPE, before)
