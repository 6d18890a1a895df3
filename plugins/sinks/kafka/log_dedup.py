"""One clear line per change of state, instead of what aiokafka logs: dozens of lines a second while a broker is away.

aiokafka has one logger for every client of the process and tells most reasons only there. The tasks of a client inherit
the context in which it was made; so each line finds the component that it is about, which remembers the last reason.
"""

import asyncio
import logging
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from mozu.core.api import Metrics

_REMIND: Final = 60.0
"""Seconds after which trouble that goes on is told again."""

_OWNER: ContextVar["Voice | None"] = ContextVar("kafka_voice", default=None)
_UNTELLING: Final = (
    "Unable to update metadata", "Cannot send", "Sending username and password", "Unable connect to node with id None",
)  # fmt: skip
"""Beginnings of lines that only follow from others."""
_NOISE: Final = re.compile(r"\[Error \d+\] |<class '[\w.]*\.(\w+)'>")


class Voice:
    """The log of one component. `trouble` and `well` may be called as often as one likes."""

    def __init__(self, log: logging.Logger, metrics: Metrics) -> None:
        self._log = log
        self._told, self._told_at, self._since = "", 0.0, 0.0
        self._noted: dict[str, float] = {}
        self._heard = metrics.counter("kafka_client_log_lines_total")
        self.reason = ""
        """The last thing that aiokafka complained about."""
        metrics.gauge("kafka_trouble", lambda: float(bool(self._told)))

    def trouble(self, text: str) -> None:
        """Something is in the way: told when it is new, and once a minute."""
        now = time.monotonic()
        if text == self._told and now - self._told_at < _REMIND:
            return
        if not self._told:
            self._since = now
        self._told, self._told_at = text, now
        if now - self._noted.get(text, -_REMIND) >= _REMIND:
            self._log.warning("%s", text)

    def note(self, text: str) -> None:
        """Something worth knowing that is in nobody's way: told once a minute."""
        now = time.monotonic()
        if now - self._noted.get(text, -_REMIND) >= _REMIND:
            self._noted[text] = now
            self._log.warning("%s", text)

    def well(self) -> None:
        """Nothing is in the way any more."""
        self.reason = ""
        if self._told:
            self._log.info("works again after %.1f s", time.monotonic() - self._since)
            self._told = ""

    def hear(self, record: logging.LogRecord) -> None:
        """A line of aiokafka's."""
        self._heard.value += 1
        text = record.getMessage()
        if record.levelno >= logging.WARNING and not text.startswith(_UNTELLING):
            self.reason = _NOISE.sub(lambda match: match[1] or "", text) + _cause(record.args)
        if self._log.isEnabledFor(logging.DEBUG):
            self._log.debug("aiokafka: %s", text)

    def because(self, otherwise: object) -> str:
        """The reason that was heard, or this one."""
        return self.reason or str(otherwise) or type(otherwise).__name__

    @contextmanager
    def speaks(self) -> Iterator[None]:
        """A client that is made in this block belongs to this voice."""
        _install()
        token = _OWNER.set(self)
        try:
            yield
        finally:
            _OWNER.reset(token)


class _Router(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        owner = _OWNER.get()
        if owner is not None:
            owner.hear(record)


def _cause(arguments: object) -> str:
    """What lies behind a connection that is only said to be closed."""
    for argument in arguments if isinstance(arguments, tuple) else ():
        cause = argument.__cause__ if isinstance(argument, BaseException) else None
        if isinstance(cause, ssl.SSLError):
            said = (cause.reason or str(cause)).lower().replace("_", " ")
            return f" ({said}; does the broker ask for `tls.certificate`, and know who signed it?)"
        if isinstance(cause, asyncio.IncompleteReadError):
            return " (by the broker; is `protocol` that of this port?)"
    return ""


def _install() -> None:
    logger = logging.getLogger("aiokafka")
    if not any(isinstance(handler, _Router) for handler in logger.handlers):
        logger.addHandler(_Router())
        logger.setLevel(logging.INFO)
        logger.propagate = False
