"""Forms of addresses, and which are this machine's own: which end of a connection is the local one.

Pure by itself: what knows the interfaces (the live runtime, a recording) replaces the set.
"""

from collections.abc import Callable, Iterable

from mozu.core.model.event import Address

_LOOPBACK = b"\x7f\0\0\1"
_LOOPBACK6 = b"\0" * 15 + b"\1"
_MAPPED = b"\0" * 10 + b"\xff\xff"


ContainerAddress = Callable[[str], Address | None]
"""Id of a container → its main IPv4 address."""


def plain(address: Address) -> Address:
    """An IPv4 address where it is mapped into IPv6, else the address itself."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address


class LocalAddresses:
    """The addresses of one machine's interfaces. Loopback is always local."""

    __slots__ = ("_known", "recorded")

    def __init__(self, known: Iterable[Address] = ()) -> None:
        self._known: frozenset[Address] = frozenset(known)
        self.recorded: ContainerAddress | None = None
        """Where the machine is that of a recording, its containers' addresses. There the local end is found as Falco
        does: its address is an interface's or the container's own, and no IPv6 address is local to a container."""

    def replace(self, known: Iterable[Address], *, recorded: ContainerAddress | None = None) -> None:
        """These are the machine's addresses from now on."""
        self._known = frozenset(known)
        self.recorded = recorded

    @property
    def known(self) -> frozenset[Address]:
        """All of them, without loopback."""
        return self._known

    def __contains__(self, address: Address) -> bool:
        address = plain(address)
        return address in self._known or address == _LOOPBACK6 or (len(address) == 4 and address[0] == 127)

    def on_interface(self, address: Address) -> bool:
        """Whether an interface has exactly this address. Of the loopback networks that is the first one, as a rule."""
        address = plain(address)
        return address in self._known or address == _LOOPBACK6 or (self.recorded is None and address == _LOOPBACK)

    def __len__(self) -> int:
        return len(self._known)
