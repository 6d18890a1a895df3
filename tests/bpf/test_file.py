"""Descriptors, attributes of files and the start of relative paths (bpf/file.h), with the structs of the running
kernel."""

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.kernel_machine import EXT4, OVERLAYFS, REGULAR, Machine, pointer

pytestmark = pytest.mark.live

AT_FDCWD = -100


def test_a_descriptor_is_looked_up_in_the_table_of_its_task(machine: Machine) -> None:
    first, third = machine.named("a"), machine.named("b")
    machine.put("task_struct", machine.task, files=machine.files(first, 0, third))

    found = [machine.library.file_of(pointer(machine.task), fd) for fd in (-1, 0, 1, 2, 3)]

    assert [0, first, 0, third, 0] == found


def attributes(machine: Machine, dentry: int) -> dict[str, int | bytes]:
    to = machine.kernel.place(64)
    machine.begin("call")
    machine.library.attributes(pointer(machine.s), pointer(to), pointer(machine.path(dentry)))
    return machine.kernel.wire("file_attrs", to)


def test_attributes_are_those_of_the_inode_and_its_file_system(machine: Machine) -> None:
    dentry = machine.dentry(machine.srv, "a", machine.inode(REGULAR, 1, i_ino=1 << 40 | 5, i_uid=33))

    assert {"ino": 1 << 40 | 5, "dev": 0x800001, "magic": EXT4, "mode": REGULAR, "uid": 33} == attributes(
        machine, dentry
    )
    assert set() == machine.marks()


def test_an_unlinked_file_is_marked_and_one_in_no_directory_is_not(machine: Machine) -> None:
    marks = []
    for parent, hashed in ((machine.srv, False), (machine.srv, True), (0, False), (0, True)):
        attributes(machine, machine.dentry(parent, "a", machine.inode(REGULAR), hashed=hashed))
        marks.append(machine.marks())

    assert [{"DELETED"}, set(), set(), set()] == marks


@pytest.mark.parametrize(("upper", "expected"), [(0, {"OVERLAY"}), (8, {"OVERLAY", "UPPER"})])
def test_a_file_of_an_overlay_is_marked_with_its_layer(machine: Machine, upper: int, expected: set[str]) -> None:
    """The layer is known if the kernel describes inodes of an overlay, which it does not if overlayfs is a module."""
    found = attributes(machine, machine.dentry(machine.srv, "a", machine.layered(2, upper)))

    assert OVERLAYFS == found["magic"]
    assert expected - ({"UPPER"} if not machine.kernel.has("ovl_inode____upperdentry") else set()) == machine.marks()


def test_what_is_cleared_has_no_attributes(machine: Machine) -> None:
    to = machine.kernel.place(64)
    machine.kernel.write(to, bytes([0xEE]) * wire.layouts()["file_attrs"].size)
    machine.library.no_attributes(pointer(to))
    assert {0} == set(machine.kernel.wire("file_attrs", to).values())


def test_a_relative_path_starts_from_the_working_directory_or_from_a_descriptor(machine: Machine) -> None:
    machine.put("task_struct", machine.task, files=machine.files(0, machine.file(machine.root)))
    found = []
    for dirfd in (AT_FDCWD, 1):
        to = machine.kernel.new("path")
        machine.library.base(pointer(machine.task), dirfd, pointer(to))
        found.append(tuple(machine.of("path", to, member) for member in ("mnt", "dentry")))

    assert [(machine.mounted, machine.srv), (machine.mounted, machine.root)] == found
