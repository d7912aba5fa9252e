"""User mistakes and how they reach the screen."""

import io
import re
import sys
from collections.abc import Callable

LONGEST_MESSAGE = 4000  # characters
_NO_MEMORY = "failed to map segment|cannot allocate memory"  # what the loader of shared libraries says
_BREAKS = re.compile(r"\s*[^\S ]\s*")  # whitespace other than spaces alone
# Control characters move a terminal's cursor, direction marks reorder a line, and lone surrogates cannot be encoded.
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class UserError(Exception):
    """A mistake that the user can fix: one sentence naming the file, row or key, and what to do.

    The message may quote untrusted text: it is always a single line of visible characters.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def one_line(message: str) -> str:
    """Joins lines, escapes control characters, and cuts the middle out of very long messages."""
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"
    joined = _BREAKS.sub(" ", message)
    return UNSEEN.sub(lambda match: match[0].encode("unicode_escape").decode(), joined)


def first_line(failure: BaseException) -> str:
    """Returns the first line of an exception's message; that of a library may be pages long."""
    return (str(failure).strip() or type(failure).__name__).split("\n")[0]


def exit_status(main: Callable[[], None]) -> int:
    """Runs a stage's ``main`` and turns user mistakes into a sentence and a non-zero status.

    The status is 1 after a mistake, a failed read or write, or if out of memory; 130 after Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may lack a character
    try:
        main()
    except UserError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    except OSError as failure:
        name = f"{failure.filename}: " if failure.filename else ""
        reason = one_line(name + (failure.strerror or str(failure)))
        print(f"error: {reason}; nothing was replaced; fix this and run again", file=sys.stderr)
        return 1
    except (MemoryError, ImportError) as failure:
        if isinstance(failure, ImportError) and not re.search(_NO_MEMORY, str(failure), re.IGNORECASE):
            raise
        print("error: out of memory; use less data or smaller parameters, and run again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: run the same command again to continue from what is finished", file=sys.stderr)
        return 130
    return 0
