"""Receivers on the loopback for an imported configuration, and runs of mozu with such a configuration."""

import base64
import gzip
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from mozu.core.cli import invoke
from mozu.core.runtime.config import Config
from mozu.core.runtime.configure import configure
from mozu.core.runtime.registry import Registry
from tests.support.https import Certificates
from tests.support.requirements import ROOT

Json = dict[str, Any]
PATIENCE = 120.0


class HttpReceiver:
    """A server that keeps every request and answers 200. `held`: path → seconds for which its next answers are
    delayed."""

    def __init__(self, certificates: Certificates | None = None, held: Mapping[str, list[float]] | None = None) -> None:
        self.requests: list[Received] = []
        self.at_once: dict[str, int] = {}
        """First part of a path → the highest number of simultaneous requests."""
        self._running, self._lock, self.held = Counter[str](), threading.Lock(), dict(held or {})
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
        """Return the requests whose path begins with `path`."""
        return [one for one in self.requests if one.path.startswith(path)]

    def close(self) -> None:
        """End the server."""
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

            do_GET = do_POST = do_PUT = answer  # noqa: N815  names of http.server

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler

    def take(self, request: "Received") -> None:
        """Keep a request, and wait if its path is held."""
        with self._lock:
            self.requests.append(request)
            part = request.path.split("/")[1]
            self._running[part] += 1
            self.at_once[part] = max(self.at_once.get(part, 0), self._running[part])
            path = next((one for one in self.held if request.path.startswith(one)), None)
            seconds = 0.0 if path is None or not self.held[path] else self.held[path].pop()
        time.sleep(seconds)
        with self._lock:
            self._running[part] -= 1


class Received:
    """A request in the form in which it came."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes, client: bool) -> None:
        self.method, self.path, self.body, self.has_client_certificate = method, path, body, client
        self.headers = {name.lower(): value for name, value in headers.items()}

    @property
    def text(self) -> str:
        """Return the body, uncompressed."""
        return (gzip.decompress(self.body) if self.body.startswith(b"\x1f\x8b") else self.body).decode()

    def json(self) -> Any:
        """Return the body as JSON."""
        return json.loads(self.text)

    @property
    def login(self) -> str:
        """Return `user:password` of basic authentication, or the header as it is."""
        scheme, _, rest = self.headers.get("authorization", "").partition(" ")
        return base64.b64decode(rest).decode() if scheme == "Basic" else f"{scheme} {rest}"


class StreamReceiver:
    """A receiver that keeps all data that arrive over TCP, or in datagrams at a path."""

    def __init__(self, path: Path | None = None) -> None:
        self.data = b""
        kind = socket.SOCK_STREAM if path is None else socket.SOCK_DGRAM
        self._socket = socket.socket(socket.AF_INET if path is None else socket.AF_UNIX, kind)
        self._socket.bind(("127.0.0.1", 0) if path is None else str(path))
        if path is None:
            self._socket.listen()
        self.port = 0 if path is not None else int(self._socket.getsockname()[1])
        threading.Thread(target=self._accept if path is None else self._read, args=(self._socket,), daemon=True).start()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                with listener.accept()[0] as client:
                    self._read(client)

    def _read(self, source: socket.socket) -> None:
        with suppress(OSError):
            while found := source.recv(1 << 16):
                self.data += found


class Imported(NamedTuple):
    """The results of a run with an imported configuration."""

    config: dict[str, Any]
    core: Config
    registry: Registry
    stdout: str
    stderr: str


class LastingRun:
    """A run that lasts until it is stopped; `stdout` and `stderr` go to files."""

    def __init__(self, folder: Path, process: "subprocess.Popen[bytes]") -> None:
        self._folder, self.process = folder, process

    @property
    def stdout(self) -> str:
        """Return the text that the run has written so far."""
        return (self._folder / "stdout").read_text()

    @property
    def stderr(self) -> str:
        """Return the text that the run has written so far."""
        return (self._folder / "stderr").read_text()

    def wait(self, test: Callable[[], bool], what: str) -> None:
        """Wait until the test passes. Raises AssertionError."""
        deadline = time.monotonic() + PATIENCE
        while not test():
            assert self.process.poll() is None, self.stderr
            assert time.monotonic() < deadline, f"not seen: {what}\n{self.stderr}"
            time.sleep(0.02)


@contextmanager
def lasting_run(folder: Path, falco: Json, *overrides: str) -> Iterator[LastingRun]:
    """Translate, check, and run until the block ends."""
    with (folder / "stdout").open("wb") as out, (folder / "stderr").open("wb") as log:
        command = _command(folder, translated(folder, falco), overrides)
        with subprocess.Popen(command, env=_environment(), stdout=out, stderr=log) as process:
            try:
                yield LastingRun(folder, process)
            finally:
                process.terminate()
                process.wait(PATIENCE)


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TZ": "UTC"}


def _command(folder: Path, config: Path, overrides: Sequence[str]) -> list[str]:
    options = [word for one in (f"state_dir={folder}/state", *overrides) for word in ("-o", one)]
    return [sys.executable, "-m", "mozu", "run", "-c", str(config), *options]


def imported_run(folder: Path, falco: Json, sidekick: Json | None = None, *overrides: str) -> Imported:
    """Translate, check, and run until the recording ends."""
    config = translated(folder, falco, sidekick)
    done = subprocess.run(
        _command(folder, config, overrides), env=_environment(), capture_output=True, text=True, timeout=PATIENCE,
        check=False,
    )  # fmt: skip
    assert 0 == done.returncode, done.stderr
    core, registry = configure(config)
    return Imported(yaml.safe_load(config.read_text()), core, registry, done.stdout, done.stderr)


def translated(folder: Path, falco: Json, sidekick: Json | None = None) -> Path:
    """Return the path of the configuration that `mozu import` writes, which passes a check."""
    folder.mkdir(exist_ok=True)
    (folder / "falco.yaml").write_text(yaml.safe_dump(falco))
    (folder / "sidekick.yaml").write_text(yaml.safe_dump(sidekick or {}))
    config = folder / "mozu.yaml"
    behind = [] if sidekick is None else ["--sidekick", str(folder / "sidekick.yaml")]
    assert 0 == invoke(["import", str(folder / "falco.yaml"), *behind, "-o", str(config)])
    assert 0 == invoke(["check", "-c", str(config), "-o", f"state_dir={folder}/state"])
    return config
