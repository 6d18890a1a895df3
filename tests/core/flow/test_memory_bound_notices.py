"""The notices of memory that was given back: one for each new step, with the numbers of its episode."""

import pytest

from mozu.core.flow import memory_bound
from mozu.core.model.alert import Severity
from tests.core.flow.test_memory_bound import LIMIT, Machine

MIB = 1 << 20


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch, caches=300, look_back=300, processes=200)


def test_a_notice_says_in_mib_what_is_used_and_what_may_be(machine: Machine) -> None:
    machine.held, machine.limit, machine.rest = {"caches": 100, "look_back": 0, "processes": 0}, 100 * MIB, 95 * MIB
    machine.run(lambda: setattr(machine, "rest", 50 * MIB))

    (rule, priority, text, fields), (_, _, end, kept) = machine.notices
    assert ("Memory limit reached", Severity.WARNING) == (rule, priority)
    assert text == ("mozu uses 95 MiB of memory, and may use 100 (memory.limit): given back: caches (100 entries)")
    assert (95 * MIB, 100 * MIB, "caches") == (fields["resident"], fields["limit"], fields["given_back"])
    assert end == (
        "mozu uses 50 MiB of memory, and may use 100 (memory.limit): less than the limit for a minute; "
        "given back: caches (100 entries); 0 events were dropped"
    )
    assert (0, 60) == (kept["dropped"], kept["seconds"])


def test_where_only_free_pages_were_given_back_the_end_says_so(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.rest = 200
    monkeypatch.setattr(memory_bound, "trim", lambda: setattr(machine, "rest", 0))
    machine.run()

    ((_, _, text, fields),) = machine.notices
    assert "given back: free pages only" in text
    assert fields["given_back"] == ""


def test_a_second_episode_reports_its_own_numbers(machine: Machine) -> None:
    machine.gate.dropped = 5
    machine.rest = 200
    machine.run()
    machine.held["caches"] = 500
    machine.run()

    given = [text.partition("given back: ")[2].partition(";")[0] for _, _, text, _ in machine.notices]
    assert ["caches (100 entries)"] * 2 + ["caches (300 entries)"] * 2 == given
    assert [0, 0] == [fields["dropped"] for rule, _, _, fields in machine.notices if rule == "Memory limit kept"]


def test_a_step_that_gave_before_is_reported_once_and_a_further_one_again(machine: Machine) -> None:
    rounds = iter((200, 200))
    real = machine.bound._give_back

    async def give_back(before: dict[str, int]) -> None:
        await real(before)
        machine.rest += next(rounds, 0)

    machine.bound._give_back = give_back  # type: ignore[method-assign, assignment]  # more memory comes after each round
    machine.rest = 200
    machine.run()

    assert ["caches", "caches,look_back"] == [
        fields["given_back"] for rule, _, _, fields in machine.notices if rule == "Memory limit reached"
    ]


def test_the_gate_that_has_closed_opens_again_below_the_mark_only(machine: Machine) -> None:
    closed: list[tuple[int, bool]] = []
    machine.held = {"caches": 0, "look_back": 0, "processes": 0}
    real = machine.bound._give_back
    falling = iter((1_100, 1_000, 910, 900))

    async def give_back(before: dict[str, int]) -> None:
        await real(before)
        closed.append((machine.rest, machine.gate.is_closed))
        machine.rest = next(falling, 0)

    machine.bound._give_back = give_back  # type: ignore[method-assign, assignment]  # looks at what a round has done
    machine.rest = LIMIT
    machine.run()

    assert [(LIMIT, True), (1_100, True), (1_000, True), (910, True)] == closed
    assert not machine.gate.is_closed
    assert ["Memory limit exceeded", "Memory limit kept"] == machine.rules()


def test_memory_and_bound_rounds_and_entries_are_metrics(machine: Machine) -> None:
    machine.rest = 300
    machine.run()

    found = {(name, *labels.values()): value for name, labels, value in machine.metrics.collect()}
    assert (900, LIMIT) == (found["memory_resident_bytes",], found["memory_limit_bytes",])
    assert 1 == found["memory_rounds_total",]
    assert [200, 0, 0] == [found["memory_given_back_total", step] for step in ("caches", "look_back", "processes")]
