"""Event types of a source of its own: what an event holds, with a version, so that recordings outlive the plugin."""

from collections.abc import Callable
from typing import Any

import msgspec


class DataEventType(msgspec.Struct, frozen=True, kw_only=True):
    """One type of event (`DataEvent.type`) of a source of its own."""

    name: str
    doc: str
    """One sentence; `mozu sources` prints it."""
    data: object = None
    """The shape of `DataEvent.data`: a `msgspec.Struct`, a `TypedDict`, a dataclass or a type like `dict[str, int]`, of
    which JSON Schema is made. The data itself is decoded JSON, not an instance of a class. None: any JSON."""
    version: int = 1
    """Raised with a change of `data` that rules can notice; recordings keep it."""
    upgrade: Callable[[int, Any], Any] | None = None
    """(version of a recording, data) → data of this version. Called for recordings of an older version only; without it
    their events are replayed as they are."""
