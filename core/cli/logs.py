"""Logging of mozu itself: one line a message on stderr, control characters escaped."""

import logging

from mozu.core.cli.terminal import safe


class _OneLine(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text = safe(super().format(record), keep_lines=record.exc_info is not None)
        return f"mozu: {text}" if record.levelno < logging.WARNING else f"mozu: {record.levelname.lower()}: {text}"


def set_up(level: str) -> None:
    """Send everything from `level` up to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(_OneLine())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
