"""Sockets that are connected without holding the loop."""

import asyncio
import socket


async def connected(host: str, port: int, kind: socket.SocketKind, patience: float) -> socket.socket:
    """A non-blocking socket, connected to the first address of the name that answers within `patience` seconds.

    Raises OSError or TimeoutError: what the last address said.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(patience):
        found = await loop.getaddrinfo(host, port, type=kind)
    failure: Exception = OSError(f"{host} has no address")
    for family, made, protocol, _, address in found:
        sock = socket.socket(family, made, protocol)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(patience):
                await loop.sock_connect(sock, address)
        except OSError as error:  # TimeoutError is one
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
