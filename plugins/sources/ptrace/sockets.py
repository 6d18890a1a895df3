"""Sockets of a stopped task: pidfd_getfd copies the descriptor, getsockopt and getsockname ask the kernel.

A tracer may copy descriptors since Linux 5.6. Where a sandbox forbids that, /proc/PID/net is read (proc_net.py).
The kernel's addresses of unix sockets stay 0.
"""

import contextlib
import errno
import os
import socket
from typing import Final

from mozu.core.abi.addresses import MAPPED_PREFIX
from mozu.core.abi.sockets import TCP_CLOSE, TCP_ESTABLISHED, TCP_LISTEN, SocketInfo
from mozu.core.model.event import SockAddr
from mozu.plugins.sources.ptrace import native, proc_net

_SO_PROTOCOL: Final = 38
_SO_DOMAIN: Final = 39
_TCP_INFO: Final = 11
_UNACKED, _SACKED = 24, 28
"""Offsets in struct tcp_info; of a listening socket they hold sk_ack_backlog and sk_max_ack_backlog."""


class SocketLookup:
    """Keeps a pidfd for each process that uses sockets."""

    def __init__(self) -> None:
        self._pidfds: dict[int, int] = {}
        self._refused = False
        """pidfd_open or pidfd_getfd is forbidden."""

    def forget(self, pid: int) -> None:
        """Close the pidfd of a process that has exited."""
        pidfd = self._pidfds.pop(pid, None)
        if pidfd is not None:
            os.close(pidfd)

    def close(self) -> None:
        """Close all pidfds."""
        for pid in list(self._pidfds):
            self.forget(pid)

    def info(self, pid: int, fd: int, sockaddr: SockAddr | None, *, pending: bool) -> SocketInfo | None:
        """Return the kernel's facts on a socket; None if it cannot be read. `sockaddr`: the address argument, which is
        the peer while the connection is `pending`."""
        copy = self._copy(pid, fd)
        if copy is None:
            return proc_net.info(pid, fd, sockaddr) if self._refused else None
        with copy:
            try:
                return _info(copy, sockaddr if pending else None)
            except OSError:
                return None

    def queue(self, pid: int, fd: int) -> tuple[int, int]:
        """Length and limit of the accept queue of a listening TCP socket; zeros for others."""
        copy = self._copy(pid, fd)
        if copy is None:
            return 0, 0
        with copy, contextlib.suppress(OSError):
            info = copy.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 256)
            return _number(info, _UNACKED), _number(info, _SACKED)
        return 0, 0

    def _copy(self, pid: int, fd: int) -> socket.socket | None:
        try:
            if pid not in self._pidfds:
                self._pidfds[pid] = native.pidfd_open(pid)
            return socket.socket(fileno=native.pidfd_getfd(self._pidfds[pid], fd))
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ENOSYS):
                self._refused = True
            return None


def _number(raw: bytes, at: int) -> int:
    return int.from_bytes(raw[at : at + 4], "little")


def _option(sock: socket.socket, option: int) -> int:
    return sock.getsockopt(socket.SOL_SOCKET, option)


def _info(sock: socket.socket, sockaddr: SockAddr | None) -> SocketInfo:
    family, kind, protocol = (_option(sock, option) for option in (_SO_DOMAIN, socket.SO_TYPE, _SO_PROTOCOL))
    own = _name(sock, family, own=True)
    peer = _name(sock, family, own=False)
    state = _state(sock, kind, peer)
    other = peer or sockaddr
    local, local_port, local_name = _parts(own, family)
    remote, remote_port, remote_name = _parts(other, family)
    pointer = 1 if family == socket.AF_UNIX and peer is not None else 0
    return SocketInfo(
        0, pointer, local, remote, family, kind, protocol, local_port, remote_port, state, local_name, remote_name
    )


def _state(sock: socket.socket, kind: int, peer: SockAddr | None) -> int:
    if kind == socket.SOCK_STREAM and _option(sock, socket.SO_ACCEPTCONN):
        return TCP_LISTEN
    return TCP_CLOSE if peer is None else TCP_ESTABLISHED


def _name(sock: socket.socket, family: int, *, own: bool) -> SockAddr | None:
    """getsockname or getpeername; None where there is none."""
    try:
        found = sock.getsockname() if own else sock.getpeername()
    except OSError:
        return None
    if family in (socket.AF_INET, socket.AF_INET6):
        return SockAddr(family, socket.inet_pton(family, found[0].partition("%")[0]), found[1])
    if family == socket.AF_UNIX:
        path = found if isinstance(found, str) else os.fsdecode(found)
        return SockAddr(family, path=path)
    return None


def _parts(end: SockAddr | None, family: int) -> tuple[bytes, int, str]:
    """Return an address as `SocketInfo` has it: sixteen bytes, a port, a name."""
    if end is None:
        return bytes(16), 0, ""
    address = end.address
    if family == socket.AF_INET6 and len(address) == 4:
        address = MAPPED_PREFIX + address
    return address.ljust(16, b"\0"), end.port, end.path
