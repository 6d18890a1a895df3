"""Random formulas over six tests of different cost, many rules at once, under all 64 assignments.

Errors in remembering results from one test to the next show here.
"""

import itertools
import random

import pytest

from mozu.core.language.conditions import RuleInput, compile_rules, parse
from tests.core.language.conditions.interpreter import Interpreter
from tests.core.language.conditions.world import event, registry

FIELDS = registry()
TRUTH = Interpreter(FIELDS)
ATOMS = {
    "proc.pid = 1": ("proc_pid", 1),
    "proc.name startswith a": ("proc_name", "a"),
    "fd.name contains /x": ("fd_name", "a/x"),
    "proc.cmdline regex c+": ("proc_cmdline", "cc"),
    "evt.arg.flags glob f*": ("evt_arg.flags", "f1"),
    "proc.aname in (s, t)": ("proc_aname", ("r", "t")),
}
EVENTS = [
    event(**{name: value for (name, value), there in zip(ATOMS.values(), chosen, strict=True) if there})
    for chosen in itertools.product((False, True), repeat=len(ATOMS))
]


def formula(chance: random.Random, depth: int) -> str:
    kind = chance.choice(["and", "or", "not", "atom"]) if depth else "atom"
    if kind == "atom":
        return chance.choice(list(ATOMS))
    if kind == "not":
        return f"not ({formula(chance, depth - 1)})"
    return f" {kind} ".join(f"({formula(chance, depth - 1)})" for _ in range(chance.randint(2, 3)))


@pytest.mark.parametrize("seed", range(12))
def test_rules_decide_as_their_truth_tables_say_property(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(20):
        trees = [parse(formula(chance, 4)) for _ in range(chance.randint(1, 6))]
        program = compile_rules([RuleInput("", "syscall", tree) for tree in trees], FIELDS, "all")

        found = [(id(event), position) for event, position in program.evaluate(EVENTS)]

        assert [(id(e), n) for e in EVENTS for n, tree in enumerate(trees) if TRUTH.holds(tree, e)] == found
