"""User mistakes and how they reach the screen."""

import sys
from collections.abc import Callable


class UserError(Exception):
    """A mistake the user can mend: one sentence naming the file, row or key, and what to do."""


def first_line(failure: BaseException) -> str:
    """What an exception of other people's code says, without the pages that may follow."""
    return (str(failure).strip() or type(failure).__name__).split("\n")[0]


def exit_status(main: Callable[[], None]) -> int:
    """Runs a stage's ``main`` and turns a user's mistake into a sentence and a non-zero status.

    Args:
        main: the stage; it takes its arguments from ``sys.argv``.

    Returns:
        0 on success, 1 after a mistake or a failed read or write, 130 after Ctrl-C.
    """
    try:
        main()
    except UserError as mistake:
        print(f"error: {mistake}", file=sys.stderr)
        return 1
    except OSError as failure:
        place = f"{failure.filename}: " if failure.filename else ""
        reason = failure.strerror or str(failure)
        print(f"error: {place}{reason}; nothing was replaced, mend this and run again", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: the same command again goes on from what is finished", file=sys.stderr)
        return 130
    return 0
