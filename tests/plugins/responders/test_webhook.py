"""`webhook` posts the alert once, and an answer other than 2xx is a failure."""

import asyncio
import json
from contextlib import suppress

import pytest

from mozu.core.api import Incident
from mozu.core.testing import Reply, alert, check_declaration, context, scripted_endpoint
from mozu.plugins.responders.webhook import WebhookResponder, WebhookResponderSettings, mozu_components


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components(), settings={"url": "http://127.0.0.1:9/"}))


def test_what_is_answered_beside_the_status_is_not_read() -> None:
    """A body without an end is not read."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"}")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n")
        with suppress(ConnectionError):
            while True:
                writer.write(bytes(1 << 16))
                await writer.drain()
        writer.close()

    async def main() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            responder = WebhookResponder(WebhookResponderSettings(url=url), context("webhook"))
            incident = Incident(alert("A rule"))
            plan = responder.plan(incident)
            assert plan is not None
            await responder.act(incident, plan, [])
            await responder.stop()

    asyncio.run(main())


@pytest.mark.parametrize(("status", "fails"), [(204, False), (302, True), (500, True)])
def test_it_posts_once(status: int, fails: bool) -> None:
    async def main() -> None:
        with scripted_endpoint(Reply(status)) as endpoint:
            settings = WebhookResponderSettings.model_validate({"url": endpoint.url, "token": "secret"})
            responder = WebhookResponder(settings, context("webhook"))
            incident = Incident(alert("A rule"))
            plan = responder.plan(incident)
            assert plan is not None
            assert "secret" not in plan.text
            try:
                if fails:
                    with pytest.raises(RuntimeError, match=str(status)):
                        await responder.act(incident, plan, [])
                else:
                    await responder.act(incident, plan, [])
            finally:
                await responder.stop()
            (request,) = endpoint.requests
            assert json.loads(request.body)["rule"] == "A rule"
            assert request.headers["Authorization"] == "Bearer secret"

    asyncio.run(main())
