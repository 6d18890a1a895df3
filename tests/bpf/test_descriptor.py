"""The file or socket behind a call's descriptor (bpf/descriptor.h), with the structs of the running kernel."""

import ctypes
import struct

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.kernel_machine import EXT4, FIFO, OPENED_PATHS, REGULAR, SOCKET, Machine, pointer

pytestmark = pytest.mark.live

STRINGS = ("address", "data", "path", "opened_path", "block0", "block1", "block2", "raw")
AF_INET = 2


def described(machine: Machine, fd: int) -> dict[str, int | bytes]:
    """Return the record of a call on a descriptor, with the path of its file."""
    record = machine.begin("descriptor")
    call, task = pointer(machine.call.address), pointer(machine.task)
    machine.library.describe(pointer(machine.s), pointer(record), call, task, fd)
    machine.library.describe_path(pointer(machine.s), pointer(record), call, task)
    return machine.kernel.wire("descriptor", record)


def opened(machine: Machine, *files: int) -> None:
    machine.put("task_struct", machine.task, files=machine.files(*files))


def test_a_file_is_described_by_attributes_flags_and_path(machine: Machine) -> None:
    opened(machine, 0, 0, machine.named("a", i_ino=5, i_uid=33))
    machine.put("file", machine.library.file_of(pointer(machine.task), 2), f_flags=0o2001)

    found = described(machine, 2)

    known = {"fd": 2, "flags": 0o2001, "file_ino": 5, "file_dev": 0x800001, "file_magic": EXT4, "file_mode": REGULAR}
    assert {**known, "file_uid": 33} == {name: found[name] for name in (*known, "file_uid")}
    assert {**dict.fromkeys(STRINGS, 0), "path": 6} == {name: found[name] for name in STRINGS}
    assert (0, bytes(16)) == (found["endpoints_family"], found["endpoints_local"])
    assert b"/srv/a" == machine.strings("descriptor")
    assert set() == machine.marks()


def test_a_socket_is_described_by_its_ends_and_has_no_path(machine: Machine) -> None:
    common = {"__sk_common.skc_family": AF_INET, "__sk_common.skc_num": 22}
    opened(machine, machine.socket(machine.kernel.new("sock", common, sk_protocol=6)))

    found = described(machine, 0)

    known = {"endpoints_family": AF_INET, "endpoints_local_port": 22, "endpoints_protocol": 6, "file_mode": SOCKET}
    assert known == {name: found[name] for name in known}
    assert dict.fromkeys(STRINGS, 0) == {name: found[name] for name in STRINGS}
    assert {"SOCKET"} == machine.marks()


def test_a_descriptor_that_is_not_open_has_nothing(machine: Machine) -> None:
    """If the call has closed the descriptor, the file is a null pointer, whose members all read as 0."""
    opened(machine, machine.kernel.zeroes)

    found = described(machine, 0)

    assert {0} == {found[name] for name in ("flags", "file_ino", "file_mode", "endpoints_family", *STRINGS)}
    assert (set(), b"") == (machine.marks(), machine.strings("descriptor"))


def kept(machine: Machine, file: int, dentry: int, text: bytes, raw: int) -> None:
    """Store the path by which this file was opened."""
    value = struct.pack("<QQQ", dentry, len(text), raw) + text.ljust(256, b"\0")
    key = struct.pack("<Q", file)
    machine.library.put(OPENED_PATHS, key, value)


@pytest.mark.parametrize("is_same", [True, False])
def test_the_path_that_a_file_was_opened_by_follows_its_own(machine: Machine, is_same: bool) -> None:
    file = machine.named("a")
    opened(machine, file)
    kept(machine, file, machine.of("file", file, "f_path.dentry") + (not is_same), b"/tmp/link", 4)

    found = described(machine, 0)

    assert (6, 9 * is_same, 4 * is_same) == (found["path"], found["opened_path"], found["raw"])
    assert b"/srv/a" + b"/tmp/link" * is_same == machine.strings("descriptor")


def test_what_is_in_no_directory_has_no_path_that_it_was_opened_by(machine: Machine) -> None:
    pipe = machine.dentry(0, "pipe:[7]", machine.inode(FIFO, 3))
    file = machine.file(pipe, machine.mount(0, 0, machine.dentry(0, "/", 0), 3))
    opened(machine, file)
    kept(machine, file, pipe, b"/proc/self/fd/1", 15)

    assert 0 == described(machine, 0)["opened_path"]
    assert {"PSEUDO"} == machine.marks()


@pytest.mark.parametrize(("fd", "result", "is_own"), [(0, 5, True), (0, 0, False), (5, 5, False)])
def test_a_request_of_io_uring_knows_its_file_but_not_the_one_that_it_opens(
    machine: Machine, fd: int, result: int, is_own: bool
) -> None:
    table, own = machine.named("of-table"), machine.named("of-request")
    opened(machine, table, 0, 0, 0, 0, table)
    machine.call.put("file", own)
    machine.call.put("result", result)

    described(machine, fd)

    assert (b"/srv/of-request" if is_own else b"/srv/of-table") == machine.strings("descriptor")


@pytest.mark.parametrize(("length", "kept_bytes"), [(16, 16), (127, 127), (128, 128), (129, 128), (1 << 31, 128)])
def test_an_address_has_at_most_the_length_of_the_longest(machine: Machine, length: int, kept_bytes: int) -> None:
    ctypes.memmove(machine.kernel.users, bytes(range(256)), 256)
    machine.begin("descriptor")

    at = pointer(machine.kernel.users)
    found = machine.library.address(pointer(machine.s), pointer(machine.call.address), at, ctypes.c_uint32(length))

    assert (kept_bytes, bytes(range(256))[:kept_bytes]) == (found, machine.strings("descriptor"))


def test_blocks_are_appended_in_their_order(machine: Machine) -> None:
    """The layout's bytes are: fd, address, text, dir, text2, dir2, text3, data, vectors, incoming, three blocks, three
    sizes."""
    ctypes.memmove(machine.kernel.users, b"abcdefghi and more", 18)
    record = machine.begin("descriptor")
    arguments = record + wire.layouts()["header"].size
    layout = machine.kernel.place(16)
    machine.kernel.write(layout, struct.pack("<16b", *[-1] * 10, 3, 0, 5, 2, 3, 4))
    for argument, at in ((3, 0), (0, 2), (5, 5)):
        machine.kernel.write(arguments + argument * 8, struct.pack("<Q", machine.kernel.users + at))

    call = pointer(machine.call.address)
    machine.library.blocks(pointer(machine.s), call, pointer(record), pointer(layout))

    found = machine.kernel.wire("descriptor", record)
    assert [2, 3, 4] == [found[f"block{number}"] for number in range(3)]
    assert b"abcdefghi" == machine.strings("descriptor")
