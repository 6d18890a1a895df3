"""Timestamps as formats print them. A formatted second is cached, because alerts come in bursts."""

import time
from functools import lru_cache

_NS = 1_000_000_000
_MAX_TIME = 253_402_300_799 * _NS


@lru_cache(maxsize=64)
def _local(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


@lru_cache(maxsize=64)
def _utc(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def clamped(ns: int) -> int:
    """Return the time limited to the years 1970 to 9999, all that RFC 3339 can write."""
    return min(max(ns, 0), _MAX_TIME)


def clock(ns: int) -> str:
    """Return the local time of day, `HH:MM:SS.nnnnnnnnn`."""
    ns = clamped(ns)
    return f"{_local(ns // _NS)}.{ns % _NS:09d}"


def iso(ns: int, zone: str = "+0000") -> str:
    """Return `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn` in UTC, followed by `zone` (`+0000` or `Z`)."""
    ns = clamped(ns)
    return f"{_utc(ns // _NS)}.{ns % _NS:09d}{zone}"
