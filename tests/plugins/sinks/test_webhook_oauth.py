"""The settings `oauth` and `service_account` of the sink `webhook`."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import rsa

from mozu.core.api import Outcome, Retry
from mozu.core.testing import Reply, ScriptedEndpoint, alert, context, records, scripted_endpoint
from mozu.plugins.sinks.webhook import build
from mozu.plugins.sinks.webhook.settings import WebhookSettings
from tests.support.keys import pem

SECRET = "black-and-white"


def token(text: str) -> Reply:
    return Reply(body=json.dumps({"access_token": text, "expires_in": 3600}).encode())


def sentinel(server: ScriptedEndpoint, tokens: ScriptedEndpoint) -> dict[str, Any]:
    return {
        "url": f"{server.url}dataCollectionRules/dcr-1/streams/Custom-mozu?api-version=2023-01-01",
        "template": "sentinel_asim", "allow_private": True,
        "oauth": {"token_url": tokens.url, "client_id": "magpie", "client_secret": SECRET},
    }  # fmt: skip


def delivered(settings: dict[str, Any], times: int = 1) -> list[Sequence[Outcome]]:
    """Return the outcomes of deliveries of one alert."""

    async def run() -> list[Sequence[Outcome]]:
        sink = build(WebhookSettings.model_validate(settings), context(content_type="application/json"))
        await sink.start()
        try:
            return [await sink.deliver(records(alert())) for _ in range(times)]
        finally:
            await sink.stop()

    return asyncio.run(run())


def test_alerts_are_sent_with_a_token_that_is_fetched_once() -> None:
    with scripted_endpoint(204) as server, scripted_endpoint(token("t1")) as tokens:
        assert [[None], [None]] == [[*one] for one in delivered(sentinel(server, tokens), 2)]
        assert ["Bearer t1"] * 2 == [one.headers["Authorization"] for one in server.requests]
        assert 1 == len(tokens.requests)
        (document,) = json.loads(server.requests[0].body)
    assert "AlertEvent" == document["EventSchema"]


def test_a_token_that_is_refused_is_replaced_and_the_alert_is_sent_again() -> None:
    with scripted_endpoint(401, 204) as server, scripted_endpoint(token("old"), token("new")) as tokens:
        (first,), (second,) = delivered(sentinel(server, tokens), 2)
        assert isinstance(first, Retry)
        assert second is None
        assert ["Bearer old", "Bearer new"] == [one.headers["Authorization"] for one in server.requests]


def test_alerts_wait_while_there_is_no_token() -> None:
    with scripted_endpoint(204) as server, scripted_endpoint(503) as tokens:
        ((outcome,),) = delivered(sentinel(server, tokens))
        assert isinstance(outcome, Retry)
        assert [] == server.requests


def test_the_address_of_the_authorization_server_is_guarded_as_the_endpoints_is() -> None:
    with scripted_endpoint(204) as server, scripted_endpoint(token("t1")) as tokens:
        settings = sentinel(server, tokens) | {"url": "https://sentinel.example/", "allow_private": False}
        ((outcome,),) = delivered(settings)
        assert isinstance(outcome, Retry)
        assert ([], []) == (tokens.requests, server.requests)


def test_alerts_are_imported_as_events_with_a_service_accounts_token() -> None:
    private = pem(rsa.generate_private_key(65537, 2048))
    with scripted_endpoint(200) as server, scripted_endpoint(token("t1")) as tokens:
        key = {
            "client_email": "magpie@nest.example", "private_key_id": "k1", "private_key": private,
            "token_uri": tokens.url,
        }  # fmt: skip
        settings = {
            "url": f"{server.url}v1/projects/p/locations/eu/instances/i/events:import", "template": "google_udm",
            "allow_private": True, "service_account": {"key": json.dumps(key)},
        }  # fmt: skip
        assert [[None]] == [[*one] for one in delivered(settings)]
        (request,) = server.requests
        (asked,) = tokens.requests
    assert "Bearer t1" == request.headers["Authorization"]
    assert ["urn:ietf:params:oauth:grant-type:jwt-bearer"] == parse_qs(asked.body.decode())["grant_type"]
    (event,) = json.loads(request.body)["inlineSource"]["events"]
    assert "GENERIC_EVENT" == event["udm"]["metadata"]["eventType"]
