"""The body of a request: one alert, an array of them, one a line, or lines of text."""

from typing import Any

import orjson

from mozu.core.api import Alert
from mozu.core.common.falco_alerts import InvalidAlert, from_line, from_object


def parse(body: bytes, now: float) -> list[Alert]:
    """Return all alerts of the body. `now`: seconds since the epoch. Raises InvalidAlert, with one sentence."""
    body = body.strip()
    if not body:
        raise InvalidAlert("the request is empty")
    if body[:1] in (b"{", b"["):
        return _numbered(_objects(body))
    return [from_line(line, now) for line in _decoded(body).replace("\r\n", "\n").split("\n") if line]


def _objects(body: bytes) -> list[Any]:
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _lines(body, error)
    if isinstance(whole, list) and not whole:
        raise InvalidAlert("the array is empty")
    return whole if isinstance(whole, list) else [whole]


def _lines(body: bytes, whole: orjson.JSONDecodeError) -> list[Any]:
    """Return the objects of NDJSON. If the first line is no JSON, the error is that of the whole body."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    objects: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            objects.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            reported, where = (whole, "") if number == 1 else (error, f" in line {number}")
            raise InvalidAlert(f"this is no JSON{where}: {reported.msg}") from None
    return objects


def _numbered(objects: list[Any]) -> list[Alert]:
    alerts: list[Alert] = []
    for number, document in enumerate(objects, 1):
        try:
            alerts.append(from_object(document))
        except InvalidAlert as error:
            place = f"alert {number} of {len(objects)}: " if len(objects) > 1 else ""
            raise InvalidAlert(f"{place}{error}") from None
    return alerts


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise InvalidAlert("the request is neither JSON nor UTF-8 text") from None
