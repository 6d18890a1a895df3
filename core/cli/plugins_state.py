"""The state directories of components, as `mozu plugins` lists them."""

from pathlib import Path

import msgspec

from mozu.core.api import Kind
from mozu.core.api.state_directory import PLUGINS
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.config import Config


class KeptState(msgspec.Struct, frozen=True):
    """The state directory of one component."""

    kind: str
    id: str
    path: Path
    is_configured: bool
    """True if the configuration has the component; otherwise its entry was removed, and its state can be deleted."""

    def __str__(self) -> str:
        note = "" if self.is_configured else "; no entry of the configuration has this id"
        return f"state of {self.kind} {self.id}: {self.path}{note}"

    def as_dict(self) -> JsonObject:
        """Return the directory as data."""
        return {"kind": self.kind, "id": self.id, "path": str(self.path), "configured": self.is_configured}


def kept_state(config: Config) -> list[KeptState]:
    """Return every state directory below `state_dir`; none if this user may not read there."""
    root, known = config.core.state_dir / PLUGINS, {(entry.kind.value, entry.id) for entry in config.entries()}
    try:
        found = sorted(path for kind in Kind for path in (root / kind.value).glob("*"))
    except OSError:
        return []
    places = [(path.parent.name, path.name, path) for path in found]
    return [KeptState(kind, name, path, (kind, name) in known) for kind, name, path in places]
