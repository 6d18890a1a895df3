"""Third parties' values for an event are part of its recording: a replay raises the same alerts as the run."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mozu.core.api import (
    Argument,
    Context,
    DataEvent,
    DataEventType,
    EnricherDeclaration,
    Event,
    Field,
    FieldType,
    Settings,
)
from mozu.core.api.hookspecs import Brought
from mozu.core.errors import RulesError
from mozu.core.model.alert import Alert
from mozu.testing import MozuRun, run_mozu
from tests.core.testing.acme import ACME, CLIENT, RULE, T0, Geo, geo, visit, visits

TABLE = {"a": "DE", "b": "FR", "d": "\udcff"}
RULES = (
    RULE
    + """
- rule: Any country
  desc: What was said of each client.
  condition: acme.client exists
  output: "%acme.client %geo.country"
  priority: NOTICE
  source: acme
"""
)


def rules(tmp_path: Path, text: str = RULES) -> list[Any]:
    (tmp_path / "rules.yaml").write_text(text)
    return [{"falco": {"rules": [str(tmp_path / "rules.yaml")], "rule_matching": "all"}}]


def recorded(
    tmp_path: Path, events: Iterable[Event], *declarations: Brought, text: str = RULES
) -> tuple[MozuRun, Path]:
    file = tmp_path / "run.jsonl.gz"
    enrichers = [one.name for one in declarations if isinstance(one, EnricherDeclaration)]
    config = {"enrichers": enrichers, "evaluators": rules(tmp_path, text), "record": {"file": str(file)}}
    return run_mozu(config, events, declarations=declarations), file


def replayed(tmp_path: Path, file: Path, *declarations: Brought, text: str = RULES, **config: Any) -> MozuRun:
    whole = {"sources": [{"replay": {"files": [str(file)]}}], "evaluators": rules(tmp_path, text), **config}
    return run_mozu(whole, declarations=declarations)


def said(alerts: Sequence[Alert]) -> list[tuple[str, str, str]]:
    return sorted((alert.id, alert.rule, alert.message()) for alert in alerts)


def test_a_replay_raises_what_the_run_raised_without_asking_again(tmp_path: Path) -> None:
    events = [visit(client, number) for number, client in enumerate("abcdabz")]
    live, file = recorded(tmp_path, events, CLIENT, geo(TABLE))
    made: list[Geo] = []
    again = replayed(tmp_path, file, CLIENT, geo({}, made))
    assert said(live.alerts) == said(again.alerts)
    assert ["a DE", "b FR", "c <NA>"] == [alert.message() for alert in again.alerts if alert.rule == "Any country"][:3]
    assert made == []  # enrichers of the configuration are not built


def test_a_recording_of_a_replay_keeps_what_was_said(tmp_path: Path) -> None:
    live, file = recorded(tmp_path, [visit("b")], CLIENT, geo(TABLE))
    copy = tmp_path / "again.jsonl.gz"
    replayed(tmp_path, file, CLIENT, geo({}), record={"file": str(copy)})
    assert said(live.alerts) == said(replayed(tmp_path, copy, CLIENT, geo({})).alerts)


def test_rules_of_later_days_find_what_no_rule_asked_for(tmp_path: Path) -> None:
    """Check that the recording of everything asks enrichers for every value."""
    file = tmp_path / "run.jsonl.gz"
    quiet = RULE[RULE.index("- rule: Visit of z") :]
    config = {
        "enrichers": ["geo"], "evaluators": rules(tmp_path, quiet), "record": {"file": str(file), "events": "all"},
    }  # fmt: skip
    made: list[Geo] = []
    run_mozu(config, [visit("b")], declarations=[CLIENT, geo(TABLE, made)])
    assert made[0].asked == ["b"]
    assert replayed(tmp_path, file, CLIENT, geo({})).rules() == ["Foreign visit", "Any country"]


class Net:
    """An enricher of addresses, lists and a field with an argument."""

    def __init__(self, settings: Settings, context: Context) -> None:
        pass

    async def start(self) -> None:
        pass

    def key(self, event: Event) -> str | None:
        return None

    def known(self, key: str) -> bool:
        return True

    async def resolve(self, key: str) -> None:
        pass

    def readers(self) -> Any:
        return {
            "net.ip": lambda _: lambda event: b"\x0a\x00\x00\x01",
            "net.tags": lambda _: lambda event: ("x", "y"),
            "net.part": lambda argument: lambda event: f"part {argument}",
        }

    async def stop(self) -> None:
        pass


NET = EnricherDeclaration(
    name="net",
    build=Net,
    settings=Settings,
    summary="Addresses.",
    fields=(
        Field(name="net.ip", type=FieldType.IPADDR, doc="Its address.", sources=ACME),
        Field(name="net.tags", type=FieldType.STRING, doc="Its tags.", sources=ACME, is_list=True),
        Field(name="net.part", type=FieldType.STRING, doc="A part.", sources=ACME, argument=Argument.KEY),
    ),
)


def test_values_of_every_shape_come_back(tmp_path: Path) -> None:
    text = (
        "- rule: Net\n  desc: All of it.\n  priority: NOTICE\n  source: acme\n"
        "  condition: net.ip = 10.0.0.1 and net.tags intersects (y) and net.part[q] exists\n"
        '  output: "%net.ip %net.tags %net.part[q]"\n'
    )
    live, file = recorded(tmp_path, [visit("a")], NET, text=text)
    again = replayed(tmp_path, file, NET, text=text)
    assert said(live.alerts) == said(again.alerts)
    assert [alert.message() for alert in again.alerts] == ["10.0.0.1 (x,y) part q"]


def upgraded(version: int, data: Any) -> Any:
    if data == {"client": "broken"}:
        raise ValueError("no such client")
    return {"client": data["client"].upper(), "was": version}


@pytest.fixture
def versioned() -> Any:
    """Return a source whose events have changed since they were recorded."""
    old = visits()
    newer = DataEventType(name="visit", doc="A visit.", version=2, upgrade=upgraded)
    return msgspec.structs.replace(old, events=(newer,))


def test_events_of_an_older_version_are_made_today_s(tmp_path: Path, versioned: Any) -> None:
    text = "- rule: Z\n  desc: D.\n  condition: acme.client = Z\n  output: z\n  priority: NOTICE\n  source: acme\n"
    _, file = recorded(tmp_path, [DataEvent("acme", "visit", T0, data={"client": "z"})], CLIENT, text=text)
    assert replayed(tmp_path, file, CLIENT, text=text).rules() == []
    assert replayed(tmp_path, file, CLIENT, versioned, text=text).rules() == ["Z"]


def test_an_event_that_cannot_be_made_today_s_ends_the_replay_with_its_reason(
    tmp_path: Path, versioned: Any, caplog: pytest.LogCaptureFixture
) -> None:
    text = RULE[RULE.index("- rule: Visit of z") :]
    _, file = recorded(tmp_path, [DataEvent("acme", "visit", T0, data={"client": "broken"})], CLIENT, text=text)
    assert replayed(tmp_path, file, CLIENT, versioned, text=text).code == 1
    assert "an event visit of version 1 cannot be read as version 2: no such client" in caplog.text


def typed_rules(condition: str) -> str:
    return (
        f'- rule: Typed\n  desc: D.\n  condition: {condition}\n  output: "%evt.type of %acme.client"\n'
        "  priority: NOTICE\n  source: acme\n"
    )


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("evt.type = leave", ["leave of b"]),
        ("evt.type in (leave, visit) and acme.client = b", ["visit of b", "leave of b"]),
        ("evt.type != leave", ["visit of a", "visit of b"]),
        ("not evt.type in (visit)", ["leave of b"]),
    ],
)
def test_rules_of_an_own_source_tell_its_types_apart_live_and_in_a_replay(
    tmp_path: Path, condition: str, expected: list[str]
) -> None:
    leave = DataEventType(name="leave", doc="Its end.", data=dict[str, str], version=3)
    source = msgspec.structs.replace(visits(), events=(*visits().events, leave))
    events = [visit("a"), visit("b", 1), DataEvent("acme", "leave", T0 + 2, data={"client": "b"})]
    text = typed_rules(condition)
    live, file = recorded(tmp_path, events, CLIENT, source, text=text)
    again = replayed(tmp_path, file, CLIENT, source, text=text)
    assert [alert.message() for alert in live.alerts] == expected
    assert said(live.alerts) == said(again.alerts)


@pytest.mark.parametrize(
    ("condition", "refusal"),
    [
        ("evt.type = visti", r"unknown event type visti\n(.*\n)*help: did you mean visit\?"),
        ("evt.type in (visit, openat)", r"unknown event type openat\n(.*\n)*help: the source acme has visit"),
    ],
)
def test_a_type_that_the_source_does_not_declare_is_refused(tmp_path: Path, condition: str, refusal: str) -> None:
    with pytest.raises(RulesError, match=refusal):
        recorded(tmp_path, [], CLIENT, visits(), text=typed_rules(condition))


def test_a_source_that_declares_no_types_has_no_field_for_them(tmp_path: Path) -> None:
    untyped = msgspec.structs.replace(visits(), events=())
    with pytest.raises(RulesError, match=r"evt\.type: the source acme does not have this field"):
        recorded(tmp_path, [], CLIENT, untyped, text=typed_rules("evt.type = visit"))


def test_a_source_without_fields_of_its_own_can_have_rules(tmp_path: Path) -> None:
    text = typed_rules("evt.type = visit").replace(" of %acme.client", "")
    assert recorded(tmp_path, [visit("a")], visits(), text=text)[0].rules() == ["Typed"]
