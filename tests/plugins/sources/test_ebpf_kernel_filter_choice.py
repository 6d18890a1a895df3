"""Which calls have a kernel filter, and what it asks: without a kernel."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.predicate import Comparison
from mozu.core.language.conditions import RuleInput, compile_rules, parse
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose
from mozu.plugins.sources.ebpf.kernel_filter.expression import (
    Check,
    Expression,
    cost,
    every,
    factored,
    in_c,
    negated,
    replaced,
    some,
)

FIELDS = FieldRegistry(builtin_fields())
EXEC_INVARIANT = [field.name for field in FIELDS if "exec_invariant" in field.traits]
OPENS = "evt.type in (open, openat)"


def chosen(*conditions: str, state_dependencies: dict[str, str] | None = None) -> Chosen:
    """The kernel filters of some rules; `state_dependencies`: what outputs need of a type."""
    rules = [RuleInput(text, "syscall", parse(text)) for text in conditions]
    program = compile_rules(rules, FIELDS, "all")
    types = {
        name: Interest(
            needs | set((state_dependencies or {}).get(name, "").split()), program.predicates["syscall"].get(name, ALL)
        )
        for name, needs in program.needs["syscall"].items()
    }
    return choose(Demand({"syscall": types}), types, EXEC_INVARIANT)


ALL = Interest().predicate


def filtered(*conditions: str, state_dependencies: dict[str, str] | None = None) -> set[str]:
    return set(chosen(*conditions, state_dependencies=state_dependencies).functions)


def test_a_call_has_a_kernel_filter_if_rules_say_what_a_kernel_filter_can_test() -> None:
    assert {"open", "openat"} == filtered(f"{OPENS} and fd.name = /a")
    assert set() == filtered(f"{OPENS} and user.name = root")
    assert set() == filtered(f"{OPENS} and fd.name = /a", f"{OPENS} and proc.pname = cat")


def test_calls_with_the_same_test_share_a_kernel_filter() -> None:
    functions = chosen(f"{OPENS} and fd.name = /a", "evt.type = creat and fd.name = /b").functions

    assert functions["open"].name == functions["openat"].name != functions["creat"].name


@pytest.mark.parametrize("kind", ["connect", "accept", "bind", "memfd_create", "execve", "close", "chdir"])
def test_calls_that_change_the_state_have_none(kind: str) -> None:
    assert set() == filtered(f"evt.type = {kind} and evt.failed = true")


def test_whoever_asks_for_all_descriptors_of_a_process_gets_every_call_on_them() -> None:
    rules = (f"{OPENS} and fd.name = /a", "evt.type = unlink and evt.failed = true")

    assert {"open", "openat", "unlink"} == filtered(*rules)
    assert {"unlink"} == filtered(*rules, "evt.type = execve and proc.stdin.type = file")


def test_names_of_files_are_kept_for_those_who_show_them() -> None:
    rule = f"{OPENS} and fd.name = /a"
    alone, beside = chosen(rule), chosen(rule, "evt.type = fchmod and fd.name = /b")

    assert "path_differs" not in alone.functions["openat"].body
    assert "must_emit_path" in beside.functions["openat"].body
    elsewhere = chosen(rule, "evt.type = fchownat and fd.name = /b")
    assert "path_differs" in elsewhere.functions["openat"].body


def test_names_of_sockets_are_no_names_of_files() -> None:
    rule = f"{OPENS} and fd.name = /a"
    others = (
        "evt.type = connect and fd.name contains x",
        "evt.type = dup and fd.type in (ipv4) and fd.name contains x",
    )

    assert "path_differs" not in chosen(rule, *others).functions["openat"].body


def test_messages_have_kernel_filters_only_if_all_have_the_same() -> None:
    both = "evt.type in (sendto, sendmsg) and fd.connected = false"

    assert {"sendto", "sendmsg"} == filtered(both)
    assert set() == filtered(both, "evt.type = recvfrom and evt.failed = true")


def test_a_process_is_asked_about_where_the_call_alone_says_too_little() -> None:
    narrow = chosen(f"{OPENS} and proc.name = cat and fd.name = /a")
    wide = chosen(f"{OPENS} and proc.name = cat and not fd.name = /a and user.uid = 0")

    assert () == narrow.predicates
    assert (Comparison("proc.name", "in", ("cat",)),) == wide.predicates
    assert "may >> 0 & 1" in wide.functions["openat"].body


def test_parents_and_users_are_no_question() -> None:
    assert () == chosen(f"{OPENS} and proc.pname = cat and user.uid = 0 and evt.failed = true").predicates


def test_no_more_is_asked_than_there_are_bits() -> None:
    rules = [f"{OPENS} and proc.name = p{number} and evt.rawres = {number}" for number in range(80)]

    found = chosen(*rules)

    assert 64 == len(found.predicates)
    assert {"open", "openat"} == set(found.functions)


def test_a_kernel_filter_that_would_be_too_long_is_none() -> None:
    rules = [f'{OPENS} and fd.name = "/{"x" * 200}{number}"' for number in range(300)]

    assert set() == filtered(*rules)


def test_expressions_are_joined_without_what_is_needless() -> None:
    a, b, c = Check("a"), Check("b", 5), Check("c", 2)

    assert "((a) && (c) && (b))" == in_c(every((b, every((a, c)), a)))
    assert "(a)" == in_c(some((a, every((a, b)))))
    assert "(a)" == in_c(every((a, some((a, b)))))
    assert "((!(a)) || (!(b)))" == in_c(negated(every((a, b))))
    assert (False, True) == (every((a, False)), some((a, True)))


_CHECKS = [Check(letter) for letter in "abcd"]
_EXPRESSIONS = st.recursive(
    st.sampled_from(_CHECKS),
    lambda inner: st.lists(inner, min_size=1).map(every) | st.lists(inner, min_size=1).map(some),
    max_leaves=20,
)


@given(_EXPRESSIONS)
def test_fuzz_tests_made_once_for_all_say_the_same(wanted: Expression) -> None:
    shorter = factored(wanted)

    assert cost(shorter) <= cost(wanted)
    for values in itertools.product((False, True), repeat=len(_CHECKS)):
        holds = dict(zip(_CHECKS, values, strict=True))
        assert replaced(shorter, holds.__getitem__) is replaced(wanted, holds.__getitem__)


def test_what_alternatives_share_is_tested_once() -> None:
    a, b, c, d = _CHECKS

    assert "((d) || ((a) && ((b) || (c))))" == in_c(factored(some((every((a, b)), d, every((c, a))))))
    assert a == factored(some((a, every((a, b)))))
