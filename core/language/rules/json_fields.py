"""Fields of records that are JSON: any value by its pointer, the whole record, its time; `jevt.*` are older names."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import orjson

from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field, FieldType, Reader
from mozu.core.model.value_types import Json

JSON_SOURCES: Final = frozenset({"json", "k8s_audit"})
"""Source classes whose records are JSON."""


class Absent:
    """What a pointer leads to when it leads nowhere; JSON's null is a value of its own."""


ABSENT: Final = Absent()


def split_pointer(pointer: str) -> tuple[str, ...]:
    """The steps of a JSON pointer (RFC 6901); the leading slash may be left out, and an empty pointer is the whole."""
    if pointer in ("", "/"):
        return ()
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in pointer.removeprefix("/").split("/"))


def walk(document: Json, steps: Sequence[str]) -> Json | Absent:
    """What the steps lead to, or ABSENT."""
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
    """A text as it is, anything else as compact JSON, ABSENT as missing."""
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
    """The fields, for the usual sources of JSON and for these."""
    sources = JSON_SOURCES | frozenset(more)
    return (*_named("json", sources), *_named("jevt", sources))
