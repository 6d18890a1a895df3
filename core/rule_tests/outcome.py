"""What came of a test."""

import enum

import msgspec

from mozu.core.errors import Problem


class OutcomeKind(enum.Enum):
    """passed; failed: something is not as expected; error: it could not be run; skipped: not on this machine."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


class TestOutcome(msgspec.Struct, frozen=True):
    """One test, or a whole file that cannot be used (`name` is empty)."""

    __test__ = False  # not a test class of pytest

    file: str
    name: str
    kind: OutcomeKind
    messages: tuple[Problem, ...] = ()
    """Each with its file, line and column."""
    seconds: float = 0.0
