"""Tokens for client credentials, before authorization servers that help and others that do not."""

import asyncio
import base64
import json
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest

from mozu.core.common import oauth
from mozu.core.common.oauth import ClientCredentials, NoToken, TokenSource
from mozu.core.testing import Reply, scripted_endpoint


def credentials(url: str, **more: Any) -> ClientCredentials:
    given = {"token_url": url, "client_id": "magpie", "client_secret": "black-and-white", **more}
    return ClientCredentials.model_validate(given)


def gives(token: str, **more: Any) -> Reply:
    return Reply(body=json.dumps({"access_token": token, **more}).encode())


def test_credentials_are_exchanged_as_rfc_6749_says() -> None:
    with scripted_endpoint(gives("t1", expires_in=3600)) as server:
        source = TokenSource(credentials(server.url, scope="https://monitor.azure.com/.default"))
        assert ["t1", "t1"] == [asyncio.run(source.token()), asyncio.run(source.token())]
        (request,) = server.requests
    assert f"Basic {base64.b64encode(b'magpie:black-and-white').decode()}" == request.headers["Authorization"]
    expected = {"grant_type": ["client_credentials"], "scope": ["https://monitor.azure.com/.default"]}
    assert expected == parse_qs(request.body.decode())


def test_a_token_is_renewed_before_it_expires_and_where_it_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(oauth, "time", SimpleNamespace(monotonic=lambda: now))
    with scripted_endpoint(gives("t1", expires_in=100), gives("t2", expires_in=100), gives("t3")) as server:
        source = TokenSource(credentials(server.url))
        found = [asyncio.run(source.token())]
        now += 69
        found.append(asyncio.run(source.token()))
        now += 2
        found.append(asyncio.run(source.token()))
        source.forget()
        found.append(asyncio.run(source.token()))
    assert ["t1", "t1", "t2", "t3"] == found


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(401, b"no"), "answers 401"),
        (Reply(302, headers={"Location": "http://127.0.0.1:1/"}), "answers 302"),
        (Reply(200, b"<html>"), "no token from the authorization server"),
        (Reply(200, b"[]"), "answers without access_token"),
        (Reply(200, b'{"access_token": 1}'), "answers without access_token"),
    ],
)
def test_a_server_that_gives_no_token_is_described_without_the_secret(reply: Reply, expected: str) -> None:
    with scripted_endpoint(reply) as server, pytest.raises(NoToken) as caught:
        asyncio.run(TokenSource(credentials(server.url)).token())
    assert expected in str(caught.value)
    assert "black-and-white" not in str(caught.value)
