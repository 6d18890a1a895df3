"""The user table of a recording: users and groups of its list, and those that were added or removed while it ran."""

from typing import Any, Final

import msgspec

from mozu.plugins.sources.replay.cursor import Cursor

_TEXT: Final = 1024
_LIMIT: Final = 1 << 16


class RecordedUser(msgspec.Struct, frozen=True):
    """An account."""

    name: str
    home: str
    shell: str


class UserTable:
    """Users and groups as of now; keys are (container id, number), the id empty for the host."""

    def __init__(self) -> None:
        self.users: dict[tuple[str, int], RecordedUser] = {}
        self.groups: dict[tuple[str, int], str] = {}
        self.removed_users: set[tuple[str, int]] = set()
        self.removed_groups: set[tuple[str, int]] = set()
        """Keys that meant something earlier; some may again."""
        self.changes = 0
        """The number of changes."""

    def clear(self) -> None:
        """Another recording follows in the same file."""
        self.removed_users |= self.users.keys()
        self.removed_groups |= self.groups.keys()
        self.users.clear()
        self.groups.clear()
        self.changes += 1

    def load(self, body: bytes, version: int) -> None:
        """A user list, which replaces what was known. Raises RecordTruncated at the first invalid entry."""
        self.clear()
        cursor = Cursor(body)
        while cursor.left >= 4:
            self._entry(cursor if version == 1 else cursor.entry(cursor.number("I") - 4, 1))

    def _entry(self, entry: Cursor) -> None:
        if entry.number("B"):
            gid = entry.number("I")
            _put(self.groups, ("", gid), entry.text(_TEXT))
            return
        uid, _ = entry.number("I"), entry.number("I")
        _put(self.users, ("", uid), RecordedUser(entry.text(_TEXT), entry.text(_TEXT), entry.text(_TEXT)))

    def change(self, kind: str, args: tuple[Any, ...]) -> None:
        """An event useradded, userdeleted, groupadded or groupdeleted."""
        self.changes += 1
        if kind.startswith("user"):
            uid, _, name, home, shell, container = args
            user = RecordedUser(name or "", home or "", shell or "") if kind == "useradded" else None
            self._put_user((container or "", uid), user)
        else:
            gid, name, container = args
            self.put_group(container or "", gid, (name or "") if kind == "groupadded" else None)

    def put_user(self, container: str, uid: int, name: str | None, home: str | None, shell: str | None) -> None:
        """Set or, without a name, remove a user; a home and a shell of None stay as they are."""
        self.changes += 1
        old = self.users.get((container, uid))
        if name is None:
            self._put_user((container, uid), None)
            return
        home = (old.home if old else "") if home is None else home
        shell = (old.shell if old else "") if shell is None else shell
        _put(self.users, (container, uid), RecordedUser(name, home, shell))

    def put_group(self, container: str, gid: int, name: str | None) -> None:
        """Set or, without a name, remove a group."""
        self.changes += 1
        _put(self.groups, (container, gid), name)
        if name is None:
            self.removed_groups.add((container, gid))

    def _put_user(self, key: tuple[str, int], user: RecordedUser | None) -> None:
        _put(self.users, key, user)
        if user is None:
            self.removed_users.add(key)


def _put(table: dict[tuple[str, int], Any], key: tuple[str, int], value: Any) -> None:
    if value is None:
        table.pop(key, None)
    elif key in table or len(table) < _LIMIT:
        table[key] = value
