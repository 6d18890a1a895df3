"""Kinds of audit fields: one value, a computed one, one with a key, a list. A record is recognised by its `auditID`."""

from collections.abc import Callable, Iterator
from typing import Final

from mozu.core.language.rules.json_fields import as_value, walk
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Argument, Field, FieldType, Reader
from mozu.core.model.value_types import Json, JsonObject

_SOURCES: Final = frozenset({"k8s_audit"})
POD_SPEC: Final = ("requestObject", "spec")

Values = Callable[[JsonObject], Iterator[str]]
"""Function that returns all values of a list field in a record."""


def audit_record(event: DataEvent) -> JsonObject | None:
    """Return the record of an event; None if it is not an audit record."""
    data = event.data
    return data if isinstance(data, dict) and "auditID" in data else None


def list_at(value: Json, *steps: str) -> list[Json]:
    """Return the array at the end of these steps; empty if there is none."""
    found = walk(value, steps)
    return found if isinstance(found, list) else []


def single(name: str, doc: str, *steps: str, deprecated: bool = False) -> Field:
    """Return a field with the value at the end of these steps."""

    def read(event: DataEvent) -> str | None:
        record = audit_record(event)
        return None if record is None else as_value(walk(record, steps))

    return _field(name, doc, read=read, deprecated=deprecated)


def computed(
    name: str, doc: str, compute: Callable[[JsonObject], str | None], *, deprecated: bool = False
) -> Field:
    """Return a field with a value computed from the record."""

    def read(event: DataEvent) -> str | None:
        record = audit_record(event)
        return None if record is None else compute(record)

    return _field(name, doc, read=read, deprecated=deprecated)


def keyed(
    name: str, doc: str, compute: Callable[[JsonObject, str], str | None], *, deprecated: bool = False
) -> Field:
    """Return a field with a value computed from the record and the argument of the reference."""

    def bind(argument: str | None, _: str | None) -> Reader:
        def read(event: DataEvent) -> str | None:
            record = audit_record(event)
            return None if record is None else compute(record, argument or "")

        return read

    return _field(name, doc, bind=bind, argument=Argument.KEY, deprecated=deprecated)


def several(name: str, doc: str, values: Callable[[JsonObject, int | None], list[str]], *, index: bool) -> Field:
    """Return a field of several values; `index`: a reference may select one."""

    def bind(argument: str | None, _: str | None) -> Reader:
        position = None if argument is None else int(argument)

        def read(event: DataEvent) -> tuple[str, ...] | None:
            record = audit_record(event)
            return None if record is None else tuple(values(record, position)) or None

        return read

    return _field(name, doc, bind=bind, argument=Argument.INDEX_OPTIONAL if index else Argument.NONE, is_list=True)


def _field(
    name: str,
    doc: str,
    *,
    read: Reader | None = None,
    bind: Callable[[str | None, str | None], Reader] | None = None,
    argument: Argument = Argument.NONE,
    is_list: bool = False,
    deprecated: bool = False,
) -> Field:
    return Field(
        name=f"ka.{name}",
        type=FieldType.STRING,
        doc=doc,
        read=read,
        bind=bind,
        argument=argument,
        is_list=is_list,
        sources=_SOURCES,
        traits=frozenset({"deprecated"}) if deprecated else frozenset(),
    )


def elements(*steps: str) -> Callable[[JsonObject, int | None], list[str]]:
    """Return a function that reads each element of the array at these steps as a value."""

    def values(record: JsonObject, _: int | None) -> list[str]:
        return [text for item in list_at(record, *steps) if (text := as_value(item)) is not None]

    return values
