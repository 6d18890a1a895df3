"""A server protocol of aiohttp that reports the requests that aiohttp refuses by itself: those that are not HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

_TEXT: Final = "this is no HTTP request that can be read\n"


class HttpServer(web.Server):
    """A factory of protocols. `on_malformed` is called for each request that never gets to `handler`."""

    def __init__(self, handler: Handler, on_malformed: Callable[[], None], **options: Any) -> None:
        super().__init__(handler, **options)
        self._on_malformed, self._options = on_malformed, options

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a connection."""
        return _HttpProtocol(self, self._on_malformed, self._options)


class _HttpProtocol(web.RequestHandler):
    """A protocol that answers requests it cannot parse with a sentence, without a traceback in the log that clients
    could fill."""

    def __init__(self, server: HttpServer, on_malformed: Callable[[], None], options: dict[str, Any]) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._on_malformed = on_malformed

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer a request that cannot be parsed, or a fault of the handler."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        self._on_malformed()
        response = web.Response(status=status, text=_TEXT)
        response.force_close()
        return response
