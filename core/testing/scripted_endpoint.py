"""An HTTP server on the loopback interface that answers as a test says, on a thread of its own."""

import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import msgspec

HANG_SECONDS: Final = 3600.0


class Reply(msgspec.Struct, frozen=True):
    """An answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    after: float = 0.0
    """Seconds before it comes."""


HANGS: Final = Reply(after=HANG_SECONDS)
"""No answer: the connection stays open until the endpoint is closed."""


class EndpointRequest(msgspec.Struct, frozen=True):
    """A request."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


class ScriptedEndpoint:
    """Answers requests in the order of the script, and with its last line from then on."""

    requests: list[EndpointRequest]
    """The requests, in order."""
    port: int
    url: str
    """`http://127.0.0.1:PORT/`."""

    def __init__(self, script: Iterable[Reply | int] = (200,)) -> None:
        replies = [one if isinstance(one, Reply) else Reply(one) for one in script]
        self._left, self._last = replies[:-1], replies[-1]
        self._lock, self._closed = threading.Lock(), threading.Event()
        self.requests = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5.0)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length") or 0)
                endpoint._serve(self, self.rfile.read(length))

            def log_message(self, format: str, *args: object) -> None:
                """Tests read `requests`."""

        return Handler

    def _serve(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        request = EndpointRequest(handler.command, handler.path, dict(handler.headers.items()), body)
        with self._lock:
            self.requests.append(request)
            reply = self._left.pop(0) if self._left else self._last
        ends = time.monotonic() + reply.after
        while time.monotonic() < ends and not self._closed.wait(min(0.05, max(0.0, ends - time.monotonic()))):
            pass
        if self._closed.is_set():
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body)


@contextmanager
def scripted_endpoint(*script: Reply | int) -> Iterator[ScriptedEndpoint]:
    """An endpoint for the time of the block."""
    endpoint = ScriptedEndpoint(script or (200,))
    try:
        yield endpoint
    finally:
        endpoint.close()
