"""Exceptions, of a rule or shared: their shape in YAML. Their consistency is checked when they are collected.

The key `mozu` of an exception, which Falco ignores, is for its reviewers:

    mozu: {author: ana, date: 2026-12-02, reason: our backup reads it, expires: 2027-03-02}

An item `exception`, which Falco ignores too, defines one for every rule that names it in its own key `mozu`:

    - exception: backup
      fields: [proc.exepath, user.name]
      values: [[/usr/bin/restic, backup]]
    - rule: …
      mozu: {exceptions: [backup]}
"""

from collections.abc import Iterator
from datetime import date

from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.items import (
    ExceptionItem,
    ExceptionReview,
    ExceptionUse,
    ExceptionValue,
    Mode,
    SharedExceptionItem,
)
from mozu.core.language.rules.mapping import MappingReader
from mozu.core.language.rules.tree import Mapping, Node, Scalar, Sequence

_PARTS = ("fields", "comps", "values", "mozu")
_REVIEW = ("author", "date", "reason", "expires")


def read_exceptions(outer: MappingReader, *, appending: bool) -> tuple[ExceptionItem, ...]:
    """Return the entries; null means no entries. `appending`: warn about entries without values."""
    node = outer.mapping.get("exceptions")
    if node is None or (isinstance(node, Scalar) and node.null):
        return ()
    if not isinstance(node, Sequence):
        outer.error("`exceptions` must be a sequence", node)
        return ()
    entries: list[ExceptionItem] = []
    for part in node.items:
        entry = _entry(part, outer)
        if entry is None:
            continue
        if any(entry.name == other.name for other in entries):
            message = f"the rule has more than one exception with the name `{entry.name}`"
            outer.warn(Code.LOAD_EXCEPTION_NAME_NOT_UNIQUE, message, part)
        if appending and not entry.values:
            outer.warn(Code.LOAD_APPEND_NO_VALUES, f"the exception `{entry.name}` is appended without values", part)
        entries.append(entry)
    return tuple(entries)


def _entry(node: Node, outer: MappingReader) -> ExceptionItem | None:
    if not isinstance(node, Mapping):
        outer.error("an exception must be a mapping with `name`, `fields` and `values`", node)
        return None
    named = node.get("name")
    name = named.text if isinstance(named, Scalar) else ""
    reading = MappingReader(node, outer.context.inner("exception", name, node.offset), outer.add)
    entry = _exception(reading, "name")
    outer.failed = outer.failed or reading.failed
    return None if reading.failed else entry


def read_shared_exception(reading: MappingReader, mode: Mode) -> Iterator[SharedExceptionItem]:
    """Yield the item `exception`."""
    entry = _exception(reading, "exception", "override")
    if mode is Mode.APPEND and not entry.values:
        reading.warn(Code.LOAD_APPEND_NO_VALUES, f"the exception `{entry.name}` is appended without values")
    yield SharedExceptionItem(entry, mode)


def read_uses(outer: MappingReader) -> tuple[ExceptionUse, ...]:
    """Return the shared exceptions that the key `mozu` of a rule names."""
    inner = outer.mapping.get("mozu")
    node = inner.get("exceptions") if isinstance(inner, Mapping) else None
    if node is None:
        return ()
    names = outer.texts_of("exceptions", node)
    if names is None or not isinstance(node, Sequence):
        return ()
    places = (item.offset for item in node.items)
    context = outer.context
    return tuple(
        ExceptionUse(name, context.inner("shared exception", name, at)) for name, at in zip(names, places, strict=True)
    )


def _exception(reading: MappingReader, name_key: str, *more: str) -> ExceptionItem:
    reading.warn_unknown_keys((name_key, *_PARTS, *more))
    return ExceptionItem(
        name=reading.word(name_key, required=True) or "",
        context=reading.context,
        fields=_one_or_many(reading, "fields"),
        comps=_one_or_many(reading, "comps"),
        values=_values(reading),
        review=_review(reading),
    )


def _review(reading: MappingReader) -> ExceptionReview | None:
    inner = reading.nested("mozu", _REVIEW)
    if inner is None:
        return None
    found = ExceptionReview(
        author=inner.word("author") or "",
        made=_day(inner, "date"),
        reason=inner.word("reason") or "",
        expires=_day(inner, "expires"),
    )
    reading.failed = reading.failed or inner.failed
    return found


def _day(reading: MappingReader, key: str) -> date | None:
    text = reading.word(key)
    if text is None:
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        reading.error(f"`{key}` must be a day such as 2027-03-31", reading.mapping.get(key))
        return None


def _one_or_many(reading: MappingReader, key: str) -> str | tuple[str, ...] | None:
    node = reading.mapping.get(key)
    if isinstance(node, Sequence):
        found = reading.texts_of(key, node)
        return None if found is None else tuple(text.strip() for text in found)
    word = reading.word(key)
    return None if word is None else word.strip()


def _values(reading: MappingReader) -> tuple[ExceptionValue, ...] | None:
    node = reading.mapping.get("values")
    if node is None:
        return None
    if isinstance(node, Scalar) and node.null:
        return ()
    if not isinstance(node, Sequence):
        reading.error("`values` must be a sequence", node)
        return None
    return tuple(_value(item, reading) for item in node.items)


def _value(node: Node, reading: MappingReader) -> ExceptionValue:
    context = reading.context.inner("exception value", "", node.offset)
    if isinstance(node, Scalar):
        if node.null:
            reading.error("a value of an exception is empty", node)
        return ExceptionValue(node.text, context)
    if isinstance(node, Mapping):
        reading.error("a value of an exception must be a text, or a sequence of one member for each field", node)
        return ExceptionValue("", context)
    return ExceptionValue(tuple(_member(item, reading) for item in node.items), context)


def _member(node: Node, reading: MappingReader) -> str | tuple[str, ...]:
    if isinstance(node, Scalar) and not node.null:
        return node.text
    if isinstance(node, Sequence):
        return reading.texts_of("values", node) or ()
    reading.error("a member of a value must be a text, or a sequence of texts", node)
    return ""
