"""Fields whose values a recording brings itself: names of users and groups, containers and their pods.

The answers are those of the batch that was given last: a batch ends where these tables change.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from mozu.core.fields import Reader
from mozu.plugins.enrichers.containers.fields import container_readers
from mozu.plugins.sources.replay.metadata import Metadata
from mozu.plugins.sources.replay.people import User

Binder = Callable[[str | None], Reader]

_UNKNOWN: Final = "<NA>"
"""What these fields say, as a text, of a number without a name."""
_ROOT: Final = User("root", "/root", _UNKNOWN)
_NOBODY: Final = User(_UNKNOWN, _UNKNOWN, _UNKNOWN)


def readers(metadata: Metadata) -> Mapping[str, Binder]:
    """Field name → (argument → reader)."""
    people = _PeopleFields(metadata)
    plain: dict[str, Reader] = {
        "user.name": lambda event: people.user(event, "uid", "name"),
        "user.homedir": lambda event: people.user(event, "uid", "home"),
        "user.shell": lambda event: people.user(event, "uid", "shell"),
        "user.loginname": lambda event: people.user(event, "loginuid", "name"),
        "group.name": people.group,
    }
    return {**{name: _bound(reader) for name, reader in plain.items()}, **container_readers(metadata.containers.find)}


def _bound(reader: Reader) -> Binder:
    return lambda _: reader


class _PeopleFields:
    """Looks up numbers. The recorder knew the names of its host only: in containers none but root has one."""

    def __init__(self, metadata: Metadata) -> None:
        self._people = metadata.people

    def user(self, event: Any, number: str, part: str) -> str | None:
        process = event.process
        if process is None:
            return None
        uid = getattr(process, number)
        found = None if process.container is not None else self._people.users.get(("", uid))
        if found is None:
            found = _ROOT if uid == 0 else _NOBODY
        text: str = getattr(found, part)
        return text or _UNKNOWN

    def group(self, event: Any) -> str | None:
        process = event.process
        if process is None:
            return None
        found = None if process.container is not None else self._people.groups.get(("", process.gid))
        return found or ("root" if process.gid == 0 else _UNKNOWN)
