"""Tokens for client credentials, from correct and incorrect authorization servers."""

import asyncio
import base64
import importlib.util
import json
import time
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import ValidationError

from mozu.core.common import oauth
from mozu.core.common.oauth import ClientCredentials, NoToken, ServiceAccount, TokenSource
from mozu.core.testing import Reply, scripted_endpoint
from tests.support.keys import pem


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


SHA256_PREFIX = bytes.fromhex("3031300d060960864801650304020105000420")
"""Prefix of a digest that is signed (RFC 8017, 9.2)."""


def account_key(url: str, private_key: str) -> str:
    return json.dumps({
        "type": "service_account", "client_email": "magpie@nest.example", "private_key_id": "k1",
        "private_key": private_key, "token_uri": url,
    })  # fmt: skip


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_a_service_accounts_request_is_signed_as_rfc_7523_says() -> None:
    key = rsa.generate_private_key(65537, 2048)
    with scripted_endpoint(gives("t1", expires_in=3600)) as server:
        account = ServiceAccount.model_validate({"key": account_key(server.url, pem(key))})
        assert "t1" == asyncio.run(TokenSource(account).token())
        (request,) = server.requests
    form = parse_qs(request.body.decode())
    signed, _, signature = form["assertion"][0].rpartition(".")
    header, claims = (json.loads(decoded(part)) for part in signed.split("."))

    assert ["urn:ietf:params:oauth:grant-type:jwt-bearer"] == form["grant_type"]
    assert {"alg": "RS256", "typ": "JWT", "kid": "k1"} == header
    assert ("magpie@nest.example", server.url) == (claims["iss"], claims["aud"])
    assert "https://www.googleapis.com/auth/cloud-platform" == claims["scope"]
    assert 0 <= time.time() - claims["iat"] < 60
    assert 3600 == claims["exp"] - claims["iat"]
    public = key.public_key().public_numbers()
    opened = pow(int.from_bytes(decoded(signature)), public.e, public.n).to_bytes(256)
    digest = SHA256_PREFIX + sha256(signed.encode()).digest()
    assert b"\0\1" + b"\xff" * (253 - len(digest)) + b"\0" + digest == opened


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("no JSON", "client_email, private_key, private_key_id, token_uri missing"),
        ("[]", "client_email, private_key, private_key_id, token_uri missing"),
        (account_key("", "x"), "token_uri missing"),
        (account_key("https://tokens.example", "black-and-white"), "private_key of the service account's key is no"),
    ],
)
def test_what_is_no_service_accounts_key_is_refused_without_being_shown(key: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ServiceAccount.model_validate({"key": key})
    assert said in str(refused.value)
    assert "black-and-white" not in str(refused.value)


def test_a_key_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="is no RSA key in PEM"):
        ServiceAccount.model_validate(
            {"key": account_key("https://tokens.example", pem(ec.generate_private_key(ec.SECP256R1())))}
        )


def test_without_its_library_a_service_account_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValidationError, match=r"pip install 'mozu\[google\]'"):
        ServiceAccount.model_validate({"key": account_key("https://tokens.example", "x")})
