"""Programs of kernel filters decide any formula as Python does. Without a kernel."""

import os
import random
from collections.abc import Callable
from typing import Final

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.syscall_tables import NUMBERS_END
from mozu.core.filter.formula import FALSE, TRUE, Formula, all_of, any_of, negation
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.kernel_filter import names
from mozu.plugins.sources.ebpf.kernel_filter.check import (
    ByteHint,
    NumberCheck,
    ProcessCheck,
    SearchCheck,
    Subject,
    about,
    checks,
)
from mozu.plugins.sources.ebpf.kernel_filter.filter_program import (
    OpenedName,
    failed_program,
    open_program,
    plain_program,
)
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode, operations
from tests.support import bpf_machine, filter_facts
from tests.support.bpf_verifier import RARELY
from tests.support.filter_facts import Facts, is_true, of_call, of_open, of_socket, random_facts, random_formula

OPENAT: Final = SYSCALL_SPECS["openat"]
ROUNDS: Final = 1000 if os.environ.get("MOZU_FUZZ") == "full" else 60
EACH: Final = 12


def outcome(
    code: RelocatableCode, facts: Facts, number: int, *, named: bool = True, kept: int = 0, reached: bool = True
) -> bpf_machine.Outcome:
    """Run a filter's program. `named`: True if the path is plain; `kept`: result of the subprogram that may let an open
    pass; `reached`: True if the place that the open reached is known.
    """
    junk = random.Random(len(facts.name)).choices(b"/etc.sh\0", k=600)
    maps = {
        "SYSCALL_CTX": filter_facts.call_of(facts, number),
        "FILTER_SCRATCH": filter_facts.scratch_of(facts, junk=junk),
    }
    failed = facts.numbers[Subject.CALL, "result", 0] < 0
    return bpf_machine.run(
        code,
        maps,
        {
            "part_open_args": lambda: 0,
            "part_sock": lambda: 0,
            "part_name": lambda: int(named),
            "part_reached": lambda: int(facts.real != facts.name) if reached else 2,
            "part_process_bits": lambda: facts.verdict,
            "part_must_emit_path": lambda: 0 if failed else kept,
            "part_must_emit_differing": lambda: 0 if failed else kept,
            "part_count_filtered": lambda: 0,
        },
    )


def passes(code: RelocatableCode, facts: Facts, number: int, *, named: bool = True, kept: int = 0) -> bool:
    """Return True if an event is passed on to the program of its family, False if it is counted as filtered."""
    found = outcome(code, facts, number, named=named, kept=kept)
    assert found.tail_call in (None, number + NUMBERS_END)
    assert (found.tail_call is None) == ("part_count_filtered" in found.called)
    return found.tail_call is not None


@pytest.mark.parametrize("length", range(1, 17))
def test_a_text_is_found_at_every_place_and_nowhere_else(length: int) -> None:
    text = b"/abcdefghijklmnop"[:length]
    code = open_program(SearchCheck(text), OpenedName.UNUSED)
    facts = random_facts(random.Random(length))

    def found(name: bytes) -> bool:
        return passes(code, facts._replace(name=name, real=name), OPENAT.number)

    for before in range(12):
        for behind in range(6):
            name = b"/" + b"x" * before + text + b"y" * behind
            assert found(name)
            for at in range(length):
                for byte in (ord("z"), text[at] ^ 1):
                    other = bytearray(name)
                    other[1 + before + at] = byte
                    assert found(bytes(other)) is (text in other), (name, at)
    assert not found(text[:-1] or b"z")


def test_the_loop_of_a_search_is_followed_once_by_a_verifier_that_knows_may_goto() -> None:
    code = open_program(SearchCheck(b"text"), OpenedName.UNUSED)
    assert [operation for _, operation, *_ in operations(code.instructions)].count(RARELY) == 1


@pytest.mark.parametrize("opened", OpenedName)
def test_an_open_passes_if_and_only_if_the_formula_is_true_fuzz(opened: OpenedName) -> None:
    decided = {True: 0, False: 0}
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        wanted = random_formula(chance, of_open)
        code = open_program(wanted, opened)
        for _ in range(EACH):
            facts, kept = random_facts(chance), chance.randrange(2)
            succeeded = facts.numbers[Subject.CALL, "result", 0] >= 0
            expected = is_true(wanted, facts) or bool(opened.value and kept and succeeded)
            assert expected is passes(code, facts, OPENAT.number, kept=kept), (seed, wanted, facts)
            decided[expected] += 1
    assert min(decided.values()) > ROUNDS


@pytest.mark.parametrize(("name", "test"), [("recvfrom", of_socket), ("fchmod", of_socket), ("ptrace", of_call)])
def test_another_call_passes_if_and_only_if_the_formula_is_true_fuzz(name: str, test: object) -> None:
    spec, decided = SYSCALL_SPECS[name], {True: 0, False: 0}
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        assert callable(test)
        wanted = random_formula(chance, test)
        code = plain_program(wanted, spec)
        for _ in range(EACH):
            facts = random_facts(chance)
            expected = is_true(wanted, facts)
            assert expected is passes(code, facts, spec.number), (seed, wanted, facts)
            decided[expected] += 1
    assert min(decided.values()) > ROUNDS


@pytest.mark.parametrize(
    ("test", "before", "behind"),
    [
        (names.equal, "", ""), (names.begins, "", "/x"), (names.ends, "/usr/x", ""), (names.filename_is, "/usr/", ""),
        (names.filename_begins, "/usr/", "x"), (names.directory_is, "", "/x"),
    ],
)  # fmt: skip
def test_a_part_of_a_path_is_reported_by_each_of_its_bytes(
    test: Callable[[str], Formula], before: str, behind: str
) -> None:
    facts, letters = random_facts(random.Random(1)), "abcdefghijklmnopqrstuvwxyz"
    for length in (*range(2, 14), *range(30, 40), 64, 100):
        text = (("" if before else "/") + letters[length % 7 :] * 6)[:length]
        code = open_program(test(text), OpenedName.UNUSED)
        assert passes(code, facts._replace(name=f"{before}{text}{behind}".encode()), OPENAT.number), length
        for at in range(0 if before else 1, length):
            other = f"{before}{text[:at]}Q{text[at + 1 :]}{behind}".encode()
            assert not passes(code, facts._replace(name=other), OPENAT.number), (length, at)


def test_an_exec_passes_if_it_failed_and_the_formula_is_true_and_is_counted_only_if_it_failed_fuzz() -> None:
    number, decided = SYSCALL_SPECS["execve"].number, {"passed": 0, "discarded": 0, "succeeded": 0}
    for seed in range(ROUNDS):
        chance = random.Random(seed)
        wanted = random_formula(chance, of_call)
        code = failed_program(wanted)
        for _ in range(EACH):
            facts = random_facts(chance)
            found = outcome(code, facts, number)
            kind = "passed" if is_true(wanted, facts) else "discarded"
            if facts.numbers[Subject.CALL, "result", 0] >= 0:
                kind = "succeeded"
            goes_to = number + NUMBERS_END if kind == "passed" else None
            assert (goes_to, kind == "discarded") == (found.tail_call, "part_count_filtered" in found.called), seed
            decided[kind] += 1
    assert min(decided.values()) > ROUNDS


def of_names(paths: list[str]) -> Formula:
    return any_of(map(names.equal, paths))


def test_many_paths_are_searched_and_not_compared_one_after_the_other() -> None:
    paths = [f"/usr/share/{number * 7919 % 1000:03}/file" for number in range(500)]
    code = open_program(of_names(paths), OpenedName.UNUSED)
    facts = random_facts(random.Random(1))

    def run(path: str) -> bpf_machine.Outcome:
        return outcome(code, facts._replace(name=path.encode()), OPENAT.number)

    unwanted = [f"{path}x" for path in paths]
    assert [path for path in [*paths, *unwanted] if run(path).tail_call is not None] == paths
    assert max(run(path).steps for path in unwanted) < 100


def test_a_path_that_is_not_plain_passes() -> None:
    code = open_program(names.equal("/etc/shadow"), OpenedName.UNUSED)
    facts = random_facts(random.Random(1))

    assert not passes(code, facts, OPENAT.number)
    assert passes(code, facts, OPENAT.number, named=False)


def test_an_open_that_reached_an_unknown_place_passes() -> None:
    code = open_program(about(names.equal("/etc/shadow"), Subject.REAL), OpenedName.UNUSED)
    facts = random_facts(random.Random(1))._replace(name=b"/x", real=b"/x")

    assert outcome(code, facts, OPENAT.number).tail_call is None
    assert outcome(code, facts, OPENAT.number, reached=False).tail_call is not None


def test_where_an_open_arrived_is_not_asked_where_no_test_is_about_it() -> None:
    code = open_program(names.equal("/etc/shadow"), OpenedName.UNUSED)

    assert "part_reached" not in {one.name for one in code.relocations}


def test_the_name_is_not_read_where_numbers_decide() -> None:
    failed = NumberCheck(Subject.CALL, "result", "<", 0)
    code = open_program(all_of((failed, names.equal("/etc/shadow"))), OpenedName.UNUSED)
    facts = random_facts(random.Random(1))
    succeeded = facts._replace(numbers={**facts.numbers, (Subject.CALL, "result", 0): 3})

    assert ["part_open_args", "part_count_filtered"] == outcome(code, succeeded, OPENAT.number).called


def test_a_process_is_looked_up_last_where_its_verdict_can_only_confirm() -> None:
    code = open_program(all_of((names.equal("/etc/shadow"), ProcessCheck(3))), OpenedName.KEPT)
    facts = random_facts(random.Random(1))._replace(verdict=8)

    elsewhere = outcome(code, facts._replace(name=b"/etc/passwd"), OPENAT.number).called
    there = outcome(code, facts._replace(name=b"/etc/shadow"), OPENAT.number)

    assert "part_process_bits" not in elsewhere
    assert "part_process_bits" == there.called[-1]
    assert OPENAT.number + NUMBERS_END == there.tail_call


def test_equal_programs_have_one_name() -> None:
    one, same, other = (open_program(names.equal(path), OpenedName.UNUSED) for path in ("/a", "/a", "/b"))

    assert one == same
    assert one.name != other.name


@pytest.mark.parametrize("wanted", [TRUE, FALSE])
def test_what_never_runs_is_no_part_of_the_program(wanted: Formula) -> None:
    """The verifier refuses instructions that cannot be reached."""
    code = plain_program(wanted, SYSCALL_SPECS["ptrace"])

    assert passes(code, random_facts(random.Random(1)), 101) is (wanted is TRUE)
    assert ("part_count_filtered" in {one.name for one in code.relocations}) is (wanted is FALSE)


def test_negated_alternatives_are_searched_like_others() -> None:
    wanted = all_of(negation(names.equal(f"/{letter}/x")) for letter in "abcdefgh")
    code = open_program(wanted, OpenedName.UNUSED)
    facts = random_facts(random.Random(1))

    assert [passes(code, facts._replace(name=f"/{letter}/x".encode()), 257) for letter in "axhi"] == [
        False,
        True,
        False,
        True,
    ]


@pytest.mark.parametrize("opened", [OpenedName.UNUSED, OpenedName.KEPT])
def test_whatever_lies_in_its_maps_a_program_ends_and_stays_in_them_fuzz(opened: OpenedName) -> None:
    """A process that writes while its path is read can leave any bytes there, except for results that a subprogram
    computes itself; the kernel's verifier assumes any value for all of them.
    """
    for seed in range(ROUNDS // 2):
        chance = random.Random(seed)
        wanted = random_formula(chance, of_open)
        code = open_program(wanted, opened, wanted)
        for _ in range(4):
            maps = {name: bytearray(chance.randbytes(wire.size(struct))) for name, struct in MAPS.items()}
            results = {one.name: chance.choice((0, 1, 2)) for one in code.relocations}
            found = bpf_machine.run(
                code,
                maps,
                {name: lambda given=given: given for name, given in results.items()},  # type: ignore[misc]
            )
            assert found.steps < 20_000


MAPS: Final = {"SYSCALL_CTX": "syscall_ctx", "FILTER_SCRATCH": "filter_scratch"}


@pytest.mark.parametrize("missing", MAPS)
def test_a_program_that_finds_no_memory_does_nothing(missing: str) -> None:
    code = plain_program(FALSE, SYSCALL_SPECS["ptrace"])
    maps = {name: bytearray(wire.size(struct)) for name, struct in MAPS.items() if name != missing}

    found = bpf_machine.run(code, maps, {})

    assert (0, None, []) == (found.returned, found.tail_call, found.called)


@pytest.mark.parametrize("wanted", [TRUE, FALSE])
def test_a_program_returns_0_whether_or_not_there_is_one_that_goes_on(wanted: Formula) -> None:
    code = plain_program(wanted, SYSCALL_SPECS["ptrace"])
    maps = {name: bytearray(wire.size(struct)) for name, struct in MAPS.items()}

    found = bpf_machine.run(code, maps, {"part_count_filtered": lambda: 7}, goes_on=False)

    assert found.returned == 0
    assert (found.tail_call is not None) is (wanted is TRUE)


def test_alternatives_that_compare_one_number_take_few_steps_however_many_there_are() -> None:
    spec = SYSCALL_SPECS["ptrace"]
    steps = []
    for count in (4, 64, 1024):
        requests = [NumberCheck(Subject.CALL, "args", "==", 3 * one) for one in range(count)]
        code = plain_program(any_of(requests), spec)
        facts = random_facts(random.Random(1))
        runs = []
        for value in (0, 3 * count - 3, 3 * count // 2 * 3 // 3, 1, 3 * count, 1 << 40):
            numbers = {**facts.numbers, (Subject.CALL, "args", 0): value}
            found = outcome(code, facts._replace(numbers=numbers), spec.number)
            assert (found.tail_call is not None) is (value % 3 == 0 and value < 3 * count)
            runs.append(found.steps)
        steps.append(max(runs))
    assert steps[1] - steps[0] <= 10
    assert steps[2] - steps[1] <= 10


@pytest.mark.parametrize("byte", [b"/", b"q", b"Z", b"\x7f", b"\x01"])
def test_a_byte_is_looked_for_in_every_word_of_a_path(byte: bytes) -> None:
    """The search is exact if the path is ASCII."""
    code = open_program(ByteHint(byte[0]), OpenedName.UNUSED)
    facts, spec = random_facts(random.Random(1)), OPENAT
    for length in (*range(2, 20), 63, 64, 65, 200):
        without = b"a" * length
        for at in (*range(min(length, 20)), length - 1):
            name = without[:at] + byte + without[at + 1 :]
            maps = {
                "SYSCALL_CTX": filter_facts.call_of(facts, spec.number),
                "FILTER_SCRATCH": filter_facts.scratch_of(facts._replace(name=name), junk=bytes(600)),
            }
            parts = {"part_open_args": lambda: 0, "part_name": lambda: 1, "part_count_filtered": lambda: 0}
            assert bpf_machine.run(code, maps, parts).tail_call is not None, (length, at)
            maps["FILTER_SCRATCH"] = filter_facts.scratch_of(facts._replace(name=without), junk=bytes(600))
            assert bpf_machine.run(code, maps, parts).tail_call is None, (length, at)


def test_texts_that_share_a_byte_are_searched_after_one_look_for_it() -> None:
    wanted = names.with_byte_hints(any_of((SearchCheck(b"za"), SearchCheck(b"qz"))))

    assert [ByteHint(ord("z"))] == [check for check in checks(wanted) if isinstance(check, ByteHint)]
