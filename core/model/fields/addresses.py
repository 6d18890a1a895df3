"""Forms of addresses, and this machine's own addresses, which tell the local end of a connection.

The set begins empty; the live runtime or a recording, which know the interfaces, replace it.
"""

from collections.abc import Callable, Iterable

from mozu.core.model.event import Address

_LOOPBACK = b"\x7f\0\0\1"
_LOOPBACK6 = b"\0" * 15 + b"\1"
_MAPPED = b"\0" * 10 + b"\xff\xff"


ContainerAddress = Callable[[str], Address | None]
"""Function from a container's id to its main IPv4 address; None if not known."""


def plain(address: Address) -> Address:
    """Return the IPv4 address if it is mapped into IPv6, otherwise the address itself."""
    return address[12:] if len(address) == 16 and address.startswith(_MAPPED) else address


class LocalAddresses:
    """The addresses of one machine's interfaces. Loopback is always local."""

    __slots__ = ("_known", "recorded")

    def __init__(self, known: Iterable[Address] = ()) -> None:
        self._known: frozenset[Address] = frozenset(known)
        self.recorded: ContainerAddress | None = None
        """Function to the addresses of containers, if the machine is a recording's. The local end is then found as
        Falco does: its address is an interface's or the container's own, and no IPv6 address is local to a
        container."""

    def replace(self, known: Iterable[Address], *, recorded: ContainerAddress | None = None) -> None:
        """Use these addresses of the machine from now on."""
        self._known = frozenset(known)
        self.recorded = recorded

    @property
    def known(self) -> frozenset[Address]:
        """The addresses, without loopback."""
        return self._known

    def __contains__(self, address: Address) -> bool:
        address = plain(address)
        return address in self._known or address == _LOOPBACK6 or (len(address) == 4 and address[0] == 127)

    def on_interface(self, address: Address) -> bool:
        """Return True if an interface has exactly this address. Of the loopback networks that is usually the first
        one."""
        address = plain(address)
        return address in self._known or address == _LOOPBACK6 or (self.recorded is None and address == _LOOPBACK)

    def __len__(self) -> int:
        return len(self._known)
