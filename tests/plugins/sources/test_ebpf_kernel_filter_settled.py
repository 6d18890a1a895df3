"""Tests of a comparison that hold for good at the exit of a call, as the kernel makes them."""

import pytest

from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.filter.comparison import compare
from mozu.core.filter.formula import leaves
from mozu.plugins.sources.ebpf.kernel_filter.check import NumberCheck, Subject
from mozu.plugins.sources.ebpf.kernel_filter.settled import settled
from mozu.plugins.sources.ebpf.wire import marks

UPPER, OVERLAY, MEMFD = (marks()[name] for name in ("UPPER", "OVERLAY", "MEMFD"))


def made(call: str, field: str, op: str, *values: str) -> list[tuple[str, int, str, int, int | None]]:
    """Return (member, element, relation, constant, mask) of each test."""
    bounds = settled(compare(field, op, values), SYSCALL_SPECS[call])
    assert bounds.is_exact
    found = []
    for leaf in leaves(bounds.true):
        assert isinstance(leaf, NumberCheck)
        assert leaf.subject is Subject.FACTS
        found.append((leaf.member, leaf.element, leaf.relation, leaf.constant, leaf.mask))
    return sorted(found, key=str)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("fd.sip", "10.1.2.3", [("address", 0, "==", 0x0302010A, None), ("family", 0, "==", 2, None)]),
        ("fd.snet", "10.1.0.0/16", [("address", 0, "==", 0x010A, 0xFFFF), ("family", 0, "==", 2, None)]),
        ("fd.snet", "0.0.0.0/0", [("family", 0, "==", 2, None)]),
        ("fd.snet", "fe80::/10", [("address", 0, "==", 0x80FE, 0xC0FF), ("family", 0, "==", 10, None)]),
        (
            "fd.sip", "2001:db8::1",
            [
                ("address", 0, "==", 0xB80D0120, None), ("address", 1, "==", 0, None), ("address", 2, "==", 0, None),
                ("address", 3, "==", 0x01000000, None), ("family", 0, "==", 10, None),
            ],
        ),
        ("fd.sport", "443", [("port", 0, "==", 443, None)]),
        ("fd.l4proto", "tcp", [("protocol", 0, "==", 6, None)]),
        ("fd.type", "unix", [("family", 0, "==", 1, None)]),
        ("fd.type", "ipv4", [("family", 0, "==", 2, None)]),
        ("fd.typechar", "6", [("family", 0, "==", 10, None)]),
    ],
)  # fmt: skip
def test_a_connection_is_reported_by_family_words_of_the_address_port_and_protocol(
    field: str, value: str, expected: list[tuple[str, int, str, int, int | None]]
) -> None:
    assert expected == made("connect", field, "=", value)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("proc.is_exe_upper_layer", ("executable", 0, "!=", 0, UPPER)),
        ("proc.is_exe_lower_layer", ("executable", 0, "==", OVERLAY, OVERLAY | UPPER)),
        ("proc.is_exe_from_memfd", ("executable", 0, "!=", 0, MEMFD)),
    ],
)
def test_a_program_is_reported_by_its_marks(field: str, expected: tuple[str, int, str, int, int]) -> None:
    assert [expected] == made("execve", field, "=", "true")


@pytest.mark.parametrize(
    ("call", "field", "value"),
    [
        ("connect", "fd.l4proto", "udp"),
        ("connect", "fd.type", "file"),
        ("connect", "fd.cip", "10.1.2.3"),
        ("dup", "fd.sport", "443"),
        ("read", "fd.type", "ipv4"),
        ("execve", "proc.name", "sh"),
        ("connect", "proc.is_exe_from_memfd", "true"),
        ("connect", "", "1"),
    ],
)
def test_anything_else_is_not_decided(call: str, field: str, value: str) -> None:
    bounds = settled(compare(field, "=", [value]), SYSCALL_SPECS[call])
    assert not bounds.is_exact
