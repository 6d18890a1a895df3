"""Events of types with an exact filter pass if and only if a rule matches, as the evaluator judges."""

import copy
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pytest

from mozu.core.state import StateMachine
from mozu.plugins.sources.ebpf.kernel_filter import choose
from tests.plugins.sources.test_ebpf_kernel_filter_fuzz import random_steps
from tests.support.acts import opens
from tests.support.acts.raw import calls
from tests.support.filter_comparison import OPENS, FilterComparison, alerts, program_of, wants
from tests.support.filter_conditions import random_test
from tests.support.live import Act

pytestmark = pytest.mark.ebpf

ROUNDS: Final = 60 if os.environ.get("MOZU_FUZZ") == "full" else 12
_RESULTS: Final = (
    "evt.failed = true", "evt.failed != true", "evt.res = SUCCESS", "evt.res != SUCCESS", "evt.rawres >= 0",
    "evt.rawres < 0", "evt.res in (ENOENT, ENOTDIR, EPERM)", "evt.res != ENOENT", "evt.rawres in (-1, -2, -3, -20)",
    "evt.rawres != -2",
)  # fmt: skip
_OF_OPENS: Final = (
    *_RESULTS, "fd.num >= 0", "fd.num = -1", "fd.num < 6", "fd.num in (3, 4, 5)", "fd.num != -1",
    "evt.is_open_read = true", "evt.is_open_write = true", "evt.is_open_exec = true", "evt.is_open_write != true",
)  # fmt: skip
_OF_CALLS: Final = {
    "ptrace": (*_RESULTS, "evt.rawarg.pid = 77777", "evt.rawarg.pid in (1, 77777)", "evt.rawarg.pid != 1"),
    "socket": (*_RESULTS, "evt.rawarg.proto = 0", "evt.rawarg.proto in (6, 17)", "evt.rawarg.proto != 6"),
}


def random_condition(chance: random.Random, tests: Sequence[str], depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.35:
        test = chance.choice(tests)
        return test if chance.random() < 0.6 else f"not {test}"
    joint = chance.choice((" and ", " or "))
    whole = joint.join(f"({random_condition(chance, tests, depth + 1)})" for _ in range(chance.randint(2, 3)))
    return whole if chance.random() < 0.8 else f"not ({whole})"


def exact_types(rules: Sequence[str]) -> set[str]:
    """Return the event types of these rules whose filter is exact."""
    demand = wants(rules)
    functions = choose(demand, demand.of("syscall")).functions
    return {name for name, function in functions.items() if function.is_exact}


def matched(rules: Sequence[str], act: Act, kind: str) -> list[Any]:
    """Return the parameters of events that match a rule in the evaluator."""
    shown = StateMachine().apply([copy.copy(event) for event in act.events])
    found = {id(event): event for event, _ in program_of(rules).evaluate(shown)}
    return [event.args for event in found.values() if event.type == kind]


def compared(rules: Sequence[str], filtered: Act, whole: Act) -> tuple[int, int]:
    """Return (number of events that passed, number of those that did not) of the exact types."""
    passed = dropped = 0
    for kind in exact_types(rules):
        expected = matched(rules, whole, kind)
        assert expected == [event.args for event in filtered.of(kind)], (kind, rules)
        passed, dropped = passed + len(expected), dropped + len(whole.of(kind)) - len(expected)
    assert alerts(rules, filtered) == alerts(rules, whole), rules
    return passed, dropped


def test_opens_pass_an_exact_filter_if_and_only_if_a_rule_matches_fuzz(
    comparison: FilterComparison, likely: Path
) -> None:
    passed = dropped = 0
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        tests = [*_OF_OPENS, *([random_test(chance, likely)] if seed % 3 == 0 else [])]
        rules = [f"{OPENS} and ({random_condition(chance, tests)})" for _ in range(chance.randint(1, 3))]
        comparison.want(*rules)

        more = compared(rules, *comparison.act(opens.many, random_steps(chance, likely, 200), ""))

        passed, dropped = passed + more[0], dropped + more[1]
    assert passed > 50 * ROUNDS
    assert dropped > 10 * ROUNDS


def test_calls_pass_an_exact_filter_if_and_only_if_a_rule_matches_fuzz(comparison: FilterComparison) -> None:
    passed = dropped = 0
    for seed in range(ROUNDS):
        chance = random.Random(1000 + seed)
        rules = [f"evt.type = {kind} and ({random_condition(chance, tests)})" for kind, tests in _OF_CALLS.items()]
        comparison.want(*rules)
        steps: list[tuple[Any, ...]] = [
            chance.choice(
                (
                    ("ptrace", 16, chance.choice((1, 77777, 66666)), 0, 0),
                    ("socket", chance.choice((1, 2, 77)), chance.choice((1, 2, 3, 9)), chance.choice((0, 6, 17, 99))),
                )
            )
            for _ in range(100)
        ]

        more = compared(rules, *comparison.act(calls, *steps))

        passed, dropped = passed + more[0], dropped + more[1]
    assert passed > 20 * ROUNDS
    assert dropped > 10 * ROUNDS
