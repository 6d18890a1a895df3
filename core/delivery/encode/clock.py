"""Timestamps as formats print them; the second is formatted once and cached, since alerts come in bursts."""

import time
from functools import lru_cache

_NS = 1_000_000_000


@lru_cache(maxsize=64)
def _local(second: int) -> str:
    return time.strftime("%H:%M:%S", time.localtime(second))


@lru_cache(maxsize=64)
def _utc(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def clock(ns: int) -> str:
    """Local `HH:MM:SS.nnnnnnnnn`."""
    return f"{_local(ns // _NS)}.{ns % _NS:09d}"


def iso(ns: int, zone: str = "+0000") -> str:
    """UTC `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn` and the zone as the format writes it (`+0000`, `Z`)."""
    return f"{_utc(ns // _NS)}.{ns % _NS:09d}{zone}"
