"""A command line of mozu in this process."""

from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]
"""Arguments → exit code, output, errors."""
