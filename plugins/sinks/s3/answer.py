"""Meaning of the storage's answer for the alerts of an object.

Codes: "Error responses", Amazon S3's API reference. Most errors are no alert's fault: credentials, the bucket, the
region, the clock, load. Alerts then wait. An object that is itself refused is divided into smaller ones, to find the
alert to blame.
"""

import enum
import re
from html import unescape
from typing import Final

import msgspec

_ELEMENT: Final = re.compile(r"<(Code|Message)>([^<]*)</\1>")
_TOO_LARGE: Final = frozenset({"EntityTooLarge", "MaxMessageLengthExceeded"})
_TRANSIENT: Final = frozenset(
    {
        "BadDigest", "ClientDisconnected", "ExpiredToken", "IncompleteBody", "InternalError", "InvalidDigest",
        "InvalidToken", "OperationAborted", "PermanentRedirect", "RequestTimeTooSkewed", "RequestTimeout", "SlowDown",
        "ServiceUnavailable", "TemporaryRedirect", "TokenRefreshRequired", "AuthorizationHeaderMalformed",
        "InvalidBucketName", "XAmzContentSHA256Mismatch",
    }
)  # fmt: skip
"""Refusals, some with the status 400, that do not concern the object."""
_REMEDIES: Final = {
    "AccessDenied": "the access key needs s3:PutObject for the bucket",
    "AuthorizationHeaderMalformed": "set `region` to the bucket's",
    "ExpiredToken": "`session_token` has run out",
    "InvalidAccessKeyId": "check `access_key`",
    "NoSuchBucket": "the bucket does not exist; mozu makes none",
    "PermanentRedirect": "set `region`, or `endpoint`, to the bucket's",
    "RequestTimeTooSkewed": "the clocks of this machine and of the storage differ",
    "SignatureDoesNotMatch": "check `secret_key`",
}


class Fate(enum.Enum):
    """Fate of an object's alerts."""

    WRITTEN = "written"
    WAIT = "wait"
    """The storage is absent or refuses every object: no alert is to blame, and nothing more is sent for now."""
    BLAMED = "blamed"
    """The object is refused, perhaps for its content: it is retried beside others."""
    TOO_LARGE = "too_large"


class StorageAnswer(msgspec.Struct, frozen=True):
    """A fate with its reason."""

    fate: Fate
    reason: str = ""
    code: str = ""
    """The storage's error code; empty if it has none."""


def classify(status: int, body: str) -> StorageAnswer:
    """Return the meaning of a status and of the beginning of the answer's body."""
    if 200 <= status < 300:
        return StorageAnswer(Fate.WRITTEN)
    found = {name: unescape(text).strip() for name, text in _ELEMENT.findall(body)}
    code, message = found.get("Code", ""), found.get("Message", "")
    said = " ".join(filter(None, (str(status), code))) + (f": {message}" if message else "")
    remedy = _REMEDIES.get(code)
    reason = f"the storage answered {said}" + (f" ({remedy})" if remedy else "")
    if status == 413 or code in _TOO_LARGE:
        return StorageAnswer(Fate.TOO_LARGE, reason, code)
    is_blamed = status in (400, 422) and code not in _TRANSIENT
    return StorageAnswer(Fate.BLAMED if is_blamed else Fate.WAIT, reason, code)
