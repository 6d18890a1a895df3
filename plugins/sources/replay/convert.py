"""Converts events of older versions to today's.

Older recordings hold a call as two events, and earlier versions of an event under their own number or with fewer
parameters. One table says what becomes of each (number, count of parameters): its beginning is kept until the end
comes, parameters are appended, or it becomes another number; repeated until the form is today's.
"""

import struct
from collections import OrderedDict
from functools import cache
from typing import Final

import msgspec
import orjson

from mozu.plugins.sources.replay.layouts import EventLayout, layouts, rows
from mozu.plugins.sources.replay.params import blank, text, widest

PASS, DROP, CHANGE = "pass", "drop", "change"
"""The verdicts on an event: it is given as it is, dropped, or changed by `Converter.convert`."""

_KEPT: Final = ("store", "store_and_pass")
_ROUNDS: Final = 50
_STORED_LIMIT: Final = 1 << 15
_CONTAINER_JSON: Final = 272


class _Origin(msgspec.Struct, frozen=True):
    """The origin of a new parameter: old, enter, empty, default, container."""

    kind: str
    index: int = 0
    or_empty: bool = False


class _Step(msgspec.Struct, frozen=True):
    """A line of the table."""

    action: str
    new_id: int
    origins: tuple[_Origin, ...]


def _origin(item: str) -> _Origin:
    text_of = item.partition("=")[2]
    where, _, alternative = text_of.partition("?")
    kind, _, index = where.partition("[")
    if kind.startswith("callback"):
        return _Origin("container")
    return _Origin(kind, int(index.rstrip("]") or 0) if index else 0, alternative == "empty")


@cache
def steps() -> dict[tuple[int, int], _Step]:
    """(event number, count of parameters) → what becomes of it."""
    table = {}
    for number, count, action, new_id, origins in rows("conversions.tsv"):
        items = () if origins == "-" else tuple(_origin(item) for item in origins.split())
        table[int(number), int(count)] = _Step(action, int(number if new_id == "-" else new_id), items)
    return table


def verdict(layout: EventLayout, count: int) -> str:
    """Return the verdict on an event with this number of parameters."""
    if "converted" not in layout.traits:
        return DROP if "old" in layout.traits else PASS
    if not layout.is_exit or "old" in layout.traits or count != len(layout.names):
        return CHANGE if count <= len(layout.names) or not layout.is_exit else DROP
    return PASS


def is_kept(layout: EventLayout, count: int) -> bool:
    """Return whether an event with this number of parameters is kept for its end, shown or not."""
    step = steps().get((layout.id, count % 256)) if verdict(layout, count) == CHANGE else None
    return step is not None and step.action in _KEPT


class Converted(msgspec.Struct):
    """An event in today's form, its parameters still as bytes."""

    layout: EventLayout
    params: list[bytes]


class Converter:
    """Keeps the beginnings of calls, one for each thread, the oldest forgotten first."""

    def __init__(self) -> None:
        self._stored: OrderedDict[int, tuple[int, list[bytes]]] = OrderedDict()
        self.failed = 0
        """Events dropped because no line of the table fits them."""

    def clear(self) -> None:
        """Forget every beginning (another recording follows)."""
        self._stored.clear()

    def convert(self, tid: int, layout: EventLayout, params: list[bytes]) -> Converted | None:
        """Today's form; None where nothing is to be shown (a beginning that was kept, an event that fits no line)."""
        for _ in range(_ROUNDS):
            decision = verdict(layout, len(params))
            if decision == PASS:
                return Converted(layout, params)
            if decision == DROP:
                return None
            step = steps().get((layout.id, len(params) % 256))
            if step is None:
                break
            if step.action in _KEPT:
                self._store(tid, layout.id, params)
            if step.action == "store":
                return None
            if step.action in ("pass", "store_and_pass"):
                return Converted(layout, params)
            layout, params = self._apply(step, tid, layout, params)
        self.failed += 1
        return None

    def _store(self, tid: int, number: int, params: list[bytes]) -> None:
        self._stored[tid] = (number, params)
        self._stored.move_to_end(tid)
        if len(self._stored) > _STORED_LIMIT:
            self._stored.popitem(last=False)

    def _apply(
        self, step: _Step, tid: int, layout: EventLayout, params: list[bytes]
    ) -> tuple[EventLayout, list[bytes]]:
        entered = self._entered(step, tid, layout.id)
        target = layouts()[step.new_id]
        added = [] if step.action == "change_type" else list(params)
        for origin in step.origins:
            encoding = target.encodings[len(added)]
            added.append(_value(origin, encoding, params, entered)[: widest(encoding)])
        return target, added

    def _entered(self, step: _Step, tid: int, number: int) -> list[bytes] | None:
        """The parameters of the beginning that belongs to this end, which is then forgotten."""
        if not any(origin.kind == "enter" for origin in step.origins):
            return None
        stored = self._stored.pop(tid, None)
        return stored[1] if stored is not None and stored[0] == number - 1 else None


def _value(origin: _Origin, encoding: str, params: list[bytes], entered: list[bytes] | None) -> bytes:
    if origin.kind == "old":
        return params[origin.index] if origin.index < len(params) else b""
    if origin.kind == "enter":
        if entered is not None and origin.index < len(entered):
            return entered[origin.index]
        return b"" if origin.or_empty else blank(encoding)
    if origin.kind == "default":
        return blank(encoding)
    if origin.kind == "container":
        return _container_json(params)
    return b""


def _container_json(params: list[bytes]) -> bytes:
    """The oldest container record (id, type, name, image) in the form of its successors."""
    identity, kind, name, image = params
    if not (identity and name and image) or len(kind) != 4:
        return b""
    record = {
        "id": text(identity),
        "type": struct.unpack("<I", kind)[0],
        "name": text(name),
        "image": text(image),
    }
    return orjson.dumps({"container": {key: _plain(value) for key, value in record.items()}}) + b"\0"


def _plain(value: object) -> object:
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(value, str) else value
