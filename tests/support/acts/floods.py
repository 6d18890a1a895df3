"""Acts that make many calls."""

from tests.support.acts.raw import call


def calls(count: int) -> int:
    """Make `count` calls that change nothing and that no other program makes (setregid); return `count`."""
    for _ in range(count):
        call("setregid", -1, -1)
    return count


def numbered(count: int) -> int:
    """Make opens that fail, each with its number in the path."""
    how = bytes(24)
    for number in range(count):
        call("openat2", -100, f"/nonexistent/{number}", how, 24)
    return count
