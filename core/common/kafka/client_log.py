"""Log dedup of aiokafka: one line per change of state, instead of dozens of lines a second while a broker is away.

aiokafka has one logger for every client of the process and reports most reasons only there. The tasks of a client
inherit the context (contextvars) in which it was made; so each line finds the component that it is about.
"""

import asyncio
import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from mozu.core.common.log_dedup import LogDeduper
from mozu.core.metrics import Metrics

_COMPONENT: ContextVar["KafkaClientLog | None"] = ContextVar("kafka_client_log", default=None)
_CONSEQUENCES: Final = (
    "Unable to update metadata", "Cannot send", "Sending username and password", "Unable connect to node with id None",
)  # fmt: skip
"""Beginnings of lines that only follow from others, and state no reason."""
_NOISE: Final = re.compile(r"\[Error \d+\] |<class '[\w.]*\.(\w+)'>")


class KafkaClientLog(LogDeduper):
    """The log of one component with Kafka clients, which knows the last reason that aiokafka logged."""

    def __init__(self, log: logging.Logger, metrics: Metrics) -> None:
        super().__init__(log)
        self._lines = metrics.counter("kafka_client_log_lines_total")
        self.reason = ""
        """The last complaint of aiokafka since `recovered`."""
        metrics.gauge("kafka_failing", lambda: float(self.is_failing))

    def recovered(self) -> None:
        """Note that the component works: logged if it did not."""
        self.reason = ""
        super().recovered()

    def on_client_line(self, record: logging.LogRecord) -> None:
        """Take in a line that aiokafka logs."""
        self._lines.value += 1
        text = record.getMessage()
        if record.levelno >= logging.WARNING and not text.startswith(_CONSEQUENCES):
            self.reason = _NOISE.sub(lambda match: match[1] or "", text) + _cause(record.args)
        if self._log.isEnabledFor(logging.DEBUG):
            self._log.debug("aiokafka: %s", text)

    def reason_or(self, error: object) -> str:
        """Return the reason that aiokafka logged, otherwise that of the error."""
        return self.reason or str(error) or type(error).__name__

    @contextmanager
    def attributed(self) -> Iterator[None]:
        """Attribute the log lines of clients that are made in this block to this component."""
        _install()
        token = _COMPONENT.set(self)
        try:
            yield
        finally:
            _COMPONENT.reset(token)


class _Router(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        component = _COMPONENT.get()
        if component is not None:
            component.on_client_line(record)


def _cause(arguments: object) -> str:
    """Return the cause of a connection that is only reported as closed; empty if unknown."""
    for argument in arguments if isinstance(arguments, tuple) else ():
        cause = argument.__cause__ if isinstance(argument, BaseException) else None
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or str(cause)).lower().replace("_", " ")
            return f" ({reason}; does the broker ask for `tls.certificate`, and know who signed it?)"
        if isinstance(cause, asyncio.IncompleteReadError):
            return " (by the broker; is `security_protocol` that of this port?)"
    return ""


def _install() -> None:
    logger = logging.getLogger("aiokafka")
    if not any(isinstance(handler, _Router) for handler in logger.handlers):
        logger.addHandler(_Router())
        logger.setLevel(logging.INFO)
        logger.propagate = False
