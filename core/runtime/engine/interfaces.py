"""The addresses of this machine's interfaces, from procfs: they decide which end of a connection is local."""

import re
import socket
from pathlib import Path

from mozu.core.model.event import Address

_LOCAL = re.compile(r"\|-- ([0-9.]+)\n\s+/32 host LOCAL")


def interface_addresses(procfs: Path = Path("/proc")) -> frozenset[Address]:
    """Return IPv4 addresses from the kernel's routing trie (its /32 local entries) and IPv6 from if_inet6; empty if
    neither file is there."""
    found = {socket.inet_aton(text) for text in _LOCAL.findall(_read(procfs / "net/fib_trie"))}
    return frozenset(found | {bytes.fromhex(line[:32]) for line in _read(procfs / "net/if_inet6").splitlines()})


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
