"""User mistakes and how they reach the screen."""

import re
import sys
from collections.abc import Callable

LONGEST_MESSAGE = 4000  # characters
_BREAKS = re.compile(r"\s*[^\S ]\s*")  # blanks that are not only spaces
# Control characters move a terminal's cursor, direction marks reorder a line, half a surrogate pair is no character.
_UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class UserError(Exception):
    """A mistake the user can mend: one sentence naming the file, row or key, and what to do.

    It may quote what a stranger wrote: the message is one line of visible characters whatever it was made from.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


def one_line(message: str) -> str:
    """Joins lines, shows control characters as their escapes and leaves out the middle of what is very long."""
    if len(message) > LONGEST_MESSAGE:
        message = f"{message[: LONGEST_MESSAGE // 2]} … {message[-LONGEST_MESSAGE // 2 :]}"
    joined = _BREAKS.sub(" ", message)
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), joined)


def first_line(failure: BaseException) -> str:
    """What an exception of other people's code says, without the pages that may follow."""
    return (str(failure).strip() or type(failure).__name__).split("\n")[0]


def exit_status(main: Callable[[], None]) -> int:
    """Runs a stage's ``main`` and turns a user's mistake into a sentence and a non-zero status.

    Args:
        main: the stage; it takes its arguments from ``sys.argv``.

    Returns:
        0 on success, 1 after a mistake, a failed read or write, or want of memory, 130 after Ctrl-C.
    """
    try:
        main()
    except UserError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    except OSError as failure:
        place = f"{failure.filename}: " if failure.filename else ""
        reason = failure.strerror or str(failure)
        print(f"error: {one_line(place + reason)}; nothing was replaced, mend this and run again", file=sys.stderr)
        return 1
    except MemoryError:
        print("error: not enough memory; take less data or smaller parameters, and run again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command again goes on from what is finished", file=sys.stderr)
        return 130
    return 0
