"""Events of recordings, given as their fields: no such event is refused, and rules judge it as before.

Events of a source are possible by definition; so the refusals, and the values derived from given fields, are tested
against hundreds of real events.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from ipaddress import ip_address

import pytest

from mozu.core.api import Event
from mozu.core.model.event import as_text
from mozu.core.model.fields import FieldRegistry, FieldType
from mozu.core.model.fields.field import Resolved
from mozu.core.model.value_types import FieldValue
from mozu.core.rule_tests.document import GivenValue
from mozu.core.rule_tests.given.fields import can_have, given_fields
from mozu.core.rule_tests.given.make import field_reference, make_event
from mozu.core.rule_tests.judged import JudgedRules
from mozu.core.state import StateMachine
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.sources.replay.metadata import RecordingMetadata
from mozu.plugins.sources.replay.settings import ReplaySettings
from mozu.plugins.sources.replay.source import ReplaySource
from tests.oracle.engine import EVERYTHING, _in, evaluator, registry
from tests.oracle.scenario import Scenario, names, scenario
from tests.support.requirements import ROOT

FOLDER = ROOT / "tests/data/oracle"
CHOSEN = names(FOLDER)[::4]


def text_of(kind: FieldType, value: FieldValue) -> str:
    """Return a single value as a test file would write it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return str(ip_address(value)) if kind in (FieldType.IPADDR, FieldType.IPNET) else as_text(value)
    return str(value)


def given(field: Resolved, value: FieldValue) -> GivenValue:
    """Return any value as a test file would give it."""
    if value is None:
        return GivenValue(None, 0)
    if isinstance(value, tuple):
        return GivenValue(tuple(text_of(field.type, one) for one in value if one is not None), 0)
    return GivenValue(text_of(field.type, value), 0)


def written(event: Event, read: dict[str, Resolved]) -> dict[str, GivenValue]:
    """Return the fields of an event that rules read."""
    found = {"evt.type": GivenValue(event.type, 0)}
    for text, field in read.items():
        value = field.read(event)
        odd = "\0" in str(value) or (isinstance(value, bytes) and b"\0" in value and field.type is FieldType.BYTES)
        if can_have(field.field, field.argument, event.type) and not odd:
            found[text] = given(field, value)
    return found


def opened(one: Scenario) -> tuple[FieldRegistry, ReplaySource]:
    """Return fields that know the recording's metadata, and the source of the recording."""
    fields = registry(one)
    source = ReplaySource(ReplaySettings(files=[one.capture]), _in(fields), RecordingMetadata(fields.lookups))
    for name, make in source.readers().items():
        fields.provide(name, make)
    return fields, source


async def events(source: ReplaySource) -> AsyncIterator[Event]:
    """Yield the events in order, each while its state is valid."""
    state = StateMachine(procfs=None)
    await source.start(EVERYTHING)
    async for batch in source.batches():
        for event in state.apply(batch):
            yield event


def judged(one: Scenario) -> Iterator[tuple[Event, list[str], list[str]]]:
    """Yield each event, the rules that match it, and those that match its given fields."""
    fields, source = opened(one)
    real = evaluator(one, fields)
    by_fields = JudgedRules([str(path) for path in one.rules], given_fields(fields))
    yield from asyncio.run(compared(source, real, by_fields, fields))


async def compared(
    source: ReplaySource, real: FalcoEvaluator, by_fields: JudgedRules, fields: FieldRegistry
) -> list[tuple[Event, list[str], list[str]]]:
    running = {rule.name for rule in real.rules}
    texts = {text for rule in real.rules for text in rule.checked.fields}
    refs = {text: field_reference(text) for text in sorted(texts)}
    read = {text: fields.resolve(ref.name, ref.argument) for text, ref in refs.items()}
    found = []
    async for event in events(source):
        made = make_event(fields, event.source, {}, written(event, read), 0)
        wanted = [alert.rule for alert in real.evaluate([event])]
        reported = [alert.rule for alert in by_fields.alerts([made]) if alert.rule in running]
        found.append((event, wanted, reported))
    return found


@pytest.mark.parametrize("name", CHOSEN)
def test_what_rules_say_of_an_event_they_say_of_its_fields(name: str) -> None:
    one = scenario(FOLDER, ROOT, name)
    if one.expected is None or one.settings.get("rule_matching", "all") != "all":
        pytest.skip("its rules cannot be used, or only the first that matches is reported")
    for event, wanted, reported in judged(one):
        assert sorted(wanted) == sorted(reported), event


@pytest.mark.parametrize("name", CHOSEN)
def test_an_event_with_every_field_that_it_has_can_exist(name: str) -> None:
    fields, source = opened(scenario(FOLDER, ROOT, name))
    of_calls = [one for one in fields if one.is_bare and not one.unavailable and one.sources & {"syscall", "*"}]
    read = {one.name: fields.resolve(one.name) for one in of_calls}

    async def check() -> int:
        count = 0
        async for event in events(source):
            if event.source == "syscall":
                there = {text: value for text, value in written(event, read).items() if value.form is not None}
                there.pop("proc.cwd", None)  # empty if the recording does not know the process
                make_event(fields, event.source, {}, there, 0)
                count += 1
        return count

    assert asyncio.run(check()) > 0
