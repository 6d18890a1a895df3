"""A real HTTPS server whose answers a test chooses, and certificates for the server."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
import trustme
from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Certificates:
    """An authority with certificates of a server and a client, as files."""

    def __init__(self, folder: Path, *, names: Sequence[str] = ("localhost", "127.0.0.1")) -> None:
        authority = trustme.CA()
        self.ca = folder / "ca.pem"
        authority.cert_pem.write_to_path(self.ca)
        self.server, self.server_key = _written(authority.issue_cert(*names), folder, "server")
        self.client, self.client_key = _written(authority.issue_cert("client"), folder, "client")

    def context(self, *, mutual: bool = False, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        """Return the TLS context of a server."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.server, self.server_key)
        if newest is not None:
            context.maximum_version = newest
        if mutual:
            context.load_verify_locations(self.ca)
            context.verify_mode = ssl.CERT_REQUIRED
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return the TLS context of a client that trusts the authority and accepts any name of the server."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.check_hostname = False
        return context


def _written(issued: trustme.LeafCert, folder: Path, name: str) -> tuple[Path, Path]:
    """Write a certificate and its key; return both paths."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    issued.cert_chain_pems[0].write_to_path(certificate)
    issued.private_key_pem.write_to_path(key)
    return certificate, key


class Request:
    """A request that the server received."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.method, self.path, self.headers, self.body = request.method, request.path_qs, request.headers.copy(), body

    def json(self) -> Any:
        """Return the body as parsed JSON."""
        return orjson.loads(self.body)


class Answers:
    """A server that answers by a script, then with 200, and keeps every request, and those that it answered with
    2xx."""

    def __init__(self, script: Iterable[int | Handler] = ()) -> None:
        self._script = iter(script)
        self.requests: list[Request] = []
        self.taken: list[Request] = []
        self.url = ""
        self.port = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request by the next step of the script."""
        body = await request.read()
        kept = Request(request, body)
        self.requests.append(kept)
        step = next(self._script, 200)
        if not isinstance(step, int):
            return await step(request)
        if 200 <= step < 300:
            self.taken.append(kept)
        return web.Response(status=step, text="said")

    def ids(self) -> list[str]:
        """Return the id of every accepted alert, in order."""
        found: list[str] = []
        for request in self.taken:
            document = request.json()
            found += [item["uuid"] for item in (document if isinstance(document, list) else [document])]
        return found


@asynccontextmanager
async def listening(
    app: web.Application, context: ssl.SSLContext | None = None, port: int = 0
) -> AsyncIterator[int]:
    """Serve an application on a port of the loopback, by default a free one, until the block ends; yield the port."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


@asynccontextmanager
async def serving(answers: Answers, context: ssl.SSLContext | None = None) -> AsyncIterator[Answers]:
    """Serve on a free port of the loopback."""
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", answers.handle)
    async with listening(app, context) as answers.port:
        answers.url = f"{'http' if context is None else 'https'}://localhost:{answers.port}/hook"
        yield answers


async def hang(request: web.Request) -> web.StreamResponse:
    """Send no answer until the client has gone."""
    await asyncio.sleep(3600)
    return web.Response()


async def close(request: web.Request) -> web.StreamResponse:
    """End the connection without an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


def answering(status: int, **headers: str) -> Handler:
    """Return a handler that answers with a status and headers; `_` in their names stands for `-`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return handle


def unpacked(request: Request) -> bytes:
    """Return the uncompressed body, also if the server's framework has uncompressed it already."""
    return gzip.decompress(request.body) if request.body.startswith(b"\x1f\x8b") else request.body
