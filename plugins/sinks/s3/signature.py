"""AWS Signature Version 4 of a request, in headers, as S3 requires it: the path is encoded once and not normalised.

Source: "Authenticating Requests: Using the Authorization Header (AWS Signature Version 4)", Amazon S3's API reference.
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import quote

import msgspec

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class S3Credentials(msgspec.Struct, frozen=True):
    """An access key, and the region in which it is used."""

    access_key: str
    secret_key: str
    region: str
    session_token: str | None = None
    service: str = "s3"


def encoded(text: str, safe: str = "") -> str:
    """Return the text with all but unreserved characters (RFC 3986) and `safe` as %XX of its UTF-8 bytes."""
    return quote(text.encode("utf-8", "surrogateescape"), safe=safe + "~")


def signed_headers(
    credentials: S3Credentials,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """Return `headers`, all of which are signed, with those of the signature.

    `path` is already encoded; `headers` has `host`; `now` is in UTC. Names are in lower case.
    """
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    digest = hashlib.sha256(body).hexdigest()
    signed = {**headers, "x-amz-content-sha256": digest, "x-amz-date": stamp}
    if credentials.session_token is not None:
        signed["x-amz-security-token"] = credentials.session_token
    return {**signed, "authorization": authorization(credentials, method, path, query, signed, digest, stamp)}


def authorization(
    credentials: S3Credentials,
    method: str,
    path: str,
    query: Mapping[str, str],
    headers: Mapping[str, str],
    digest: str,
    stamp: str,
) -> str:
    """Return the header `authorization`. `digest`: SHA-256 of the body; `stamp`: the time, as in `x-amz-date`."""
    names = sorted(headers)
    canonical = "\n".join(
        (
            method,
            path,
            "&".join(sorted(f"{encoded(name)}={encoded(value)}" for name, value in query.items())),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            ";".join(names),
            digest,
        )
    )
    scope = f"{stamp[:8]}/{credentials.region}/{credentials.service}/aws4_request"
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{credentials.secret_key}".encode()
    for step in scope.split("/"):
        key = hmac.digest(key, step.encode(), "sha256")
    signature = hmac.new(key, text.encode(), "sha256").hexdigest()
    place = f"Credential={credentials.access_key}/{scope}"
    return f"{_ALGORITHM} {place}, SignedHeaders={';'.join(names)}, Signature={signature}"
