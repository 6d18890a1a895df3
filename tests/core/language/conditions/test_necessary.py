"""A predicate holds of every event that its condition matches, and says as much of it as single fields can."""

import random
from functools import partial
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from mozu.core.filter.predicate import TRUE, Comparison, Predicate, holds
from mozu.core.language.conditions import RuleInput, compile_rules, parse
from mozu.core.language.conditions.necessary import as_condition, necessary
from mozu.core.language.conditions.operands import Resolver
from tests.core.language.conditions.interpreter import Interpreter
from tests.core.language.conditions.test_property import CONDITIONS, EXAMPLES, random_event, thorough
from tests.core.language.conditions.world import registry

FIELDS = registry()
TRUTH = Interpreter(FIELDS)


def of(condition: str) -> Predicate:
    return necessary(parse(condition), Resolver(FIELDS, "syscall"))


def text_of(predicate: Predicate) -> str:
    """Without quotation marks."""
    return as_condition(predicate).replace('"', "")


@thorough(EXAMPLES)
@hypothesis.given(CONDITIONS, st.integers(0, 2**32))
def test_a_predicate_is_necessary_property(condition: str, seed: int) -> None:
    predicate = of(condition)
    chance = random.Random(seed)
    for event in (random_event(chance) for _ in range(20)):
        if TRUTH.holds(parse(condition), event):
            assert holds(predicate, partial(_is_true, event))


def _is_true(event: Any, fact: Comparison) -> bool:
    return TRUTH.holds(parse(as_condition(fact)), event)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("fd.name = /a and proc.pid > 3", '(fd.name in (/a) and proc.pid > 3)'),
        ("not (fd.name = /a or proc.pid in (1, 2))", "(not fd.name in (/a) and not proc.pid in (1, 2))"),
        ("not (fd.name = /a and proc.pid = 1)", "(not fd.name in (/a) or not proc.pid in (1))"),
        ("fd.name startswith anyof (/a, /b)", "fd.name startswith anyof (/a, /b)"),
        ("fd.name endswith allof (a, ba)", "(fd.name endswith anyof (a) and fd.name endswith anyof (ba))"),
        ("fd.name != anyof (/a, /b)", "(fd.name != allof (/a) or fd.name != allof (/b))"),
        ("proc.name exists and not fd.name exists", "(proc.name exists and not fd.name exists)"),
        ("proc.name = a or fd.num = 1 and proc.pid = 2", "(proc.name in (a) or (fd.num in (1) and proc.pid in (2)))"),
    ],
)  # fmt: skip
def test_single_fields_are_told(condition: str, expected: str) -> None:
    assert expected == text_of(of(condition))


@pytest.mark.parametrize(
    "condition",
    ["tolower(fd.name) = /a", "fd.name = val(proc.exepath)", "proc.aname = a", "fd.ip = 10.0.0.1", "fd.types in (f)"],
)
def test_what_single_fields_and_constants_do_not_tell_counts_as_true(condition: str) -> None:
    assert TRUE is of(condition)
    assert TRUE is of(f"not {condition}")
    assert TRUE is of(f"proc.name = a or {condition}")
    assert "proc.name in (a)" == text_of(of(f"proc.name = a and {condition}"))


def test_a_program_has_the_predicate_of_all_its_rules_by_event_type() -> None:
    texts = (
        "evt.type in (open, connect) and fd.name = /a",
        "evt.type = open and proc.name = cat",
        "evt.type = unlink and fd.name = /a",
    )

    program = compile_rules([RuleInput(text, "syscall", parse(text)) for text in texts], FIELDS)

    told = {name: text_of(one) for name, one in program.predicates["syscall"].items()}
    assert {"open": "(fd.name in (/a) or proc.name in (cat))", "connect": "fd.name in (/a)"} == {
        name: told[name] for name in ("open", "connect")
    }
