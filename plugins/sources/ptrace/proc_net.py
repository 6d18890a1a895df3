"""Sockets of a task from /proc/PID/net (tcp, udp, unix), used if a sandbox forbids pidfd_getfd.

The tables contain bound, listening and connected sockets. Of other sockets only the address in the call is known.
"""

import os
import re
import socket
from typing import Final

from mozu.core.abi.addresses import MAPPED_PREFIX
from mozu.core.abi.sockets import TCP_CLOSE, TCP_ESTABLISHED, SocketInfo
from mozu.core.model.event import SockAddr, as_text

_INODE: Final = re.compile(r"socket:\[(\d+)\]")
_TABLES: Final = (
    ("tcp", socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP),
    ("tcp6", socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP),
    ("udp", socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
    ("udp6", socket.AF_INET6, socket.SOCK_DGRAM, socket.IPPROTO_UDP),
)
_UNIX_CONNECTED: Final = b"03"


def info(pid: int, fd: int, sockaddr: SockAddr | None) -> SocketInfo | None:
    """Return a socket's facts from the tables; None if nothing is known. `sockaddr`: the address argument, if any."""
    inode = _inode(pid, fd)
    if not inode:
        return None
    return _inet(pid, inode, sockaddr) or _unix(pid, inode, sockaddr) or _unbound(sockaddr)


def _inode(pid: int, fd: int) -> bytes:
    try:
        match = _INODE.fullmatch(os.readlink(f"/proc/{pid}/fd/{fd}"))
    except OSError:
        return b""
    return match[1].encode() if match else b""


def _rows(pid: int, table: str) -> list[list[bytes]]:
    try:
        with open(f"/proc/{pid}/net/{table}", "rb") as file:
            return [line.split() for line in file.read().splitlines()[1:]]
    except OSError:
        return []


def _inet(pid: int, inode: bytes, sockaddr: SockAddr | None) -> SocketInfo | None:
    for table, family, kind, protocol in _TABLES:
        for row in _rows(pid, table):
            if row[9] == inode:
                local, local_port = _end(row[1])
                remote, remote_port = _end(row[2])
                state = int(row[3], 16)
                if not remote_port and sockaddr is not None and sockaddr.family in (socket.AF_INET, socket.AF_INET6):
                    remote, remote_port = _wide(sockaddr, family), sockaddr.port
                return SocketInfo(0, 0, local, remote, family, kind, protocol, local_port, remote_port, state, "", "")
    return None


def _end(text: bytes) -> tuple[bytes, int]:
    """Return an address of /proc/net/tcp (hexadecimal words in host byte order) as sixteen bytes and a port."""
    address, _, port = text.partition(b":")
    raw = bytes.fromhex(address.decode())
    words = (raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    return b"".join(words).ljust(16, b"\0"), int(port, 16)


def _wide(sockaddr: SockAddr, family: int) -> bytes:
    mapped = family == socket.AF_INET6 and len(sockaddr.address) == 4
    return (MAPPED_PREFIX + sockaddr.address if mapped else sockaddr.address).ljust(16, b"\0")


def _unix(pid: int, inode: bytes, sockaddr: SockAddr | None) -> SocketInfo | None:
    for row in _rows(pid, "unix"):
        if row[6] == inode:
            connected = row[5] == _UNIX_CONNECTED
            own = as_text(b" ".join(row[7:]))
            other = sockaddr.path if sockaddr is not None and sockaddr.family == socket.AF_UNIX else ""
            state = TCP_ESTABLISHED if connected else TCP_CLOSE
            kind = int(row[4], 16)
            return SocketInfo(0, int(connected), bytes(16), bytes(16), socket.AF_UNIX, kind, 0, 0, 0, state, own, other)
    return None


def _unbound(sockaddr: SockAddr | None) -> SocketInfo | None:
    """Return the facts about a socket that failed to connect: TCP, since one of UDP would be in the tables."""
    if sockaddr is None or sockaddr.family not in (socket.AF_INET, socket.AF_INET6):
        return None
    kind, protocol = socket.SOCK_STREAM, socket.IPPROTO_TCP
    remote = _wide(sockaddr, sockaddr.family)
    return SocketInfo(0, 0, bytes(16), remote, sockaddr.family, kind, protocol, 0, sockaddr.port, TCP_CLOSE, "", "")
