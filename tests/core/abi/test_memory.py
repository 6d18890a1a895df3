"""Registers and memory → values of parameters."""

import struct
from typing import Any

import pytest

from mozu.core.abi.integers import encode_dev, register_reader, signed32, signed64, signed_id
from mozu.core.abi.memory import param_readers
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.core.abi.texts import CallTexts, path_positions, text_readers
from mozu.core.model.syscalls import event_type


def values(name: str, args: tuple[int, ...], result: int, *blocks: bytes) -> dict[str, Any]:
    """Return the parameters by name."""
    declared = event_type(name)
    assert declared is not None
    found = [read(args, result, blocks) for read in param_readers(SYSCALL_SPECS[name])]
    return dict(zip((param.name for param in declared.params), found, strict=True))


@pytest.mark.parametrize(
    ("value", "expected"), [(0, 0), (7, 7), (0xFFFFFFFF, -1), (1 << 32 | 5, 5), (0x80000000, -(1 << 31))]
)
def test_32_bits_are_signed(value: int, expected: int) -> None:
    assert signed32(value) == expected


def test_64_bits_and_ids_are_signed() -> None:
    assert (signed64((1 << 64) - 2), signed64(3)) == (-2, 3)
    assert (signed_id(0xFFFFFFFF), signed_id(1000)) == (-1, 1000)


def test_a_device_is_encoded_as_stat_has_it() -> None:
    assert encode_dev(8 << 20 | 1) == 0x801
    assert encode_dev(259 << 20 | 0x12345) == (0x45 | 259 << 8 | 0x12300 << 12)


def test_a_register_is_read_by_the_type_of_its_parameter() -> None:
    kill, unlinkat = event_type("kill"), event_type("unlinkat")
    assert kill is not None
    assert unlinkat is not None

    pid, signal = (register_reader(param) for param in kill.params[1:3])
    assert (pid((1 << 64) - 1), signal(0x1_0000_0009)) == (-1, 9)
    assert register_reader(unlinkat.params[1])(0xFFFFFF9C) == -100


def test_memory_that_a_failed_call_did_not_write_is_absent() -> None:
    ids = [struct.pack("<I", number) for number in (0, 1, 0xFFFFFFFF)]

    written, failed = (values("getresuid", (64, 72, 80), result, *ids) for result in (0, -14))
    assert list(written.values()) == [0, 0, 1, -1]
    assert list(failed.values()) == [-14, None, None, None]


def test_memory_is_read_at_its_offset() -> None:
    new, old = struct.pack("<QQ", 1, 2), struct.pack("<QQ", 3, 4)

    found = values("prlimit", (0, 7, 4096, 8192), 0, new, old)
    assert (found["newcur"], found["newmax"], found["oldcur"], found["oldmax"]) == (1, 2, 3, 4)


def test_a_null_pointer_and_memory_that_cannot_be_read_are_zero() -> None:
    assert values("nanosleep", (0, 0), 0, b"")["interval"] == 0
    assert values("nanosleep", (4096, 0), 0, b"")["interval"] == 0


def test_a_timespec_is_in_ns() -> None:
    assert values("nanosleep", (4096, 0), 0, struct.pack("<qq", 2, 5))["interval"] == 2_000_000_005


def test_descriptors_of_poll_are_pairs_with_their_flags() -> None:
    polled = struct.pack("<iHHiHH", 3, 1, 1, 4, 1, 0)

    assert values("poll", (4096, 2, 1000), 1, polled)["fds"] == ((3, 1), (4, 0))


def test_texts_take_the_parameters_that_are_texts_in_order() -> None:
    spec = SYSCALL_SPECS["renameat"]
    readers = text_readers(spec, result_at=0, args_at=1)
    texts = CallTexts(("old", None, None), ("/base", None), b"")

    found = [read((-2, 5, 0, 0xFFFFFF9C, 0, 0, 0), texts) for read in readers]
    assert found == [-2, 5, "old", -100, None]
    assert path_positions(spec) == (0, 1)
