"""Subordinate ids: the ranges of uids that an ordinary user may use in user namespaces. subuid(5)."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

_SUBUID: Final = Path("/etc/subuid")
_PASSWD: Final = Path("/etc/passwd")


class _Range(msgspec.Struct, frozen=True):
    owner: int
    first: int
    count: int


class SubordinateIds:
    """The subordinate ids that the files grant. A user that is in neither file has its own uid alone."""

    def __init__(self, subuid: Path = _SUBUID, passwd: Path = _PASSWD) -> None:
        self._ranges = tuple(_ranges(subuid, passwd))

    def owner(self, uid: int) -> int:
        """Return the user who may run processes as this one: the user itself if it is in no range."""
        return next((one.owner for one in self._ranges if one.first <= uid < one.first + one.count), uid)


def _ranges(subuid: Path, passwd: Path) -> Iterator[_Range]:
    numbers = {name: int(uid) for name, _, uid, *_ in _lines(passwd, 3) if uid.isdecimal()}
    for name, first, count, *_ in _lines(subuid, 3):
        owner = int(name) if name.isdecimal() else numbers.get(name)
        if owner and first.isdecimal() and count.isdecimal():  # root's ranges are of containers that root makes
            yield _Range(owner, int(first), int(count))


def _lines(path: Path, least: int) -> Iterator[list[str]]:
    with suppress(OSError):
        for line in path.read_text(errors="replace").splitlines():
            fields = line.split(":")
            if len(fields) >= least:
                yield fields
