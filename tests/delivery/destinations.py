"""Far ends of the delivery tests: each has the settings of the sink that leads to it, and the alerts that have
arrived."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol

from tests.support.rsyslog import Rsyslog


class Destination(Protocol):
    """A far end with `kind` and `settings` of its sink in the configuration."""

    kind: str
    settings: dict[str, Any]

    def size(self) -> int:
        """Return a measure that grows with everything that arrives."""

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield every alert that has arrived whole, in order."""


class File:
    """Lines of a file, written by mozu's own sink or by a third party's minimal sink (`far_end`), which can be
    `down`."""

    def __init__(self, folder: Path, kind: str = "file") -> None:
        self.path, self.kind, self.down = folder / "out.jsonl", kind, folder / "down"
        self.settings: dict[str, Any] = {"path": str(self.path)}
        if kind == "far_end":
            self.settings |= {"pause": 0.002, "down": str(self.down)}

    def size(self) -> int:
        """Return bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the documents of whole lines; a line torn by a kill was never acknowledged."""
        for line in self.path.read_bytes().split(b"\n"):
            try:
                yield json.loads(line)
            except ValueError:
                continue


class Syslog:
    """A real rsyslogd over TCP."""

    kind = "syslog"

    def __init__(self, daemon: Rsyslog) -> None:
        self._daemon = daemon
        self.settings: dict[str, Any] = {"transport": "tcp", "host": "127.0.0.1", "port": daemon.tcp}

    def size(self) -> int:
        """Return the count of messages."""
        return self._daemon.count()

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the documents in the text of the messages; a frame torn by a kill has none."""
        for message in self._daemon.received():
            try:
                yield json.loads(message["msg"].removeprefix("\ufeff"))
            except ValueError:
                continue


class Webhook:
    """A real HTTP server that keeps a body before it answers."""

    kind = "webhook"

    def __init__(self, port: int, bodies: list[bytes]) -> None:
        self._bodies = bodies
        self.on_body: Callable[[bytes], None] = lambda body: None
        """Function that is called on a thread with each body, once it is kept."""
        url = f"http://127.0.0.1:{port}/"
        self.settings: dict[str, Any] = {"url": url, "allow_private": True, "batch": "ndjson"}

    def size(self) -> int:
        """Return the count of requests."""
        return len(self._bodies)

    def documents(self) -> Iterator[dict[str, Any]]:
        """Yield the documents line by line of each body."""
        for body in self._bodies:
            yield from map(json.loads, body.splitlines())


@contextmanager
def webhook() -> Iterator[Webhook]:
    """Yield the server, which runs until the block ends."""
    bodies: list[bytes] = []

    class Keeper(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) == length:
                bodies.append(body)
                made.on_body(body)
                self.send_response(204)
                self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    made = Webhook(server.server_port, bodies)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def syslog(folder: Path) -> Iterator[Syslog]:
    """Yield the daemon, which runs until the block ends."""
    daemon = Rsyslog(folder)
    daemon.start()
    try:
        yield Syslog(daemon)
    finally:
        daemon.stop()
