"""The body of a request: one alert, an array of them, one a line, or lines of text."""

from typing import Any

import orjson

from mozu.core.api import Alert
from mozu.plugins.sources.falco_http.alerts import BadInput, from_line, from_object


def parse(body: bytes, now: float) -> list[Alert]:
    """Every alert in it, or none: BadInput says in one sentence why. `now`: seconds since the epoch."""
    body = body.strip()
    if not body:
        raise BadInput("the request is empty")
    if body[:1] in (b"{", b"["):
        return _numbered(_objects(body))
    return [from_line(line, now) for line in _decoded(body).replace("\r\n", "\n").split("\n") if line]


def _objects(body: bytes) -> list[Any]:
    try:
        whole = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _lines(body, error)
    if isinstance(whole, list) and not whole:
        raise BadInput("the array is empty")
    return whole if isinstance(whole, list) else [whole]


def _lines(body: bytes, whole: orjson.JSONDecodeError) -> list[Any]:
    """NDJSON; a body of one line is broken as a whole."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    objects: list[Any] = []
    for number, line in enumerate(lines, 1):
        try:
            objects.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            told, where = (whole, "") if number == 1 else (error, f" in line {number}")
            raise BadInput(f"this is no JSON{where}: {told.msg}") from None
    return objects


def _numbered(objects: list[Any]) -> list[Alert]:
    alerts: list[Alert] = []
    for number, document in enumerate(objects, 1):
        try:
            alerts.append(from_object(document))
        except BadInput as error:
            raise BadInput(f"alert {number} of {len(objects)}: {error}" if len(objects) > 1 else str(error)) from None
    return alerts


def _decoded(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadInput("the request is neither JSON nor UTF-8 text") from None
