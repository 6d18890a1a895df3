"""Signatures of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

_PREFIX: Final = "whsec_"
_MIN_BYTES, _MAX_BYTES = 24, 64
"""Least and most bytes of a key."""


def key(secret: str) -> bytes:
    """Return the key in a secret. Raises ValueError, whose text does not contain the secret."""
    try:
        raw = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"a signing secret is {_PREFIX} followed by the key in base64") from None
    if not _MIN_BYTES <= len(raw) <= _MAX_BYTES:
        raise ValueError(f"the key of a signing secret has {_MIN_BYTES} to {_MAX_BYTES} bytes, not {len(raw)}")
    return raw


def headers(keys: Sequence[bytes], request_id: str, now: int, body: bytes) -> dict[str, str]:
    """Return `webhook-id` and `webhook-timestamp`, and with keys `webhook-signature` with one signature per key.

    `now` is the second of this attempt. The body is signed before compression, as a receiver's framework passes it to
    its application.
    """
    made = {"webhook-id": request_id, "webhook-timestamp": str(now)}
    if keys:
        content = f"{request_id}.{now}.".encode() + body
        made["webhook-signature"] = " ".join(f"v1,{_sign(secret, content)}" for secret in keys)
    return made


def _sign(secret: bytes, content: bytes) -> str:
    return base64.b64encode(hmac.digest(secret, content, "sha256")).decode()
