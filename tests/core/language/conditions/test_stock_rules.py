"""Falco's own rules: every one compiles, and the code for all of them together agrees with the interpreter.

The fields are the product's with other readers: values come from a table, drawn from the constants of the rules.
"""

import random
from typing import Any

import msgspec
import pytest

from mozu.core.language.conditions import FieldRef, Items, Node, RuleInput, Test, Text, compile_rules
from mozu.core.language.conditions.ast import bottom_up
from mozu.core.language.conditions.operands import Resolver
from mozu.core.language.conditions.unparse import unparse_term
from mozu.core.language.conditions.values import constant
from mozu.core.language.rules import load
from mozu.core.model.event import DataEvent
from mozu.core.model.fields import Field, FieldRegistry, FieldType, Match
from mozu.core.model.fields.builtin import builtin_fields
from tests.core.language.conditions.interpreter import Interpreter
from tests.support.requirements import corpus

OTHERS: dict[FieldType, list[Any]] = {
    FieldType.STRING: ["", "other"],
    FieldType.PATH: ["", "other"],
    FieldType.BYTES: [b"", b"other"],
    FieldType.IPADDR: [b"\x08\x08\x08\x08", bytes(16)],
    FieldType.IPNET: [b"\x08\x08\x08\x08", bytes(16)],
}
"""Values that no rule names, by type; the other types have numbers."""

FILES = ("falco_rules.yaml", "falco-incubating_rules.yaml", "falco-sandbox_rules.yaml")


def from_table(field: Field) -> Field:
    def bind(argument: str | None, _: str | None) -> Any:
        key = field.name if argument is None else f"{field.name}[{argument}]"
        return lambda event: event.data.get(key)

    if field.name in ("evt.type", "evt.num"):
        return field
    return msgspec.structs.replace(field, read=None, bind=bind, variant=None, unavailable="")


@pytest.fixture(scope="module")
def rules() -> list[RuleInput]:
    found: list[RuleInput] = []
    for name in FILES:
        result = load([corpus("falco-rules", name)], FieldRegistry(builtin_fields()))
        assert result.ok, result.report.verbose()
        found.extend(RuleInput(rule.name, rule.source, rule.checked.node) for rule in result.rules.rules)
    return found


@pytest.fixture(scope="module")
def fields() -> FieldRegistry:
    return FieldRegistry(from_table(field) for field in builtin_fields())


def test_every_stock_rule_compiles_for_every_type_it_names(rules: list[RuleInput]) -> None:
    program = compile_rules(rules, FieldRegistry(builtin_fields()), "all")

    types = program.event_types["syscall"]

    assert 93 == len(rules)
    assert "*" not in types
    assert set() == {name for name in types if not program.source_of("syscall", name)}


class Values:
    """A generator of values for the fields of some conditions, from the constants they are compared with."""

    def __init__(self, nodes: list[Node], fields: FieldRegistry) -> None:
        self.resolver = Resolver(fields, "syscall")
        self.types: set[str] = {"open", "execve"}
        self.choices: dict[str, tuple[Any, list[Any]]] = {}
        for node in nodes:
            bottom_up(node, lambda part, _: self._collect(part) if isinstance(part, Test) else None)

    def _collect(self, test: Test) -> None:
        if not isinstance(test.left, FieldRef):
            return
        typed = self.resolver.typed(test.left)
        key = test.left.name
        if typed.field is not None and typed.field.argument is not None:
            key = f"{typed.field.field.name}[{typed.field.argument}]"
        choices = self.choices.setdefault(key, (typed, []))[1]
        right = test.right
        texts = [one.value for one in right.items if isinstance(one, Text)] if isinstance(right, Items) else []
        texts += [right.value] if isinstance(right, Text) else []
        if unparse_term(test.left) == "evt.type":
            self.types.update(texts)
        for text in texts:
            value = constant(typed.type, typed.bits, test.op, text)
            choices.append(value if typed.type is not FieldType.IPNET else value[1].to_bytes(value[0]))

    def draw(self, chance: random.Random) -> DataEvent:
        data: dict[str, Any] = {}
        for key, (typed, choices) in self.choices.items():
            if chance.random() < 0.85:
                value = self._value(typed, choices, chance)
                many = typed.match is not Match.ONE
                data[key] = (value, self._value(typed, choices, chance)) if many else value
        return DataEvent("syscall", chance.choice(sorted(self.types)), 0, chance.randint(1, 9), data)

    def _value(self, typed: Any, choices: list[Any], chance: random.Random) -> Any:
        if typed.type is FieldType.BOOL:
            return chance.random() < 0.7
        if not choices or chance.random() < 0.1:
            return chance.choice(OTHERS.get(typed.type, [0, 3, -1]))
        value = chance.choice(choices)
        if isinstance(value, str) and chance.random() < 0.5:
            return chance.choice(["", "/x"]) + value.replace("*", "z") + chance.choice(["", "/y", " tail"])
        return value


@pytest.mark.parametrize("seed", range(8))
def test_the_code_for_all_rules_agrees_with_the_interpreter_property(
    rules: list[RuleInput], fields: FieldRegistry, seed: int
) -> None:
    chance = random.Random(seed)
    values = Values([rule.condition for rule in rules], fields)
    chosen = rules if seed % 2 else chance.sample(rules, 10)
    program = compile_rules(chosen, fields, "all")
    truth = Interpreter(fields)
    events = [values.draw(chance) for _ in range(120)]

    found = [(id(event), position) for event, position in program.evaluate(events)]

    expected = [(id(event), n) for event in events for n, one in enumerate(chosen) if truth.holds(one.condition, event)]
    assert expected == found
    assert found or len(chosen) < len(rules)
