"""A guess about a stranger's file, and how sure it is."""

from typing import Generic, NamedTuple, TypeVar

CERTAIN, LIKELY, GUESSED, TOLD = "certain", "likely", "a guess", "as you said"

Value = TypeVar("Value")


class Guess(NamedTuple, Generic[Value]):
    """A value, how sure it is (one of the words above), and why."""

    value: Value
    sure: str
    why: str
