"""The gate of the source ptrace: calls that it asks about, and calls that it refuses unasked."""

import logging

import pytest
from pydantic import ValidationError

from mozu.core.model.arch import MACHINE, X86_64
from mozu.core.model.event import SyscallEvent
from mozu.core.model.syscalls import call_number, machine_number
from mozu.plugins.sources.ptrace import PtraceSettings
from mozu.plugins.sources.ptrace.call_gate import CallGate
from mozu.plugins.sources.ptrace.native import StoppedCall
from mozu.plugins.sources.ptrace.reading import ReaderContext, readers
from mozu.plugins.sources.ptrace.reading.reader import ForeseesCalls, TracedTask

NUMBERS = {name: machine_number(name) for name in ("openat", "io_uring_setup", "seccomp")}
NARROW = {name: call_number(name, MACHINE.compat_abi) or 0 for name in ("open", "exit", "exit_group")}


def gate(*types: str, denied: bool = True) -> CallGate:
    return CallGate(frozenset(types), lambda event: denied, logging.getLogger("test"))


def call(number: int, arch: int = MACHINE.audit_arch, second: int = 0) -> StoppedCall:
    return StoppedCall(0, arch, number, (0, second, 0, 0, 0, 0), 0)


@pytest.mark.parametrize(
    ("made", "refused"),
    [
        (call(NUMBERS["openat"]), False),
        (call(NUMBERS["io_uring_setup"]), True),
        (call(NUMBERS["seccomp"], second=1), False),
        (call(NUMBERS["seccomp"], second=8), True),
        (call(NARROW["open"], MACHINE.compat_audit_arch), True),
        (call(NARROW["exit"], MACHINE.compat_audit_arch), False),
        (call(NARROW["exit_group"], MACHINE.compat_audit_arch), False),
        (call(NARROW["exit"], 0xC0000015), True),
    ],
)
def test_what_cannot_be_judged_is_refused(made: StoppedCall, refused: bool) -> None:
    assert refused is gate().refuses_unjudged(TracedTask(1, 1), made)


@pytest.mark.skipif(MACHINE is not X86_64, reason="x32 is an ABI of x86-64")
def test_calls_of_x32_are_refused() -> None:
    assert gate().refuses_unjudged(TracedTask(1, 1), call(NUMBERS["openat"] | X86_64.other_abi_bit))


def test_each_kind_is_reported_once(caplog: pytest.LogCaptureFixture) -> None:
    one = gate()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            one.refuses_unjudged(TracedTask(1, 1), call(NUMBERS["io_uring_setup"]))
    assert 1 == len(caplog.records)


def test_a_rule_about_programs_is_about_execveat_too() -> None:
    assert frozenset({"execve", "execveat"}) == gate("execve").types


def test_types_that_cannot_be_denied_are_named() -> None:
    one = gate("openat", "read", "clone")
    assert (frozenset({"openat"}), frozenset({"read", "clone"})) == (one.types, one.undeniable)


def test_a_rule_about_any_call_is_about_all_that_can_be_denied() -> None:
    assert {"openat", "unlinkat", "renameat2", "connect", "execve", "sendto", "sendmmsg"} <= gate("*").types


def test_every_type_that_can_be_denied_has_a_reader_that_foresees() -> None:
    found = {one.name: one for one in readers(ReaderContext()).values()}
    assert set() == {name for name in gate("*").types if not isinstance(found[name], ForeseesCalls)}


def test_a_type_that_no_rule_denies_is_not_asked_about() -> None:
    def ask(event: SyscallEvent) -> bool:
        raise AssertionError("asked")

    one = CallGate(frozenset({"unlink"}), ask, logging.getLogger("test"))
    reader = next(one for one in readers(ReaderContext()).values() if one.name == "openat")
    assert not one.denies(TracedTask(1, 1), reader)


def test_only_a_command_can_be_denied_calls() -> None:
    assert PtraceSettings(command=("true",), deny=True).deny
    with pytest.raises(ValidationError, match="`deny` needs `command`"):
        PtraceSettings(deny=True)
