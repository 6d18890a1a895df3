"""A TCP relay that breaks every connection, and listens no longer, once a server has sent so many bytes through it."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

_PATIENCE = 30.0


class CutRelay:
    """A relay to a port of this machine, from the beginning of the block to its end."""

    def __init__(self, to: int, *, after: int) -> None:
        self._to, self._left, self._lock = to, after, threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.was_cut = False

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def _close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # ends `accept`
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._to), _PATIENCE)
                threading.Thread(target=self._requests, args=(client, server), daemon=True).start()
                threading.Thread(target=self._answers, args=(server, client), daemon=True).start()

    def _requests(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while data := client.recv(1 << 16):
                server.sendall(data)

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        with server, client, suppress(OSError):
            while data := server.recv(1 << 14):
                with self._lock:
                    self._left -= len(data)
                if self._left <= 0:
                    self.was_cut = True
                    self._close()
                    client.shutdown(socket.SHUT_RDWR)
                    return
                client.sendall(data)
