"""Which addresses are this machine's own: what tells the local end of a connection from the remote one.

Pure by itself: whoever knows the interfaces (the live runtime, a recording) replaces the set.
"""

from collections.abc import Iterable

from mozu.core.event import Address

_LOOPBACK6 = b"\0" * 15 + b"\1"
_MAPPED = b"\0" * 10 + b"\xff\xff"


class LocalAddresses:
    """The addresses of one machine's interfaces. Loopback is always local."""

    __slots__ = ("_known",)

    def __init__(self, known: Iterable[Address] = ()) -> None:
        self._known: frozenset[Address] = frozenset(known)

    def replace(self, known: Iterable[Address]) -> None:
        """These are the machine's addresses from now on."""
        self._known = frozenset(known)

    def __contains__(self, address: Address) -> bool:
        if len(address) == 16 and address.startswith(_MAPPED):
            address = address[12:]
        return address in self._known or address == _LOOPBACK6 or (len(address) == 4 and address[0] == 127)

    def __len__(self) -> int:
        return len(self._known)
