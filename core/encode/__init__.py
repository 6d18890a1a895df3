"""Encoders: an alert as bytes, chosen per sink and independent of how the sink transports them."""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

from mozu.core.alert import Alert, Stamp
from mozu.core.encode.falco_json import FalcoJson
from mozu.core.encode.falco_text import FalcoText


class Encoder(Protocol):
    """Turns one alert into one record without a line end. Pure; never raises for hostile values."""

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """The record; formats that have a place for it carry the stamp."""


ENCODERS: Final[Mapping[str, Callable[[], Encoder]]] = {"falco": FalcoText, "json": FalcoJson}
"""Value of a sink's `format` → encoder."""

__all__ = ["ENCODERS", "Encoder", "FalcoJson", "FalcoText"]
