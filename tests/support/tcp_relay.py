"""A TCP relay that can be closed without losing a byte that its clients have sent.

A server that is stopped loses data that the kernel has accepted and the server has not read; no client can know. A
relay that is closed tells its clients so, and reads on until they have closed, too.
"""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

_PATIENCE = 30.0


class TcpRelay:
    """A relay from its own port to another one; closed until `open`."""

    def __init__(self, port: int, to: int) -> None:
        self.port, self._to = port, to
        self._listener: socket.socket | None = None
        self._lock = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []

    def open(self) -> None:
        """Begin to take connections."""
        listener = socket.create_server(("127.0.0.1", self.port))
        self._listener = listener
        self._start(lambda: self._accept(listener))

    def close(self) -> None:
        """Stop taking connections; return when all sent data has been passed on. Idempotent."""
        if self._listener is None:
            return
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self._listener.close()
        self._listener = None
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_WR)
        threads, self._threads = self._threads, []
        for thread in threads:
            thread.join(_PATIENCE)

    def _start(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # closed
                return
            with self._lock:
                self._clients.add(client)
            if self._listener is not listener:  # closed meanwhile
                with suppress(OSError):
                    client.shutdown(socket.SHUT_WR)
            self._start(partial(self._pass_on, client))

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._to), _PATIENCE)
        with client, server, suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)
        with self._lock:
            self._clients.discard(client)
