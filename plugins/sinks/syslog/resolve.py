"""Resolution of a name and connection to one of its addresses, without blocking the event loop."""

import asyncio
import socket


async def connect(host: str, port: int, kind: socket.SocketKind, seconds: float) -> socket.socket:
    """Return a non-blocking socket, connected to the first address of the name that answers within `seconds`.

    Raises OSError or TimeoutError, the error of the last address.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(seconds):
        found = await loop.getaddrinfo(host, port, type=kind)
    failure: Exception = OSError(f"{host} has no address")
    for family, made, protocol, _, address in found:
        sock = socket.socket(family, made, protocol)
        sock.setblocking(False)
        try:
            async with asyncio.timeout(seconds):
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
