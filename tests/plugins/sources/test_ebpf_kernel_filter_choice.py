"""Calls that have a kernel filter, and the filter's tests: without a kernel."""

import os

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import compare
from mozu.core.filter.demand import Demand, Interest
from mozu.core.filter.formula import FALSE, TRUE, Leaf, all_of, any_of, interned, may_hold, negation
from mozu.core.language.conditions import RuleInput, compile_rules, parse, simplify, text_of
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields
from mozu.plugins.rules.falco.evaluator import FalcoEvaluator
from mozu.plugins.rules.falco.settings import FalcoSettings
from mozu.plugins.sources.ebpf import assembly
from mozu.plugins.sources.ebpf.kernel_filter import Chosen, choose, discardable_opens, names
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    ByteHint,
    BytesCheck,
    Check,
    NamePart,
    NumberCheck,
    ProcessCheck,
    SearchCheck,
    Subject,
    checks,
    cost,
    without,
)
from mozu.plugins.sources.ebpf.kernel_filter.filter_function import FilterFunction, first_inexact
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import OpenedName
from mozu.plugins.sources.ebpf.kernel_filter.names import with_byte_hints
from mozu.plugins.sources.ebpf.kernel_filter.process_predicates import cacheable_fields
from mozu.plugins.sources.ebpf.tracepoints import filterable_types
from tests.plugins.rules.making import context
from tests.support.filter_facts import Facts, is_true

FIELDS = FieldRegistry(builtin_fields())
CACHEABLE = cacheable_fields(FIELDS)
OPENS = "evt.type in (open, openat)"


def chosen(*conditions: str, state_dependencies: dict[str, str] | None = None) -> Chosen:
    """Return the kernel filters of some rules; `state_dependencies`: event type → need of the outputs."""
    rules = [RuleInput(text, "syscall", parse(text)) for text in conditions]
    program = compile_rules(rules, FIELDS, "all")
    types = {
        name: Interest(
            needs | set((state_dependencies or {}).get(name, "").split()), program.predicates["syscall"].get(name, ALL)
        )
        for name, needs in program.needs["syscall"].items()
    }
    return choose(Demand({"syscall": types}), types, CACHEABLE)


ALL = Interest().predicate


def filtered(*conditions: str, state_dependencies: dict[str, str] | None = None) -> set[str]:
    return set(chosen(*conditions, state_dependencies=state_dependencies).functions)


def called(function: FilterFunction) -> set[str]:
    """Return the function's subprograms, and the maps that it looks at itself."""
    return {one.name for one in function.code.relocations}


def test_a_call_has_a_kernel_filter_if_rules_say_what_a_kernel_filter_can_test() -> None:
    assert {"open", "openat"} == filtered(f"{OPENS} and fd.name = /a")
    assert set() == filtered(f"{OPENS} and user.name = root")
    assert set() == filtered(f"{OPENS} and fd.name = /a", f"{OPENS} and proc.pname = cat")


def test_calls_with_the_same_test_share_a_kernel_filter() -> None:
    functions = chosen(f"{OPENS} and fd.name = /a", "evt.type = creat and fd.name = /b").functions

    assert functions["open"].name == functions["openat"].name != functions["creat"].name


@pytest.mark.parametrize("kind", ["accept", "bind", "memfd_create", "execve", "close", "chdir"])
def test_calls_that_change_the_state_have_none(kind: str) -> None:
    assert set() == filtered(f"evt.type = {kind} and evt.failed = true")


def test_rules_about_all_descriptors_of_a_process_get_every_call_on_them() -> None:
    rules = (f"{OPENS} and fd.name = /a", "evt.type = unlink and evt.failed = true")

    assert {"open", "openat", "unlink"} == filtered(*rules)
    assert {"unlink"} == filtered(*rules, "evt.type = execve and proc.fdopencount > 3")


def test_of_calls_that_copy_descriptors_only_those_to_standard_ones_are_wanted() -> None:
    wanted = Demand({"syscall": {"execve": Interest(frozenset({"tree", "stdio"}))}})

    functions = choose(wanted, filterable_types(wanted), CACHEABLE).functions

    assert {"dup", "dup2", "dup3", "fcntl", "execveat"} == functions.keys()
    assert {name for name, one in functions.items() if one.is_exact} == {"dup", "dup2", "dup3", "fcntl"}
    wanted_of_fcntl = [check for check in checks(functions["fcntl"].wanted) if isinstance(check, NumberCheck)]
    assert {0, 1030} <= {check.constant for check in wanted_of_fcntl if check.member == "args"}


def test_an_exec_that_failed_is_discarded_where_every_rule_wants_one_that_succeeds() -> None:
    wanted = "evt.type in (execve, execveat) and evt.failed = false and proc.pname = cat"

    functions = chosen(wanted).functions

    assert {"execve": FALSE, "execveat": FALSE} == {name: one.wanted for name, one in functions.items()}
    assert not any(one.is_exact for one in functions.values())
    assert {} == chosen(wanted, "evt.type in (execve, execveat) and proc.pname = dog").functions
    function = chosen(wanted, "evt.type = execve and evt.res = EACCES").functions["execve"]
    numbers = [one for one in checks(function.wanted) if isinstance(one, NumberCheck)]
    assert [("==", -13)] == [(one.relation, one.constant) for one in numbers]


def test_an_exec_that_failed_is_discarded_where_only_the_state_wants_execs() -> None:
    wanted = Demand({"syscall": {"connect": Interest(frozenset({"tree"}))}})

    functions = choose(wanted, filterable_types(wanted), CACHEABLE).functions

    assert {"execve": FALSE, "execveat": FALSE} == {name: one.wanted for name, one in functions.items()}
    whole = Demand({"syscall": {"execve": Interest(frozenset({"tree"}))}})
    assert "execve" not in choose(whole, filterable_types(whole), CACHEABLE).functions


def test_a_rule_on_standard_descriptors_leaves_opens_filtered() -> None:
    assert {"open", "openat"} == filtered(f"{OPENS} and fd.name = /a", "evt.type = execve and proc.stdin.type = ipv4")


@pytest.mark.parametrize("level", ["low", "medium", "paranoid"])
def test_of_a_process_just_started_the_default_rules_want_no_open_that_builds_and_servers_make(level: str) -> None:
    """The kernel knows at most the name of such a process: every process predicate may hold."""
    running = context()
    demand = FalcoEvaluator(FalcoSettings(level=level), running).demand()
    openat = choose(demand, filterable_types(demand), cacheable_fields(running.fields)).functions["openat"]

    def is_wanted(path: str, flags: int) -> bool:
        numbers = {(Subject.CALL, "args", element): 0 for element in range(6)}
        numbers |= {(Subject.CALL, "result", 0): 3, (Subject.OPEN, "flags", 0): flags, (Subject.OPEN, "mode", 0): 0o644}
        return is_true(openat.wanted, Facts(numbers, path.encode(), (1 << 64) - 1, path.encode()))

    read = ("/usr/include/stdio.h", "/lib/libc.so.6", "/etc/ld.so.cache", "/tmp/build/part.c", "/var/www/index.html")
    written = ("/tmp/ccAbCdEf.s", "/srv/build/part.o")
    assert [] == [path for path in read if is_wanted(path, os.O_RDONLY)]
    assert [] == [path for path in written if is_wanted(path, os.O_WRONLY | os.O_CREAT)]
    assert is_wanted("/etc/shadow", os.O_RDONLY)
    assert "part_must_emit_path" in called(openat), "an open through a link would have an event for its path alone"


def test_files_of_one_directory_are_what_a_regular_expression_may_say() -> None:
    assert names.directory_is("/etc") == names.matching("/etc/[^/]+")
    assert names.directory_is("/") == names.matching("/[^/]+")
    assert {TRUE} == {names.matching(pattern) for pattern in ("/etc/.+", "(/etc)/[^/]+", "/e.c/[^/]+", "/etc/[^/]*")}


def test_of_fcntl_only_copies_are_wanted_where_names_of_files_are() -> None:
    """Without the event of a copy, the name would be the kernel's path."""
    failed = "evt.type in (dup, dup2, dup3, fcntl) and evt.failed = true"
    found = chosen(f"{OPENS} and fd.name = /a", "evt.type = fchmod and fd.name = /b", failed)

    constants = {check.constant for check in checks(found.functions["fcntl"].wanted) if isinstance(check, NumberCheck)}
    assert {0, 1030} <= constants, "F_DUPFD, F_DUPFD_CLOEXEC"
    assert {"dup", "dup2", "dup3"}.isdisjoint(found.functions)


def test_paths_of_files_are_kept_for_events_that_show_them() -> None:
    rule = f"{OPENS} and fd.name = /a"
    alone, beside = chosen(rule), chosen(rule, "evt.type = fchmod and fd.name = /b")

    assert {"part_must_emit_differing", "part_must_emit_path"}.isdisjoint(called(alone.functions["openat"]))
    assert "part_must_emit_path" in called(beside.functions["openat"])
    below = chosen(rule, "evt.type = fchmodat and fd.name = /b")
    assert "part_must_emit_path" in called(below.functions["openat"])
    elsewhere = chosen(rule, "evt.type = fchownat and fd.name = /b")
    assert "part_must_emit_differing" in called(elsewhere.functions["openat"])


@pytest.mark.parametrize(
    "others",
    [
        ("evt.type = open_by_handle_at and fd.name = /b",),
        ("evt.type = dup and fd.type = ipv4 and fd.name = b", "evt.type = execve and proc.stdin.type = ipv4"),
    ],
    ids=["opened by handle", "copies, of which others change standard descriptors"],
)
def test_events_that_show_no_name_given_by_an_open_leave_opens_and_copies_alone(others: tuple[str, ...]) -> None:
    functions = chosen(f"{OPENS} and fd.name = /a", *others, "evt.type = fcntl and evt.failed = true").functions

    assert {"part_must_emit_differing", "part_must_emit_path"}.isdisjoint(called(functions["openat"]))
    assert "fcntl" in functions


def test_a_command_of_bpf_is_reported_from_others() -> None:
    function = chosen("evt.type = bpf and evt.arg.cmd = BPF_PROG_LOAD").functions["bpf"]

    assert any(isinstance(check, NumberCheck) and check.constant == 5 for check in checks(function.wanted))


def test_a_hidden_file_is_looked_for_only_in_a_path_with_one() -> None:
    wanted = with_byte_hints(chosen(f"{OPENS} and fd.name contains /.aws/").functions["openat"].wanted)

    assert [NumberCheck(Subject.NAME, "hidden", "!=", 0)] == [
        check for check in checks(wanted) if isinstance(check, NumberCheck) and check.of_name
    ]
    assert not any(isinstance(check, ByteHint) for check in checks(wanted))


def test_names_of_sockets_are_no_names_of_files() -> None:
    rule = f"{OPENS} and fd.name = /a"
    others = (
        "evt.type = connect and fd.name contains x",
        "evt.type = dup and fd.type in (ipv4) and fd.name contains x",
    )

    assert "part_must_emit_differing" not in called(chosen(rule, *others).functions["openat"])


@pytest.mark.parametrize(
    "kind", ["fd.type = file", "fd.typechar in (4, f)", "fd.type startswith ipv", "fd.type != ipv4"]
)
def test_what_may_be_a_file_shows_the_name_of_one(kind: str) -> None:
    functions = chosen(f"{OPENS} and fd.name = /a", f"evt.type = fchmod and {kind} and fd.name contains x").functions

    assert "part_must_emit_path" in called(functions["openat"])


def test_messages_have_kernel_filters_only_if_all_have_the_same() -> None:
    both = "evt.type in (sendto, sendmsg) and fd.connected = false"

    assert {"sendto", "sendmsg"} == filtered(both)
    assert set() == filtered(both, "evt.type = recvfrom and evt.failed = true")


def test_there_is_a_process_predicate_where_the_call_alone_says_too_little() -> None:
    narrow = chosen(f"{OPENS} and proc.name = cat and fd.name = /a")
    wide = chosen(f"{OPENS} and proc.name = cat and not fd.name = /a and user.uid = 0")

    assert () == narrow.predicates
    assert (interned(compare("proc.name", "=", ("cat",))),) == wide.predicates
    assert ProcessCheck(0) in checks(wide.functions["openat"].wanted)


def test_parents_and_users_are_no_question() -> None:
    assert () == chosen(f"{OPENS} and proc.pname = cat and user.uid = 0 and evt.failed = true").predicates


def test_there_are_no_more_process_predicates_than_bits() -> None:
    rules = [f"{OPENS} and proc.name = p{number} and evt.rawres = {number}" for number in range(80)]

    found = chosen(*rules)

    assert 64 == len(found.predicates)
    assert {"open", "openat"} == set(found.functions)


def test_what_there_is_no_bit_for_passes_whichever_process_it_is_of() -> None:
    rules = [f"{OPENS} and proc.name = p{number} and evt.rawres = {number}" for number in range(80)]
    wanted = chosen(*rules).functions["openat"].wanted

    def passes(result: int) -> bool:
        """Return True if a process for which no predicate is true passes."""
        return may_hold(
            wanted,
            lambda leaf: isinstance(leaf, NumberCheck) and leaf.member == "result" and leaf.constant == result,
        )

    assert 80 - 64 == sum(map(passes, range(80)))
    assert not passes(80)


def test_a_kernel_filter_that_would_be_too_long_is_none() -> None:
    rules = [f'{OPENS} and fd.name = "/{"x" * 200}{number}"' for number in range(300)]

    assert set() == filtered(*rules)


def test_a_filter_that_would_be_too_long_marks_no_exact_matches_before_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def what_fits(most: int) -> str:
        monkeypatch.setattr(assembly, "_FARTHEST", most)
        found = chosen(f"evt.type = openat and fd.paths in (/etc/shadow{most}, /b/x, /c/x)").functions.get("openat")
        return "nothing" if found is None else "the filter" if found.exact is FALSE else "and exact matches"

    assert ["nothing", "the filter", "and exact matches"] == list(dict.fromkeys(map(what_fits, range(60, 140))))


def test_a_search_costs_more_than_a_comparison() -> None:
    bit, text = ProcessCheck(1), SearchCheck(b"a")

    assert cost(bit) < cost(text)
    assert cost(any_of((bit, all_of((text, negation(bit)))))) == 2 * cost(bit) + cost(text)


@pytest.mark.parametrize(
    ("part", "size", "expected"),
    [
        (NamePart.START, 1, 1), (NamePart.START, 8, 1), (NamePart.START, 9, 2), (NamePart.START, 80, 10),
        (NamePart.FILE, 8, 1), (NamePart.FILE, 32, 4), (NamePart.FILE, 33, 7), (NamePart.FILE, 48, 10),
        (NamePart.END, 1, 3), (NamePart.END, 16, 6),
    ],
)  # fmt: skip
def test_bytes_cost_by_words_and_thrice_where_their_place_is_computed(part: NamePart, size: int, expected: int) -> None:
    assert expected == cost(BytesCheck(part, 0, b"x" * size))


def test_what_other_tests_need_is_known_without_some() -> None:
    bit, text = ProcessCheck(1), SearchCheck(b"a")

    def of_name(check: Check) -> bool:
        return check.subject is Subject.NAME

    assert interned(bit) is without(all_of((bit, text)), of_name)
    assert TRUE is without(any_of((bit, negation(text))), of_name)


@pytest.mark.parametrize(
    ("condition", "exact", "first"),
    [
        ("evt.rawres >= 0 and not evt.is_open_write = true", True, None),
        ("evt.res in (ENOENT, EACCES) or fd.num = 3", True, None),
        ("evt.failed = true and fd.name = /a", False, "fd.name = /a"),
        ("evt.failed = true and evt.arg.flags contains O_TRUNC", False, "evt.arg.flags contains O_TRUNC"),
        ("evt.failed = true and (proc.name = cat or proc.pname = cat)", False, "proc.name = cat"),
    ],
)
def test_a_filter_says_whether_it_is_exact_and_where_it_is_not(condition: str, exact: bool, first: str | None) -> None:
    rule = f"evt.type = openat and ({condition})"

    function = chosen(rule).functions["openat"]
    inexact = first_inexact(SYSCALL_SPECS["openat"], simplify(parse(rule), FIELDS, "syscall", "openat"))

    assert exact is function.is_exact
    assert first == (None if inexact is None else text_of(inexact))


def test_a_filter_that_must_emit_paths_is_not_exact() -> None:
    rules = ("evt.type = openat and evt.failed = true", "evt.type = fchmod and fd.name = /b")

    assert not chosen(*rules).functions["openat"].is_exact


class OfAnotherEvaluator(Leaf, frozen=True):
    """Part of a condition that is no comparison."""


def test_what_is_no_comparison_may_be_true_and_is_not_tested() -> None:
    shadow = compare("fd.name", "=", ("/etc/shadow",))
    functions = [
        choose(Demand({"syscall": {"openat": Interest(predicate=one)}}), ["openat"]).functions.get("openat")
        for one in (all_of((OfAnotherEvaluator(), shadow)), any_of((OfAnotherEvaluator(), shadow)))
    ]

    assert functions[0] is not None
    assert (names.equal("/etc/shadow"), FALSE) == (functions[0].wanted, functions[0].exact)
    assert functions[1] is None


def test_results_that_rules_cannot_read_are_not_tested() -> None:
    """Fields about the result have no value if the parameters are mozu's own, so that `not evt.rawres = 0` holds."""
    assert set() == filtered("evt.type = fchmodat2 and not evt.rawres = 0")
    assert {"fchmodat2"} == filtered("evt.type = fchmodat2 and evt.arg.mode contains S_ISUID")


def test_verdicts_on_containers_are_not_kept_where_the_kernel_does_not_tell_of_moves_between_cgroups() -> None:
    unmoved = cacheable_fields(FIELDS, sees_moves=False)
    assert {"container.id", "proc.name"} <= set(CACHEABLE)
    assert "proc.name" in unmoved
    assert "container.id" not in unmoved
    assert set(unmoved) < set(CACHEABLE)


@pytest.mark.parametrize(
    ("types", "state_dependencies", "expected"),
    [
        (("openat", "open", "close"), "", ({"openat", "open"}, OpenedName.UNUSED)),
        (("openat", "unlinkat"), "", ({"openat"}, OpenedName.UNUSED)),
        (("openat",), "files", (set(), OpenedName.UNUSED)),
    ],
)
def test_opens_that_only_rules_need_may_be_discarded_unless_something_needs_the_files(
    types: tuple[str, ...], state_dependencies: str, expected: tuple[set[str], OpenedName]
) -> None:
    needs = {name: Interest(frozenset(state_dependencies.split()), ALL) for name in types}
    opens, name = discardable_opens(Demand({"syscall": needs}), types)
    assert (opens, name) == (frozenset(expected[0]), expected[1])


@pytest.mark.parametrize(("value", "member"), [("../", "climbs"), ("/.", "hidden"), ("a/.", ""), ("./", ""), ("x", "")])
def test_what_paths_often_contain_is_known_without_a_search(value: str, member: str) -> None:
    found = names.contains(value)
    assert member == (found.member if isinstance(found, NumberCheck) else "")
    assert isinstance(found, NumberCheck if member else SearchCheck)


def test_every_path_contains_nothing() -> None:
    assert names.contains("") is TRUE
