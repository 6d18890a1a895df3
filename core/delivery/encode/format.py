"""Format and Encoder: what a format declares, and the protocol of what turns alerts into bytes."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from mozu.core.api import Settings
from mozu.core.model.alert import Alert, Stamp


class Encoder(Protocol):
    """Turns one alert into one record without a line end. Pure; never raises for hostile values."""

    def encode(self, alert: Alert, stamp: Stamp | None = None) -> bytes:
        """The record; formats that have a place for it carry the stamp."""


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A declaration, as plugins have one."""

    name: str
    """As a sink's `format` writes it."""
    summary: str
    """One sentence."""
    content_type: str
    """The media type of one record."""
    build: Callable[[Any], Encoder]
    """Options → encoder."""
    settings: type[Settings] = Settings
    """Its options."""
    requested_fields: tuple[str, ...] = ()
    """Fields it has a place for, whatever a rule's output names: evaluators put them into `Alert.enrichment`."""
