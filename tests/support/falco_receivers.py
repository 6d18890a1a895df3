"""Receivers on the loopback for an imported configuration, and a run of mozu with one."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.support.https import Certificates

PATIENCE = 60.0


class HttpReceiver:
    """Keeps every request and answers 200. `held`: path → seconds for which its first answer is held back."""

    def __init__(self, certificates: Certificates | None = None, held: Mapping[str, float] | None = None) -> None:
        self.requests: list[Received] = []
        self.at_once = 0
        self._running, self._lock, self._held = 0, threading.Lock(), dict(held or {})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if certificates is not None:
            context = certificates.context(mutual=False)
            context.load_verify_locations(certificates.ca)
            context.verify_mode = ssl.CERT_OPTIONAL
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"{'http' if certificates is None else 'https'}://localhost:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def at(self, path: str) -> "list[Received]":
        """Return the requests whose path begins so."""
        return [one for one in self.requests if one.path.startswith(path)]

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                peer = self.connection.getpeercert() if isinstance(self.connection, ssl.SSLSocket) else None
                receiver.take(Received(self.command, self.path, dict(self.headers), body, bool(peer)))
                said = b'{"errors": false, "items": [], "said": "thank-you"}'
                with suppress(OSError):
                    self.send_response(200)
                    self.send_header("Content-Length", str(len(said)))
                    self.end_headers()
                    self.wfile.write(said)

            do_POST = do_PUT = answer  # noqa: N815  names of http.server

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    def take(self, request: "Received") -> None:
        """Keep a request, and wait where its path is held."""
        with self._lock:
            self.requests.append(request)
            self._running += 1
            self.at_once = max(self.at_once, self._running)
            path = next((one for one in self._held if request.path.startswith(one)), None)
            seconds = 0.0 if path is None else self._held.pop(path)
        time.sleep(seconds)
        with self._lock:
            self._running -= 1


class Received:
    """A request, as it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes, client: bool) -> None:
        self.method, self.path, self.body, self.has_client_certificate = method, path, body, client
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def text(self) -> str:
        """The body, unpacked."""
        import gzip

        return (gzip.decompress(self.body) if self.body.startswith(b"\x1f\x8b") else self.body).decode()

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.text)

    @property
    def login(self) -> str:
        """`user:password` of basic authentication, or the header as it is."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        return base64.b64decode(rest).decode() if scheme == "Basic" else f"{scheme} {rest}"
