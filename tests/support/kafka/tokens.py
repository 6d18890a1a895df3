"""Tokens for the brokers' unsecured validator, and an authorization server that issues them."""

import base64
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from aiohttp import web

from tests.support.https import listening
from tests.support.kafka.cluster import USER

CLIENT: Final = "mozu-client"
SECRET: Final = "s3cret"


def token(seconds: float = 1e9) -> str:
    """Return an unsigned JSON Web Token that expires after `seconds`."""

    def part(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    now = int(time.time())
    return f"{part({'alg': 'none'})}.{part({'sub': USER, 'iat': now - 1, 'exp': now + int(seconds)})}."


class AuthorizationServer:
    """A server that exchanges client credentials (RFC 6749, 4.4) for tokens that live for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.url = ""
        self.scopes: list[str | None] = []

    async def answer(self, request: web.Request) -> web.Response:
        """Issue a token to a client that knows the secret."""
        form = await request.post()
        if request.headers["Authorization"] != f"Basic {base64.b64encode(f'{CLIENT}:{SECRET}'.encode()).decode()}":
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] != "client_credentials":
            return web.json_response({"error": "unsupported_grant_type"}, status=400)
        self.scopes.append(str(form.get("scope")))
        given = {"access_token": token(self._seconds), "token_type": "Bearer", "expires_in": int(self._seconds)}
        return web.json_response(given)


@asynccontextmanager
async def authorization_server(seconds: float = 3600) -> AsyncIterator[AuthorizationServer]:
    """Yield an authorization server on the loopback that runs until the block ends."""
    server = AuthorizationServer(seconds)
    app = web.Application()
    app.router.add_post("/token", server.answer)
    async with listening(app) as port:
        server.url = f"http://127.0.0.1:{port}/token"
        yield server
