"""Many calls."""

from tests.support.acts.raw import call


def calls(count: int) -> int:
    """Calls that change nothing and that nobody else makes (setregid); how many were made."""
    for _ in range(count):
        call("setregid", -1, -1)
    return count


def numbered(count: int) -> int:
    """Failing opens, each with its number in the path."""
    how = bytes(24)
    for number in range(count):
        call("openat2", -100, f"/nonexistent/{number}", how, 24)
    return count
