"""A listener that accepts connections within limits in total and per peer; half-open ones give way to later ones.

A connection is half-open until a client was authorized on it. At a limit the oldest half-open one is closed to make
space, so a flood of them keeps out no client that sends its request immediately. If there is none, the new connection
is closed.
"""

import asyncio
import errno
import os
import socket
import ssl
import stat
from collections import Counter as Multiset
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address, ip_network
from pathlib import Path
from typing import Any, Final

import msgspec

from mozu.core.common.descriptors import most_for_clients
from mozu.core.common.http.connection import ClientConnection
from mozu.core.common.http.listen_address import ListenAddress
from mozu.core.common.own_file import check_own

_BACKLOG: Final = 128
_NO_DESCRIPTORS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_PAUSE: Final = 0.05
"""Seconds until the next accept(2) after one that found no descriptor."""
_FULL: Final = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 21\r\n\r\n"
    b"too many connections\n"
)


class ConnectionLimits(msgspec.Struct, frozen=True):
    """The most connections, in total and per peer, and the seconds for a handshake and for headers."""

    connections: int
    per_peer: int
    seconds: float


class Listener:
    """A listener. `protocol` makes the protocol of a connection; `refused` is called with the reason for each one
    closed."""

    def __init__(
        self,
        address: ListenAddress,
        limits: ConnectionLimits,
        protocol: Callable[[], asyncio.Protocol],
        refused: Callable[[str], None],
    ) -> None:
        self._address, self._limits, self._protocol, self._refused = address, limits, protocol, refused
        self._most = min(limits.connections, most_for_clients())
        self._tls: ssl.SSLContext | None = None
        self._sockets: list[socket.socket] = []
        self._accepting: list[asyncio.Task[None]] = []
        self._handshakes: set[asyncio.Task[None]] = set()
        self._connections: dict[Hashable, ClientConnection] = {}
        """Protocol known to aiohttp → its connection."""
        self._half_open: dict[ClientConnection, None] = {}
        """Half-open connections, in the order in which they were accepted."""
        self._per_peer: Multiset[str] = Multiset()
        self.port = 0

    async def open(self, tls: ssl.SSLContext | None) -> None:
        """Listen. Raises OSError."""
        self._tls = tls
        loop = asyncio.get_running_loop()
        if self._address.path:
            self._sockets = [_bound_to_path(self._address.path)]
        else:
            host, port = self._address.host, self._address.port
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            self._sockets = _bound(found)
            self.port = self._sockets[0].getsockname()[1]
        for listening in self._sockets:
            listening.listen(_BACKLOG)
        self._accepting = [loop.create_task(self._accept(one), name="accept clients") for one in self._sockets]

    async def stop(self) -> None:
        """Accept no further connections. Idempotent."""
        accepting, self._accepting = self._accepting, []
        for task in accepting:
            task.cancel()
        await asyncio.gather(*accepting, return_exceptions=True)
        for one in self._sockets:
            if self._address.path:
                with suppress(OSError):  # removed by another, or its directory is gone
                    os.unlink(self._address.path)
            one.close()
        self._sockets = []

    async def close(self) -> None:
        """Abort every connection."""
        await self.stop()
        for connection in list(self._connections.values()):
            connection.abort()
        await asyncio.gather(*self._handshakes, return_exceptions=True)

    def use_tls(self, tls: ssl.SSLContext | None) -> None:
        """Use this context from now on; connections end if they were made with TLS, or must now have it."""
        before, self._tls = self._tls, tls
        if before is not None or tls is not None:
            for connection in list(self._connections.values()):
                connection.abort()

    def count(self) -> int:
        """Return the number of connections."""
        return len(self._connections)

    def find(self, protocol: Hashable) -> ClientConnection | None:
        """Return the connection of a request; None if it has ended."""
        return self._connections.get(protocol)

    def authorized(self, connection: ClientConnection) -> None:
        """Mark a connection as no longer half-open."""
        self._half_open.pop(connection, None)

    # --- accepting

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError as error:
                if error.errno in _NO_DESCRIPTORS:
                    self._refused("descriptors")
                    self._make_room(None)
                    await asyncio.sleep(_PAUSE)
                continue
            self._admit(accepted, _peer(address))

    def _admit(self, accepted: socket.socket, peer: str) -> None:
        if self._per_peer[peer] >= self._limits.per_peer and not self._make_room(peer):
            self._refuse(accepted, "connections of one peer")
        elif len(self._connections) >= self._most and not self._make_room(None):
            self._refuse(accepted, "connections")
        else:
            self._take(accepted, peer)

    def _make_room(self, peer: str | None) -> bool:
        """Close the oldest half-open connection, of this peer or of any; return False if there is none."""
        oldest = next((one for one in self._half_open if peer in (None, one.peer)), None)
        if oldest is None:
            return False
        self._refused("half-open")
        oldest.abort()
        return True

    def _refuse(self, accepted: socket.socket, reason: str) -> None:
        self._refused(reason)
        with accepted, suppress(OSError):
            if self._tls is None:
                accepted.setblocking(False)
                accepted.send(_FULL)

    def _take(self, accepted: socket.socket, peer: str) -> None:
        connection = ClientConnection(
            accepted,
            peer,
            self._protocol(),
            header_timeout=self._limits.seconds,
            on_late=lambda: self._refused("headers late"),
            on_closed=self._forget,
        )
        self._connections[connection.inner] = connection
        self._half_open[connection] = None
        self._per_peer[peer] += 1
        task = asyncio.get_running_loop().create_task(self._handshake(accepted, connection), name="accept a client")
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _handshake(self, accepted: socket.socket, connection: ClientConnection) -> None:
        loop = asyncio.get_running_loop()
        more: dict[str, Any] = {}
        if self._tls is not None:
            more = {"ssl": self._tls, "ssl_handshake_timeout": self._limits.seconds, "ssl_shutdown_timeout": 1.0}
        try:
            await loop.connect_accepted_socket(lambda: connection, accepted, **more)
        except (OSError, ValueError):  # ssl.SSLError, ConnectionError and TimeoutError are OSErrors
            self._refused("handshake")
            connection.closed()

    def _forget(self, connection: ClientConnection) -> None:
        self._connections.pop(connection.inner, None)
        self._half_open.pop(connection, None)
        self._per_peer[connection.peer] -= 1
        if not self._per_peer[connection.peer]:
            del self._per_peer[connection.peer]


def try_bind(address: ListenAddress) -> None:
    """Bind a socket to the address, and close it again. Raises OSError if the address cannot be listened at."""
    if address.path:
        _bound_to_path(address.path).close()
        os.unlink(address.path)
        return
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for made in _bound(found):
        made.close()


def _bound(addresses: Sequence[Any]) -> list[socket.socket]:
    """Return a socket bound to each of these addresses (getaddrinfo). Raises OSError, with all of them closed."""
    made: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(addresses):
            one = socket.socket(family, kind, protocol)
            made.append(one)
            one.setblocking(False)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
    except OSError:
        for one in made:
            one.close()
        raise
    return made


def _bound_to_path(path: str) -> socket.socket:
    """Return a socket for its owner alone; one that a run left behind, at which no process listens, is replaced.
    Nothing can connect before `listen`, so its mode applies to all connections. Raises OSError."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.setblocking(False)
        check_own(Path(path))
        _remove_stale(path)
        made.bind(path)
        os.chmod(path, 0o600)
    except OSError:
        made.close()
        raise
    return made


def _remove_stale(path: str) -> None:
    """Remove a socket at which no process listens. Raises OSError if one does, or the path is no socket."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(errno.EEXIST, "there is a file that is no socket", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(1.0)
        try:
            trial.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
            return
    raise OSError(errno.EADDRINUSE, "another process listens there", path)


def _peer(address: Any) -> str:
    """Return the address that a limit counts by; for IPv6 the /64 network, which usually belongs to one machine.
    Clients that connect to a path are one peer."""
    if isinstance(address, str | bytes):
        return ""
    host = str(address[0]).partition("%")[0]
    parsed = ip_address(host)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None and not parsed.is_loopback:
        return str(ip_network(f"{host}/64", strict=False))
    return host
