"""Containment of a plugin's format: errors of its `encode` are the format's failure, and not the sink's."""

import asyncio

from mozu.core.api.extensions import Encoder
from mozu.core.errors import CannotEncode
from mozu.core.isolation.ends import is_being_cancelled, is_ours
from mozu.core.isolation.interrupter import Interrupted
from mozu.core.isolation.isolated import Isolated
from mozu.core.metrics import Metrics
from mozu.core.model.alert import Alert, Stamp


class ContainedEncoder:
    """Encoder around a plugin's encoder: every failure is logged, counted, and becomes CannotEncode.

    A format that has held the event loop is suspended for a while, because it would hold the loop again for each alert.
    """

    def __init__(self, isolated: Isolated[Encoder]) -> None:
        self._isolated = isolated

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """Return the record. Raises CannotEncode."""
        isolated = self._isolated
        if not isolated.suspension.is_over:
            raise CannotEncode(f"{isolated} is left out: it has held the event loop")
        try:
            with isolated.owned():
                return _checked(isolated.component.encode(alert, stamp))
        except BaseException as error:
            if is_ours(error):
                raise
            isolated.failed("encode an alert", error)
            if isinstance(error, Interrupted):
                isolated.suspend()
            if is_being_cancelled():
                raise asyncio.CancelledError from error  # no component makes something else of mozu's cancellation
            raise CannotEncode(f"{isolated} failed: {isolated.described(error)}") from error


def contained_encoder(encoder: Encoder, name: str, metrics: Metrics, *, origin: str) -> ContainedEncoder:
    """Return the contained encoder of the format `name`. `origin`: its plugin and distribution."""
    return ContainedEncoder(Isolated("format", name, encoder, metrics, origin=origin))


def _checked(body: object) -> bytes:
    if type(body) is not bytes:
        raise TypeError(f"encode() must give bytes, not {type(body).__name__}")
    return body
