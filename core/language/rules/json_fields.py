"""Fields of records that are JSON: any value by its pointer, the whole record, its time; `jevt.*` are older names."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import orjson

from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field, FieldType, Reader
from mozu.core.model.value_types import Json

JSON_SOURCES: Final = frozenset({"json", "k8s_audit"})
"""Source classes with records in JSON."""


class Absent:
    """The result of a pointer that leads nowhere; JSON's null is a value of its own."""


ABSENT: Final = Absent()


def split_pointer(pointer: str) -> tuple[str, ...]:
    """Split a JSON pointer (RFC 6901) into steps; the leading slash is optional, and an empty pointer means the whole
    record."""
    if pointer in ("", "/"):
        return ()
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/"))


def walk(document: Json, steps: Sequence[str]) -> Json | Absent:
    """Follow the steps; return the value at their end, or ABSENT."""
    value: Json | Absent = document
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step, ABSENT)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return ABSENT
    return value


def as_value(value: Json | Absent) -> str | None:
    """Return a text unchanged, any other value as compact JSON, None for ABSENT."""
    if isinstance(value, str):
        return value
    return None if value is ABSENT else msgspec.json.encode(value).decode()


def _value(argument: str | None, _: str | None) -> Reader:
    steps = split_pointer(argument or "")

    def read(event: DataEvent) -> str | None:
        return as_value(walk(event.data, steps))

    return read


def _whole(event: DataEvent) -> str | None:
    return None if event.data is None else orjson.dumps(event.data, option=orjson.OPT_INDENT_2).decode()


def _time(event: DataEvent) -> str:
    return str(event.time)


def _named(prefix: str, sources: frozenset[str]) -> tuple[Field, ...]:
    older = " (older name of json.*)" if prefix == "jevt" else ""
    return (
        Field(
            name=f"{prefix}.value",
            type=FieldType.STRING,
            doc=f"The value that a JSON pointer leads to in the record; anything but a text as compact JSON{older}.",
            bind=_value,
            argument=Argument.KEY,
            sources=sources,
        ),
        Field(
            name=f"{prefix}.obj",
            type=FieldType.STRING,
            doc=f"The whole record as indented JSON{older}.",
            read=_whole,
            sources=sources,
        ),
        Field(
            name=f"{prefix}.rawtime",
            type=FieldType.STRING,
            doc=f"The record's time, ns since the epoch, as a text{older}.",
            read=_time,
            sources=sources,
        ),
    )


def json_fields(more: Iterable[str] = ()) -> tuple[Field, ...]:
    """Return the fields, for the usual sources of JSON and for these."""
    sources = JSON_SOURCES | frozenset(more)
    return (*_named("json", sources), *_named("jevt", sources))
