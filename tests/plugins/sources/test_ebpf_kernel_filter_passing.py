"""Parts of a condition reported as tested by the kernel filter: events for which they are false are discarded."""

import random
from typing import Any, Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.formula import TRUE, Formula
from mozu.core.language.conditions import NodeEvaluator, NodeTruths, parse
from mozu.core.language.conditions.lower import lower
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Field, FieldRegistry, FieldType
from mozu.plugins.sources.ebpf.kernel_filter.check import Subject
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import filter_function_of
from mozu.plugins.sources.ebpf.kernel_filter.passing import checked_part, passing
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import ProcessPredicates
from tests.support.filter_facts import PARTS, Facts, is_true, random_facts

OPENAT: Final = SYSCALL_SPECS["openat"]
ROUNDS: Final = 160
CALLS: Final = 40


def field(name: str, kind: FieldType) -> Field:
    return Field(name=name, type=kind, doc="For tests.", read=lambda event: event.data.get(name))


FIELDS: Final = FieldRegistry(
    [
        *(field(name, FieldType.PATH) for name in ("fd.name", "fd.filename", "fd.directory")),
        *(field(name, FieldType.BOOL) for name in ("evt.is_open_read", "evt.is_open_write")),
        field("fd.num", FieldType.INT),
        field("proc.name", FieldType.STRING),
        field("proc.cmdline", FieldType.STRING),
    ]
)
EVALUATOR: Final = NodeEvaluator(FIELDS, "syscall")
PROGRAMS: Final = ("sh", "cat")


def condition(chance: random.Random, depth: int = 0) -> str:
    """Return a condition of joined tests of an open and its process."""
    if depth < 3 and chance.random() < 0.6:
        word = chance.choice((" and ", " or "))
        text = word.join(f"({condition(chance, depth + 1)})" for _ in range(chance.choice((2, 3))))
        return text if chance.random() < 0.8 else f"not ({text})"
    part, whole = chance.choice(PARTS), "/" + "/".join(chance.choices(PARTS, k=2))
    return chance.choice((
        f"fd.name = {whole}", f"fd.name in ({whole}, /x)", f"fd.name startswith /{part}", f"fd.name endswith {part}",
        f"fd.name contains /{part}", f"fd.name glob /*/{part}", f"fd.filename = {part}", f"fd.directory = /{part}",
        f"fd.name pmatch (/{part})", "evt.is_open_read = true", "evt.is_open_write = true", "fd.num >= 0",
        f"proc.name = {chance.choice(PROGRAMS)}", "proc.cmdline contains x",
    ))  # fmt: skip


def event(facts: Facts, chance: random.Random) -> DataEvent:
    """Return the open that these facts describe."""
    name, access = facts.name.decode(), facts.numbers[Subject.OPEN, "flags", 0] & 3
    result = facts.numbers[Subject.CALL, "result", 0]
    values: dict[str, Any] = {
        "fd.name": name,
        "fd.filename": name.rpartition("/")[2] if result >= 0 else None,
        "fd.directory": name.rpartition("/")[0] or "/",
        "evt.is_open_read": access != 1,
        "evt.is_open_write": access in (1, 2),
        "fd.num": result,
        "proc.name": chance.choice(PROGRAMS),
        "proc.cmdline": chance.choice(("x", "y")),
    }
    return DataEvent("syscall", "openat", 0, 1, values)


def known_to_the_kernel(facts: Facts, predicates: list[Formula], truths: NodeTruths) -> Facts:
    """Return the facts with the verdict on the process, a bit for each predicate."""
    bits = sum(truths.of_formula(one) << number for number, one in enumerate(predicates))
    return facts._replace(verdict=bits)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_said_to_be_discarded_is(seed: int) -> None:
    chance, discarded, kept = random.Random(seed), 0, 0
    for _ in range(ROUNDS // 4):
        predicate = lower(parse(condition(chance)))
        processes = ProcessPredicates(("proc.name",))
        function = filter_function_of(OPENAT, predicate, processes)
        if function is None:
            continue
        said = checked_part(predicate, function, OPENAT, processes.predicates, ("proc.name",))
        always = passing(OPENAT, predicate)
        for _ in range(CALLS):
            facts = random_facts(chance)
            truths = EVALUATOR.at(event(facts, chance))
            passes = is_true(function.wanted, known_to_the_kernel(facts, processes.predicates, truths))
            discarded += not truths.of_formula(said)
            kept += passes
            assert truths.of_formula(said) or not passes
            assert truths.of_formula(always) or not passes
            assert truths.of_formula(said) or not truths.of_formula(predicate)
    assert discarded > 100
    assert kept > 100


def test_a_weaker_check_of_a_path_is_said_as_a_comparison_of_it() -> None:
    predicate = lower(parse("fd.name glob /*/id_rsa and evt.is_open_read = true"))
    processes = ProcessPredicates(())
    function = filter_function_of(OPENAT, predicate, processes)
    assert function is not None
    said = checked_part(predicate, function, OPENAT, processes.predicates, ())

    assert said is lower(parse("fd.name startswith / and fd.name endswith /id_rsa and evt.is_open_read = true"))


def test_what_is_not_tested_in_the_kernel_is_not_said() -> None:
    predicate = lower(parse("proc.cmdline contains x and fd.name = /etc/shadow"))
    processes = ProcessPredicates(())
    function = filter_function_of(OPENAT, predicate, processes)
    assert function is not None

    said = checked_part(predicate, function, OPENAT, processes.predicates, ())
    assert said is lower(parse("fd.name = /etc/shadow"))
    assert passing(OPENAT, predicate) is TRUE


def test_a_process_predicate_is_said_where_the_filter_of_the_call_asks_for_it() -> None:
    """Filters of other calls may ask for the same predicate."""
    narrow = lower(parse("proc.name = cat and fd.name = /etc/shadow"))
    wide = lower(parse("not fd.name = /etc/shadow and proc.name = cat"))
    processes = ProcessPredicates(("proc.name",))
    processes.test(narrow)
    said = []
    for predicate in (narrow, wide):
        function = filter_function_of(OPENAT, predicate, processes)
        assert function is not None
        said.append(checked_part(predicate, function, OPENAT, processes.predicates, ("proc.name",)))

    assert [lower(parse("fd.name = /etc/shadow")), wide] == said
    assert function is not None
    assert lower(parse("not fd.name = /etc/shadow")) is checked_part(wide, function, OPENAT, (), ("proc.name",))
