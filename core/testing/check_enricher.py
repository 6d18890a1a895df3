"""Check an enricher: pure keys, look-ups that end in knowledge, readers whose values have the fields' types."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import cast

from mozu.core.api import BlockingEnricher, Enricher, Event, Field, FieldReaders, Kind
from mozu.core.model.fields.field import Reader
from mozu.core.model.fields.value_checks import value_fault
from mozu.core.runtime.hosting.threads import ThreadedEnricher
from mozu.core.runtime.plugin_checks import capabilities
from mozu.core.testing.broken import calling, done, expect, expect_members, stopped_twice, watched_loop


async def check_enricher(
    enricher: Enricher | BlockingEnricher | Callable[[], Enricher | BlockingEnricher],
    events: Iterable[Event],
    *,
    fields: Iterable[Field] = (),
    blocking: bool = False,
) -> None:
    """Start, give it these events, stop twice. Raises BrokenContract with the sentence that does not hold.

    `fields`: those that the declaration lists, of which every value that a reader gives is checked. `enricher`: a
    function that makes one is called twice, for a restart is a new instance.
    """
    given, declared = list(events), list(fields)
    if not callable(enricher):
        await _check(_hosted(enricher, blocking=blocking), given, declared)
        return
    for _ in range(2):
        with calling("build"):
            made = enricher()
        await _check(_hosted(made, blocking=blocking), given, declared)


def _hosted(enricher: Enricher | BlockingEnricher, *, blocking: bool) -> Enricher:
    expect_members(Kind.ENRICHER, enricher, blocking=blocking)
    if not blocking:
        return cast("Enricher", enricher)
    return ThreadedEnricher("under-test", cast("BlockingEnricher", enricher), capabilities(Kind.ENRICHER))


async def _check(enricher: Enricher, events: Sequence[Event], fields: Sequence[Field]) -> None:
    await done("start", enricher.start)
    with watched_loop("readers"):
        readers = enricher.readers()
    expect(isinstance(readers, Mapping), f"`readers` MUST give a mapping, not {type(readers).__name__}")
    for field in fields:
        if field.read is None and field.bind is None:
            expect(field.name in readers, f"`readers` MUST have every field of the declaration, and lack {field.name}")
    _check_values(readers, events, fields)  # of what is not known yet: readers are called whenever a rule looks
    for event in events:
        await _check_event(enricher, event)
    _check_values(readers, events, fields)
    await stopped_twice(enricher.stop)


async def _check_event(enricher: Enricher, event: Event) -> None:
    with watched_loop("key"):
        key = enricher.key(event)
    expect(key is None or isinstance(key, str), f"`key` MUST give a text or None, not {type(key).__name__}")
    if key is None:
        return
    if not _knows(enricher, key):
        with watched_loop("key"):
            again = enricher.key(event)
        expect(again == key, f"`key` MUST be pure: for one event it gave {key!r}, then {again!r}")
        await done(f"resolve({key!r})", lambda: enricher.resolve(key))
        known = _knows(enricher, key)
        expect(known, f"after `resolve({key!r})`, `known` MUST be true, also where nothing was found")
    await done(f"resolve({key!r})", lambda: enricher.resolve(key))  # again, as after its time to live
    expect(_knows(enricher, key), f"`resolve({key!r})` of a known key MUST leave it known")


def _knows(enricher: Enricher, key: str) -> bool:
    with watched_loop("known"):
        known: object = enricher.known(key)
    expect(type(known) is bool, f"`known` MUST give True or False, not {type(known).__name__}")
    return known is True


def _check_values(readers: FieldReaders, events: Sequence[Event], fields: Sequence[Field]) -> None:
    for field in fields:
        if field.name not in readers or not field.is_bare:
            continue
        with calling(f"readers()[{field.name!r}]"):
            read = readers[field.name](None)
        for event in events:
            if event.source in field.sources or "*" in field.sources:
                check_value(field, read, event)


def check_value(field: Field, read: Reader, event: Event) -> None:
    """The value that a reader gives for this event has the field's type."""
    with watched_loop(f"the reader of {field.name}"):
        value = read(event)
    fault = value_fault(field, value)
    expect(not fault, f"the reader of {field.name} MUST give values of its type: {fault}")
