"""The key of an object. The same alerts have the same key, so that writing them again replaces the object."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Final

from mozu.core.api import Record
from mozu.core.model.event import as_bytes

PARTS: Final = ("year", "month", "day", "hour", "date", "agent")
"""Names that a prefix may refer to."""
_LATEST: Final = 253_402_300_799
"""Seconds since 1970 of the end of the year 9999."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
_MAX_AGENT: Final = 64
"""Most characters of the agent; a host's name may have as many (Linux' HOST_NAME_MAX)."""


def folder(prefix: str, record: Record) -> str:
    """Return the beginning of the key of an object with this alert."""
    when = _when(record)
    parts = {
        "year": f"{when:%Y}", "month": f"{when:%m}", "day": f"{when:%d}", "hour": f"{when:%H}",
        "date": f"{when:%Y-%m-%d}", "agent": _agent(record),
    }  # fmt: skip
    return prefix.format(**parts)


def object_key(prefix: str, records: Sequence[Record], suffix: str) -> str:
    """Return the key: time of the first alert, the agent, and a hash of the ids of all. `records` share their
    folder."""
    first = records[0]
    joined = "\0".join(record.alert.id for record in records)
    digest = blake2b(as_bytes(joined), digest_size=12).hexdigest()
    return f"{folder(prefix, first)}{_when(first):%Y%m%dT%H%M%S.%fZ}-{_agent(first)}-{digest}{suffix}"


def _when(record: Record) -> datetime:
    seconds = min(max(record.alert.time // 1000 / 1e6, 0.0), _LATEST)
    return datetime.fromtimestamp(seconds, UTC)


def _agent(record: Record) -> str:
    return _UNSAFE.sub("-", record.stamp.agent)[:_MAX_AGENT] or "agent"
