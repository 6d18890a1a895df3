"""Numbers of system calls, compared with those of libseccomp, which others derive from the kernel's sources."""

import ctypes
from typing import Final

import pytest

from mozu.core.model.arch import MACHINES, Abi, Machine
from mozu.core.model.arch.numbers import aarch64, arm, i386, x86_64
from mozu.core.model.syscalls import call_name, call_number, kernel_number
from mozu.core.model.syscalls.runs import spread

TABLES: Final[dict[Abi, dict[int, str]]] = {
    "x86_64": spread(x86_64.CALLS),
    "i386": spread(i386.CALLS),
    "aarch64": spread(aarch64.CALLS),
    "arm": spread(arm.CALLS),
}
AUDIT_ARCHES: Final[dict[Abi, int]] = {
    abi: arch
    for machine in MACHINES.values()
    for abi, arch in ((machine.abi, machine.audit_arch), (machine.compat_abi, machine.compat_audit_arch))
}
LAST: Final = 450
"""End of the numbers of calls that libseccomp 2.5.4 (Debian 12) knows."""


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    try:
        found = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        pytest.skip(f"libseccomp is not installed ({error})")  # a second source of numbers; apt brings it on Debian
    found.seccomp_syscall_resolve_num_arch.restype = ctypes.c_char_p
    return found


@pytest.mark.parametrize("abi", TABLES)
def test_calls_have_the_numbers_that_libseccomp_knows(library: ctypes.CDLL, abi: Abi) -> None:
    arch = ctypes.c_uint32(AUDIT_ARCHES[abi])
    known = {number: library.seccomp_syscall_resolve_num_arch(arch, number) for number in range(LAST)}
    named = {number: name.decode() for number, name in known.items() if name is not None}

    assert len(named) > 300
    differing = {number: (TABLES[abi].get(number), name) for number, name in named.items()}
    assert {} == {number: pair for number, pair in differing.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("abi", TABLES)
def test_no_call_has_two_numbers(abi: Abi) -> None:
    names = list(TABLES[abi].values())
    assert len(names) == len(set(names))


@pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)
def test_every_call_of_a_machine_has_a_number_in_mozu(machine: Machine) -> None:
    """Check for x86-64's number too: without it a call's events would have none."""
    assert [] == [name for name in TABLES[machine.abi].values() if call_number(name) is None]


def test_a_call_of_arm64_has_the_number_of_x86_64_in_mozu_and_its_own_for_the_kernel() -> None:
    openat = call_number("openat")
    assert openat is not None
    assert (257, 56, "openat") == (openat, kernel_number(openat, "aarch64"), call_name(56, "aarch64"))


def test_a_call_that_arm64_does_not_have_is_known_for_its_32_bit_calls() -> None:
    opened = call_number("open")
    assert opened is not None
    assert (None, 5) == (kernel_number(opened, "aarch64"), kernel_number(opened, "arm"))
