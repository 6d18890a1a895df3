"""Event types of a plugin's source: what an event holds, with a version, so that recordings outlive the plugin."""

from collections.abc import Callable
from typing import Any

import msgspec


class DataEventType(msgspec.Struct, frozen=True, kw_only=True):
    """A type of event (`DataEvent.type`) that a plugin's source has of its own."""

    name: str
    doc: str
    """A sentence, printed by `mozu sources`."""
    data: object = None
    """The shape of `DataEvent.data`: a `msgspec.Struct`, a `TypedDict`, a dataclass or a type like `dict[str, int]`, of
    which JSON Schema is made. The data itself is decoded JSON, not an instance of a class. None: any JSON."""
    version: int = 1
    """Version of `data`, raised with a change that rules can notice; kept in recordings."""
    upgrade: Callable[[int, Any], Any] | None = None
    """Function from (version of a recording, data) to data of this version, called only for recordings of an older
    version. None: their events are replayed unchanged."""
