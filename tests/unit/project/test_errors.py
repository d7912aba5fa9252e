import errno
from collections.abc import Callable

import pytest

from rnnlab.project.errors import UserError, exit_status, first_line, one_line


def raising(error: BaseException) -> Callable[[], None]:
    def main() -> None:
        raise error

    return main


def test_success_is_silent_and_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_status(lambda: None) == 0
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "status", "screen"),
    [
        (UserError("params.yaml: seed: missing"), 1, "error: params.yaml: seed: missing\n"),
        (
            PermissionError(errno.EACCES, "Permission denied", "models/rnn-1.keras"),
            1,
            "error: models/rnn-1.keras: Permission denied; nothing was replaced; fix this and run again\n",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            "error: No space left on device; nothing was replaced; fix this and run again\n",
        ),
        (OSError("broken"), 1, "error: broken; nothing was replaced; fix this and run again\n"),
        (
            FileNotFoundError(errno.ENOENT, "No such file", "a\x1b[2J\nb"),
            1,
            "error: a\\x1b[2J b: No such file; nothing was replaced; fix this and run again\n",
        ),
        (MemoryError(), 1, "error: out of memory; use less data or smaller parameters, and run again\n"),
        (KeyboardInterrupt(), 130, "interrupted: run the same command again to continue from what is finished\n"),
    ],
)
def test_a_mistake_is_one_sentence_on_stderr(
    capsys: pytest.CaptureFixture[str], error: BaseException, status: int, screen: str
) -> None:
    assert exit_status(raising(error)) == status
    assert capsys.readouterr() == ("", screen)


def test_a_bug_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        exit_status(raising(ZeroDivisionError()))


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (ValueError("no such run\n  at line 3\n"), "no such run"),
        (ValueError("\n\nlate"), "late"),
        (ConnectionError(), "ConnectionError"),
    ],
)
def test_the_first_line_of_a_failure_is_never_empty(failure: Exception, said: str) -> None:
    assert first_line(failure) == said


@pytest.mark.parametrize(
    ("quoted", "shown"),
    [
        ("a, b  c", "a, b  c"),
        ("a\nb \r\n c\td", "a b c d"),
        ("a\u2028b\x0bc\x85d", "a b c d"),
        ("\x1b[31mred\0", "\\x1b[31mred\\x00"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("half \ud83d", "half \\ud83d"),
        ("gut é😀👨\u200d👩", "gut é😀👨\u200d👩"),
    ],
)
def test_whatever_a_mistake_quotes_it_is_one_visible_line(quoted: str, shown: str) -> None:
    assert str(UserError(quoted)) == shown


def test_a_very_long_message_keeps_its_ends() -> None:
    message = one_line("start " + "x" * 10**6 + " end")
    assert message.startswith("start ")
    assert message.endswith(" end")
    assert 3_990 < len(message) < 4_010
