"""Check an enricher: pure keys, look-ups that end in knowledge, readers whose values have the fields' types."""

from collections.abc import Callable, Iterable, Sequence
from typing import cast

from mozu.core.api import BlockingEnricher, Enricher, Event, Field, Kind
from mozu.core.model.fields.value_checks import value_fault
from mozu.core.runtime.hosting.threads import ThreadedEnricher
from mozu.core.testing.broken import done, expect, expect_members, watched_loop


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
        await _check(_hosted(enricher(), blocking=blocking), given, declared)


def _hosted(enricher: Enricher | BlockingEnricher, *, blocking: bool) -> Enricher:
    expect_members(Kind.ENRICHER, enricher, blocking=blocking)
    hosted = ThreadedEnricher("under-test", cast("BlockingEnricher", enricher)) if blocking else enricher
    return cast("Enricher", hosted)


async def _check(enricher: Enricher, events: Sequence[Event], fields: Sequence[Field]) -> None:
    await done("start", enricher.start)
    readers = enricher.readers()
    for field in fields:
        if field.read is None and field.bind is None:
            expect(field.name in readers, f"`readers` MUST have every field of the declaration, and lack {field.name}")
    _check_values(readers, events, fields)  # of what is not known yet: readers are called whenever a rule looks
    for event in events:
        await _check_event(enricher, event)
    _check_values(readers, events, fields)
    await done("stop", enricher.stop)
    await done("stop", enricher.stop)


async def _check_event(enricher: Enricher, event: Event) -> None:
    with watched_loop("key"):
        key = enricher.key(event)
    expect(key is None or isinstance(key, str), f"`key` MUST give a text or None, not {type(key).__name__}")
    if key is None:
        return
    if not enricher.known(key):
        again = enricher.key(event)
        expect(again == key, f"`key` MUST be pure: for one event it gave {key!r}, then {again!r}")
        await done(f"resolve({key!r})", lambda: enricher.resolve(key))
        expect(enricher.known(key), f"after `resolve({key!r})`, `known` MUST be true, also where nothing was found")
    await done(f"resolve({key!r})", lambda: enricher.resolve(key))  # again, as after its time to live
    expect(enricher.known(key), f"`resolve({key!r})` of a known key MUST leave it known")


def _check_values(
    readers: "dict[str, Callable[[str | None], Callable[[Event], object]]] | object",
    events: Sequence[Event],
    fields: Sequence[Field],
) -> None:
    assert isinstance(readers, dict)
    for field in fields:
        if field.name not in readers or not field.is_bare:
            continue
        read = readers[field.name](None)
        for event in events:
            if event.source in field.sources or "*" in field.sources:
                fault = value_fault(field, read(event))
                expect(not fault, f"the reader of {field.name} MUST give values of its type: {fault}")
