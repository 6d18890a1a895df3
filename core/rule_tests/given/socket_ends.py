"""The two ends of a socket, as far as a test gives them: client and server, one of which is local and the other
remote."""

from collections.abc import Iterator, Mapping
from typing import Final

from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.given.parts import GivenPart, Key

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {"address": ("ip", "net"), "port": ("port",)}
_EITHER: Final[Mapping[str, tuple[str, ...]]] = {"address": ("fd.ip", "fd.net"), "port": ("fd.port", "fd.proto")}
"""Half → fields of both ends."""
SOCKET: Final[Mapping[str, tuple[str, str]]] = {
    f"fd.{end}{name}": (end, half) for end in "cslr" for half, names in _NAMES.items() for name in names
}
"""Field → (end: client, server, local or remote; half: address or port)."""
_ACCEPTS: Final = ("accept", "accept4")
_ATTRIBUTES: Final[Mapping[tuple[str, str], str]] = {
    ("c", "address"): "source",
    ("c", "port"): "sport",
    ("s", "address"): "dest",
    ("s", "port"): "dport",
}


class SocketEnds:
    """Addresses and ports by end."""

    def __init__(self) -> None:
        self._halves: dict[tuple[str, str], FieldValue] = {}

    def __bool__(self) -> bool:
        return bool(self._halves)

    def take(self, end: str, half: str, value: FieldValue) -> None:
        """Set one half of one end."""
        self._halves[end, half] = value

    @property
    def kind(self) -> str:
        """The value of `fd.type` by the addresses; empty if there are none."""
        found = [value for (_, half), value in self._halves.items() if half == "address" and isinstance(value, bytes)]
        return ("ipv4" if len(found[0]) == 4 else "ipv6") if found else ""

    def settle(self, role: str) -> None:
        """Copy values between corresponding ends: the local end is the client's for a client, the server's for a
        server."""
        mine, other = ("c", "s") if role == "client" else ("s", "c")
        for half in _NAMES:
            for side, end in (("l", mine), ("r", other)):
                for one, another in ((side, end), (end, side)):
                    if (another, half) in self._halves:
                        self._halves.setdefault((one, half), self._halves[another, half])

    def values(self) -> Iterator[tuple[Key, FieldValue]]:
        """Yield the fields of every known half."""
        for (end, half), value in self._halves.items():
            for name in _NAMES[half]:
                yield (f"fd.{end}{name}", None), value
        for half, names in _EITHER.items():
            known = tuple(self._halves[end, half] for end in "cs" if (end, half) in self._halves)
            if known:
                yield from (((name, None), known) for name in names)

    def part(self) -> GivenPart:
        """Return both ends as a socket has them."""
        halves = self._halves.items()
        return GivenPart(**{_ATTRIBUTES[key]: value for key, value in halves if key in _ATTRIBUTES})


def usual_role(event_type: str) -> str:
    """Return the role of a process if a test does not say."""
    return "server" if event_type in _ACCEPTS else "client"
