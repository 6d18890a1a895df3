"""The HTTP listener of a run: /metrics, /healthz, /readyz, /versions, /status."""

import hmac
import platform
import re
import ssl
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from itertools import chain
from typing import Final

import msgspec
import orjson
from aiohttp import web

from mozu.core.common.http.http_protocol import HttpServer
from mozu.core.common.http.listener import ConnectionLimits, Listener
from mozu.core.delivery.encode.product import NAME
from mozu.core.language.rules import ENGINE_VERSION
from mozu.core.metrics import Metrics
from mozu.core.runtime.config.http import HttpSettings
from mozu.core.runtime.operations import exposition, falco_names
from mozu.core.runtime.operations.metric_help import help_of
from mozu.core.runtime.operations.readiness import readiness
from mozu.core.runtime.operations.run_view import RunView
from mozu.core.runtime.operations.samples import Sample, samples
from mozu.core.runtime.operations.series_limit import bounded

_LIMITS: Final = ConnectionLimits(connections=64, per_peer=32, seconds=10.0)
_SHUTDOWN_TIMEOUT: Final = 1.0
_OPEN: Final = frozenset({"/healthz", "/readyz"})
"""Paths that need no token: they answer one word to what restarts containers."""
_JSON: Final = "application/json"
_HOST: Final = re.compile(r"(?P<name>\[[0-9a-fA-F:.]*\]|[^:\[\]]*)(:\d+)?")

Page = Callable[[web.BaseRequest], web.Response]


class OperationsServer:
    """The server of one run. Its answers are read from the run at each request."""

    def __init__(self, settings: HttpSettings, run: RunView) -> None:
        self._settings, self._run, self._token = settings, run, _token(settings)
        self._pages: Mapping[str, Page] = {
            "/metrics": self._metrics,
            "/healthz": lambda request: web.json_response({"status": "ok"}),
            "/readyz": self._ready,
            "/versions": lambda request: _json(self._versions()),
            "/status": self._status,
        }
        self._runner: web.ServerRunner | None = None
        self._listener: Listener | None = None
        self._counted: Metrics = run.metrics
        self.port = 0
        """Port of the listener; 0 for a path."""

    async def open(self, tls: ssl.SSLContext | None) -> None:
        """Listen. Raises OSError."""
        address = self._settings.address()
        if address is None:
            return
        protocol = HttpServer(self._answer, lambda: self._count("malformed"), access_log=None)
        self._runner = web.ServerRunner(protocol, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await self._runner.setup()
        self._listener = Listener(address, _LIMITS, protocol, lambda reason: self._count(reason))
        try:
            await self._listener.open(tls)
        except BaseException:
            await self.close()
            raise
        self.port = self._listener.port

    def use(self, settings: HttpSettings, tls: ssl.SSLContext | None) -> None:
        """Use these settings from now on, at the same address (a reload)."""
        self._settings, self._token = settings, _token(settings)
        if self._listener is not None:
            self._listener.use_tls(tls)

    async def close(self) -> None:
        """Finish the answers under way, and stop listening. Idempotent."""
        runner, self._runner = self._runner, None
        listener, self._listener = self._listener, None
        if listener is not None:
            await listener.stop()
        if runner is not None:
            await runner.cleanup()
        if listener is not None:
            await listener.close()

    # --- requests

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        connection = self._listener.find(request.protocol) if self._listener is not None else None
        if connection is not None:
            connection.request_begun()
        try:
            response = self._response(request)
            if connection is not None and self._listener is not None and self._is_proven(request):
                self._listener.authorized(connection)
        finally:
            if connection is not None:
                connection.request_done()
        if response.status >= 400 and response.status != 503:
            self._count(str(response.status))
        response.headers["Cache-Control"] = "no-store"
        return response

    def _response(self, request: web.BaseRequest) -> web.Response:
        page = self._pages.get(request.path)
        if not self._may_ask(request):
            return web.Response(status=403, text="ask by an address, or by the name localhost\n")
        if request.path not in _OPEN and not self._knows_token(request):
            return web.Response(
                status=401, text="the token is missing or wrong\n", headers={"WWW-Authenticate": "Bearer"}
            )
        if page is None:
            return web.Response(status=404, text=f"there are {', '.join(self._pages)}\n")
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="what is here is only read\n", headers={"Allow": "GET, HEAD"})
        return page(request)

    def _may_ask(self, request: web.BaseRequest) -> bool:
        """Return True if a request without a token may be answered. A page in a browser could ask under a name of its
        own that resolves to this address (DNS rebinding): without a required token the header `Host` must be an
        address."""
        address = self._settings.address()
        if self._token or address is None or address.path:
            return True
        host = _HOST.fullmatch(request.headers.get("Host", ""))
        if host is None:
            return False
        name = host["name"].strip("[]")
        try:
            ip_address(name)
        except ValueError:
            return name in ("localhost", address.host)
        return True

    def _is_proven(self, request: web.BaseRequest) -> bool:
        """Return True if the client has shown the token, or its certificate at the handshake; its connection then no
        longer counts as half-open."""
        return bool(self._token and self._knows_token(request)) or self._settings.tls.client_ca is not None

    def _knows_token(self, request: web.BaseRequest) -> bool:
        if not self._token:
            return True
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        token = given.strip().encode("utf-8", "surrogateescape")
        return scheme.lower() == "bearer" and hmac.compare_digest(token, self._token)

    def _count(self, reason: str) -> None:
        self._counted.counter("operations_requests_refused_total", reason=reason).value += 1

    # --- pages

    def _metrics(self, request: web.BaseRequest) -> web.Response:
        openmetrics = exposition.wants_openmetrics(request.headers.get("Accept", ""))
        own = bounded(samples(self._run), self._settings.max_series)
        complete = [Sample(_full_name(one.name), one.labels, one.value) for one in own]
        if self._settings.falco_names:
            theirs = bounded(falco_names.falco_names(self._run, own), self._settings.max_series)
            complete = list(chain(complete, theirs))
        complete.sort(key=lambda sample: sample.name)
        body = exposition.text(complete, _sentence, openmetrics=openmetrics)
        kind = exposition.OPENMETRICS if openmetrics else exposition.PROMETHEUS
        return web.Response(body=body, headers={"Content-Type": kind})

    def _ready(self, request: web.BaseRequest) -> web.Response:
        found = readiness(self._run)
        tree: dict[str, object] = {"status": found.state}
        if self._knows_token(request):
            tree["findings"] = msgspec.to_builtins(found.findings)
        return _json(tree, status=503 if found.state == "not ready" else 200)

    def _versions(self) -> dict[str, object]:
        return {
            "mozu": self._run.version,
            "python": platform.python_version(),
            "kernel": platform.release(),
            "rule_language": str(ENGINE_VERSION),
            "rules_digest": self._run.rules_digest(),
            "plugins": {str(one): one.origin for one in self._run.components()},
        }

    def _status(self, request: web.BaseRequest) -> web.Response:
        found = readiness(self._run)
        tree: dict[str, object] = {
            "status": found.state,
            "findings": msgspec.to_builtins(found.findings),
            "host": self._run.hostname,
            "started": self._run.started,
            "versions": self._versions(),
            "shadow": msgspec.to_builtins(self._run.shadow()),
            "statistics": self._run.statistics(),
        }
        if "containers" in request.query:
            tree["containers"] = {
                pump.name: msgspec.to_builtins(pump.pipeline.containers.look()) for pump in self._run.pumps
            }
        return _json(tree)


def _token(settings: HttpSettings) -> bytes:
    return b"" if settings.token is None else settings.token.get_secret_value().encode()


def _full_name(name: str) -> str:
    """Return the name with the prefix that distinguishes mozu's metrics from others'."""
    return name if name.startswith(f"{NAME}_") else f"{NAME}_{name}"


def _sentence(name: str) -> str:
    if name.startswith("falcosecurity_"):
        return falco_names.HELP
    return help_of(name.removeprefix(f"{NAME}_"))


def _json(tree: Mapping[str, object], *, status: int = 200) -> web.Response:
    body = orjson.dumps(tree, default=str) + b"\n"
    return web.Response(body=body, status=status, content_type=_JSON)
