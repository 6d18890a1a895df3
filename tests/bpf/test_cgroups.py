"""The cgroups of a task (bpf/cgroups.h), with the structs of the running kernel."""

import struct

import pytest

from tests.support.kernel_machine import Machine, pointer

pytestmark = pytest.mark.live


def appended(machine: Machine, *groups: tuple[int, int], used: int | None = None) -> list[tuple[int, str]]:
    """Return (hierarchy, path) of each appended cgroup; an empty path means that of the one before. `used`: bytes of
    the record before."""
    machine.begin("call")
    if used is not None:
        machine.library.use_record(pointer(machine.s), pointer(used))
    before = machine.library.used(pointer(machine.s))
    length = machine.library.cgroups(pointer(machine.s), pointer(machine.css_set(*groups)))
    assert length == machine.library.used(pointer(machine.s)) - before
    raw, found = machine.kernel.bytes_at(machine.record() + before, length), []
    while raw:
        hierarchy, size = struct.unpack_from("<HH", raw)
        found.append((hierarchy, raw[4 : 4 + size].decode()))
        raw = raw[4 + size :]
    return found


def nodes(machine: Machine, path: str, root: int = 0) -> int:
    """Return the node of a path below a root; the nodes' hashes are computed from their names."""
    at = root or machine.node(0, "")
    for name in path.strip("/").split("/"):
        at = machine.node(at, name, sum(name.encode()) * len(name))
    return at


def test_each_hierarchy_has_its_path_but_where_the_task_is_in_its_root(machine: Machine) -> None:
    groups = ((nodes(machine, "/a/bc"), 0), (machine.node(0, ""), 4), (nodes(machine, "/user.slice"), 300))

    assert [(0, "/a/bc"), (300, "/user.slice")] == appended(machine, *groups)
    assert [] == appended(machine)


def test_a_path_that_comes_twice_in_a_row_is_written_once(machine: Machine) -> None:
    one, same, other = (nodes(machine, path) for path in ("/a/b", "/a/b", "/a/c"))
    beside = nodes(machine, "/x/b")

    groups = ((one, 1), (same, 2), (other, 3), (one, 4), (beside, 5), (same, 6))

    assert [(1, "/a/b"), (2, ""), (3, "/a/c"), (4, "/a/b"), (5, "/x/b"), (6, "/a/b")] == appended(machine, *groups)


@pytest.mark.parametrize("length", [1, 254, 255])
def test_a_name_of_any_length_has_its_place(machine: Machine, length: int) -> None:
    node = nodes(machine, "/a/" + "n" * length + "/z")
    assert [(1, f"/a/{'n' * length}/z")] == appended(machine, (node, 1))


def test_a_path_that_is_too_deep_or_too_long_ends_with_its_end(machine: Machine) -> None:
    deep = "".join(f"/{number}" for number in range(30))
    long = "/first" + ("/" + "n" * 255) * 16

    found = appended(machine, (nodes(machine, deep), 1), (nodes(machine, long), 2))

    assert [(1, "".join(f"/{number}" for number in range(6, 30))), (2, (("/" + "n" * 255) * 16)[:-1])] == found


def test_a_task_in_more_hierarchies_than_there_are_keeps_the_first_24(machine: Machine) -> None:
    groups = [(nodes(machine, f"/{number}"), number + 1) for number in range(26)]
    assert [(number + 1, f"/{number}") for number in range(24)] == appended(machine, *groups)


@pytest.mark.parametrize(
    ("used", "expected"), [(16000, [(1, "/a"), (2, "")]), (16379, [(1, "/a")]), (16380, []), (16384, [])]
)
def test_where_the_record_has_no_space_left_cgroups_are_cut(
    machine: Machine, used: int, expected: list[tuple[int, str]]
) -> None:
    """A path that was not written cannot stand for the next one."""
    assert expected == appended(machine, (nodes(machine, "/a"), 1), (nodes(machine, "/a"), 2), used=used)
    assert (set() if len(expected) == 2 else {"TEXT_CUT"}) == machine.marks()
