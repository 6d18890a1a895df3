"""The first message to a component's process: which component to build, and with what."""

from pathlib import Path

import msgspec

from mozu.core.api import Kind, Settings


class ChildSpec(msgspec.Struct):
    """The specification of one component."""

    kind: Kind
    plugin: str
    """Name of the plugin, as its declaration has it."""
    entry_point: str
    """Entry point that brings the plugin; a built-in's own name."""
    id: str
    settings: Settings
    """Validated settings."""
    offline: bool
    requested_fields: tuple[str, ...]
    content_type: str
    schema: str
    hostname: str
    state_path: Path | None
    level: int
    """Level of the log."""
