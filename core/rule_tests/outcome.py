"""The outcome of a test."""

import enum

import msgspec

from mozu.core.errors import Problem


class OutcomeKind(enum.Enum):
    """passed; failed: an expectation was not met; error: the test could not be run; skipped: not on this machine."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class TestOutcome(msgspec.Struct, frozen=True):
    """The outcome of one test, or of a whole file that cannot be used (`name` is empty)."""

    __test__ = False  # not a test class of pytest

    file: str
    name: str
    kind: OutcomeKind
    messages: tuple[Problem, ...] = ()
    """Messages, each with its file, line and column."""
    seconds: float = 0.0
