"""`webhook` posts the alert once, and an answer other than 2xx is a failure."""

import asyncio
import json

import pytest

from mozu.core.api import Incident
from mozu.core.testing import Reply, alert, check_declaration, context, scripted_endpoint
from mozu.plugins.responders.webhook import WebhookResponder, WebhookResponderSettings, mozu_components


def test_it_keeps_the_contract() -> None:
    asyncio.run(check_declaration(mozu_components(), settings={"url": "http://127.0.0.1:9/"}))


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
