"""What a component's process is given: which component to build, and with what."""

from pathlib import Path

import msgspec

from mozu.core.api import Kind, Settings


class ChildSpec(msgspec.Struct):
    """One component."""

    kind: Kind
    plugin: str
    """The name in its declaration."""
    entry_point: str
    """The plugin that it comes from; of a built-in its own name."""
    id: str
    settings: Settings
    """Validated."""
    offline: bool
    requested_fields: tuple[str, ...]
    content_type: str
    schema: str
    hostname: str
    state_path: Path | None
    level: int
    """Of the log."""
