import re

import msgspec

from mozu.core.model.syscalls import (
    EventType,
    Param,
    call_number,
    capability_name,
    errno_name,
    event_type,
    flag_table,
    flag_tables,
    known_names,
    signal_name,
)
from tests.core.model.syscalls.spec import rows


def _param(param: Param) -> str:
    if param.choices:
        kinds = "|".join(choice.replace("uint64.x", "uint64(hex)") for choice in param.choices)
        return f"{param.name}:dynamic (one of {kinds})"
    parent = "" if param.dirfd is None else f"@param{param.dirfd}"
    return ":".join(part for part in (param.name, param.type + parent, param.format, param.table) if part)


def _written(event: EventType | None) -> tuple[str, ...] | None:
    """Return a declaration in the form of the specification's columns; None for None."""
    if event is None:
        return None
    params = "; ".join(map(_param, event.params)) or "(none)"
    traits = ",".join(sorted(event.traits)) or "-"
    return f"{event.category}/{event.kind}", traits, event.default or "-", params


def test_every_event_of_the_reference_is_declared_as_there() -> None:
    expected = {
        name: (category, ",".join(sorted(traits.split(","))), default, params)
        for kind, name, category, traits, _, _, default, params in (row[:8] for row in rows("events.tsv"))
        if kind in ("EVENT", "META")
    }
    assert expected == {name: _written(event_type(name)) for name in expected}


def test_every_event_comes_from_the_calls_of_the_reference() -> None:
    calls = {row[1]: row[4] for row in rows("events.tsv") if row[0] == "EVENT"}
    expected = {name: () if text.startswith("(not") else tuple(text.split(",")) for name, text in calls.items()}
    actual = {name: event.calls for name in expected if (event := event_type(name)) is not None}
    assert expected == actual


def test_every_call_without_parameters_of_its_own_is_an_event() -> None:
    generic = next(row for row in rows("events.tsv") if row[0] == "GENERIC")
    declared = {name: event_type(name) for name in generic[4].split(",")}
    as_there = {
        name: event
        if event is None or not event.own_params
        else msgspec.structs.replace(event, params=(), traits=frozenset())
        for name, event in declared.items()
    }
    expected = "other/syscall", "-", "rules", "(none)"
    assert [] == [name for name, event in as_there.items() if _written(event) != expected]


def test_every_flag_of_the_reference_has_its_number_and_place() -> None:
    expected: dict[str, list[tuple[str, int]]] = {}
    for row in rows("events.tsv"):
        if row[0] == "FLAG":
            expected.setdefault(row[1], []).append((row[2], int(row[3])))
    assert expected == {name: list(flag_table(name)) for name in flag_tables()}


def test_errors_signals_and_capabilities_have_the_names_of_the_reference() -> None:
    finders = {"ERRNO": errno_name, "SIGNAL": signal_name, "CAP": capability_name}
    listed = [(row[0], row[1], int(row[2])) for row in rows("events.tsv") if row[0] in finders]
    assert [] == [(kind, name) for kind, name, number in listed if finders[kind](number) != name]


def test_every_name_that_the_reference_knows_is_known() -> None:
    codes = {row[1] for row in rows("syscall-codes.tsv")} - {"name", "unknown"}
    assert set() == codes - known_names()


def test_every_call_of_an_event_has_a_number() -> None:
    calls = {call for row in rows("events.tsv") if row[0] == "EVENT" for call in re.findall(r"\w+", row[4])}
    named = {call for call in calls if call_number(call) is None} - {"not", "on", "x86_64"}
    assert set() == named
