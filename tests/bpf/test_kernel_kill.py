"""Kills by a rule in the kernel, and those left to user space (bpf/kernel_kill.h), with the structs of the running
kernel.

Processes that are ended with the killed one: test_kernel_kill_sharers.py.
"""

import struct
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import pytest

from mozu.plugins.sources.ebpf import maps, wire
from tests.support.kernel_machine import (
    KILL_SHARED,
    KILL_SPARED,
    KILLS,
    PARENT,
    PID,
    REGULAR,
    SCRATCH,
    SETTINGS,
    TID,
    TMPFS,
    Machine,
    pointer,
)

pytestmark = pytest.mark.live

OFF, DRY, ACTS = range(3)
KILLED, WOULD = 0x200, 0x400
ENTRY_SUBMITTED = 3
SIGKILL: Final = 9
MINUTE: Final = 60_000_000_000
SPARED_PID, SPARED_USER, SPARED_EXECUTABLE = 1, 2, 3
RULE: Final = 3
OTHERWISE, UNKNOWN = 1, 2
"""Members of enum reached."""
CUT, OVERLAY, UPPER, MEMFD = (wire.marks()[name] for name in ("CUT", "OVERLAY", "UPPER", "MEMFD"))


class Rule(NamedTuple):
    """struct kill."""

    mode: int = ACTS
    per_minute: int = 5
    minute: int = 0
    spent: int = 0
    spare: int = 0
    acts: int = 0
    left: int = 0


class Kills:
    """The rule RULE and all rules together, at an instant of the fourth minute."""

    def __init__(self, machine: Machine, one: Rule, every: Rule) -> None:
        self.machine = machine
        at = machine.kernel.map(KILLS, 4, maps.KILL.size, 8, is_array=True)
        self._places = {RULE: at + RULE * maps.KILL.size, 0: at}
        for number, rule in ((RULE, one), (0, every)):
            machine.kernel.write(self._places[number], maps.KILL.pack(*rule))
        machine.kernel.map(KILL_SPARED, maps.SPARED_KEY.size, 8, 8, is_array=False)
        machine.kernel.map(KILL_SHARED, 4, maps.KILL_SHARED.size, 4, is_array=False)
        machine.library.set_now(pointer(3 * MINUTE))

    def spare(self, kind: int, number: int, value: int = 0, device: int = 0) -> None:
        self.machine.library.put(KILL_SPARED, maps.SPARED_KEY.pack(number, device, kind), struct.pack("<Q", value))

    def rule(self, number: int) -> Rule:
        return Rule(*maps.KILL.unpack(self.machine.kernel.bytes_at(self._places[number], maps.KILL.size)))

    def act(self) -> tuple[int, int]:
        """Run the rule; return the record's mark of the act, and the signal that was sent."""
        self.machine.call.put("exact", 1)
        assert 0 == self.machine.library.kill_by(pointer(self.machine.call.address), RULE)
        assert 0 == self.machine.library.mistakes_made()
        return self.machine.call["exact"] & ~1, self.machine.library.signal_sent()


ACTING, REHEARSED = Rule(), Rule(DRY)


def kills(machine: Machine, one: Rule = ACTING, every: Rule = REHEARSED) -> Kills:
    """Return the rule and all rules together. `every`, KILL_DRY: programs that end sharers of a table of descriptors
    are not attached."""
    return Kills(machine, one, every)


@pytest.mark.parametrize(("mode", "said", "signal"), [(ACTS, KILLED, SIGKILL), (DRY, WOULD, 0)])
def test_the_caller_is_killed_or_would_have_been_and_it_is_counted(
    machine: Machine, mode: int, said: int, signal: int
) -> None:
    given = kills(machine, Rule(mode, minute=3, acts=7))

    assert (said, signal) == given.act()
    assert Rule(mode, minute=3, spent=1, acts=8) == given.rule(RULE)
    assert Rule(DRY, minute=3, spent=1) == given.rule(0)


@pytest.mark.parametrize("why", ["the rule is off", "the source is off", "no rules", "no such rule", "no settings"])
def test_nothing_is_done_or_counted_without_a_rule_that_acts(machine: Machine, why: str) -> None:
    given = kills(machine, Rule(OFF if why == "the rule is off" else ACTS, minute=3))
    before = given.rule(RULE), given.rule(0)
    machine.settings.put("off", why == "the source is off")
    if why.startswith("no "):
        machine.library.shorten_map(SETTINGS if why == "no settings" else KILLS, why == "no such rule")

    assert (0, 0) == given.act()
    assert before == (given.rule(RULE), given.rule(0))


def task(name: str, **members: int) -> Callable[[Machine, Kills], None]:
    """Return a change of members of a struct that the task points to, or of the task itself."""

    def change(machine: Machine, _: Kills) -> None:
        at = machine.task if name == "task_struct" else machine.of("task_struct", machine.task, PLACES[name])
        machine.put(name, at, **members)
        machine.run(machine.task)

    return change


PLACES: Final = {"cred": "cred", "files_struct": "files", "signal_struct": "signal"}


def program(number: int) -> Callable[[Machine, Kills], None]:
    """Return a change after which the task runs a program with this inode."""

    def change(machine: Machine, _: Kills) -> None:
        memory = machine.of("task_struct", machine.task, "mm")
        machine.put("mm_struct", memory, exe_file=machine.named("other", i_ino=number))

    return change


DEVICE: Final = 0x800001
"""Device of the file that the task runs."""
ROOT, BUS = 0, 100


def runs_spared(
    *, user: int = ROOT, ids: tuple[int, int, int] = (ROOT, ROOT, ROOT), inode: int = 4711, device: int = DEVICE,
    users: int = 0, pids: int = 0,
) -> Callable[[Machine, Kills], None]:  # fmt: skip
    """Return a change that spares the file of these numbers if root or `user` runs it.

    The task gets these identities, and is in namespaces of these levels.
    """

    def change(machine: Machine, given: Kills) -> None:
        given.spare(SPARED_EXECUTABLE, inode, user, device)
        cred = machine.of("task_struct", machine.task, "cred")
        own = machine.kernel.new("user_namespace", level=users)
        machine.put("cred", cred, uid=ids[0], euid=ids[1], suid=ids[2], user_ns=own)
        machine.put("pid", machine.of("task_struct", machine.task, "thread_pid"), level=pids)

    return change


def spared(kind: int, number: int, value: int = 0) -> Callable[[Machine, Kills], None]:
    return lambda _, given: given.spare(kind, number, value)


def setting(number: int) -> Callable[[Machine, Kills], None]:
    """Return a change of the process id of mozu."""
    return lambda machine, _: machine.settings.put("own", number)


def other_caller(machine: Machine, _: Kills) -> None:
    machine.call.put("task", (PID + 1) << 32 | TID)


def assumed(machine: Machine, _: Kills) -> None:
    machine.call.put("entry_path", ENTRY_SUBMITTED)


def refused(machine: Machine, _: Kills) -> None:
    machine.library.set_refusal(1)


LEFT: Final[dict[str, Callable[[Machine, Kills], None]]] = {
    "the caller is not the current task": other_caller,
    "a request of io_uring whose success is assumed": assumed,
    "init": task("task_struct", tgid=1),
    "idle": task("task_struct", tgid=0),
    "mozu": setting(PID),
    "a child of mozu": setting(PARENT),
    "a task of the kernel": task("task_struct", flags=0x00200000),
    "a program without an inode": program(0),
    "a spared process": spared(SPARED_PID, PID, 500),
    "a spared user": spared(SPARED_USER, 1001),
    "root runs a spared program": runs_spared(),
    "its service runs a spared program": runs_spared(user=BUS, ids=(BUS, BUS, BUS)),
    "root runs what a service may run, too": runs_spared(user=BUS),
    "a table of descriptors that another process has as well": task("files_struct", count=2),
    "a signal that the kernel refuses": refused,
}
KILLED_ALL_THE_SAME: Final[dict[str, Callable[[Machine, Kills], None]]] = {
    "the second process": task("task_struct", tgid=2),
    "other flags": task("task_struct", flags=0xFFDFFFFF),
    "a process that had the number of a spared one later": spared(SPARED_PID, PID, 501),
    "a process of a spared number that began earlier": spared(SPARED_PID, PID, 499),
    "another spared user": spared(SPARED_USER, 1000),
    "a spared user of another kind": spared(SPARED_EXECUTABLE, 1001),
    "root runs another program": runs_spared(inode=4712),
    "root runs one with that inode on another device": runs_spared(device=DEVICE + 1),
    "a user runs a spared program": runs_spared(ids=(65534, 65534, 65534)),
    "a user runs what a service may run": runs_spared(user=BUS, ids=(65534, 65534, 65534)),
    "a user whose program is set-user-ID": runs_spared(ids=(65534, ROOT, ROOT)),
    "one that could become a user again": runs_spared(ids=(ROOT, ROOT, 65534)),
    "one that acts as another": runs_spared(ids=(ROOT, 65534, ROOT)),
    "root of a user namespace": runs_spared(users=1),
    "root of a pid namespace": runs_spared(pids=1),
    "a table of descriptors that its own threads have": task("signal_struct", nr_threads=2),
}


@pytest.mark.parametrize("why", LEFT)
def test_what_is_in_doubt_is_left_to_user_space_and_counted(machine: Machine, why: str) -> None:
    given = kills(machine)
    LEFT[why](machine, given)

    assert (0, 0) == given.act()
    assert (0, 0, 1) == (given.rule(RULE).acts, given.rule(RULE).spent, given.rule(RULE).left)
    assert (0, 0) == (given.rule(0).spent, given.rule(0).left)


@pytest.mark.parametrize("why", KILLED_ALL_THE_SAME)
def test_what_is_like_it_and_is_not_is_killed(machine: Machine, why: str) -> None:
    given = kills(machine)
    KILLED_ALL_THE_SAME[why](machine, given)

    assert (KILLED, SIGKILL) == given.act()
    assert (1, 1, 0) == (given.rule(RULE).acts, given.rule(RULE).spent, given.rule(RULE).left)


def test_a_table_of_descriptors_is_shared_where_more_have_it_than_there_are_threads(machine: Machine) -> None:
    for count, threads, expected in ((2, 2, KILLED), (3, 2, 0), (1, 2, KILLED)):
        given = kills(machine)
        task("files_struct", count=count)(machine, given)
        task("signal_struct", nr_threads=threads)(machine, given)
        assert expected == given.act()[0]


@pytest.mark.parametrize(
    ("one", "every", "acts"),
    [
        (Rule(minute=3, spent=4), Rule(DRY), True),
        (Rule(minute=3, spent=5), Rule(DRY), False),
        (Rule(minute=2, spent=5), Rule(DRY), True),
        (Rule(minute=4, spent=5), Rule(DRY), True),
        (Rule(), Rule(DRY, minute=3, spent=4), True),
        (Rule(), Rule(DRY, minute=3, spent=5), False),
        (Rule(), Rule(DRY, per_minute=0), False),
    ],
)
def test_a_rule_and_all_of_them_together_act_so_often_a_minute(
    machine: Machine, one: Rule, every: Rule, acts: bool
) -> None:
    given = kills(machine, one, every)

    assert (KILLED if acts else 0) == given.act()[0]
    assert given.rule(RULE).left == (not acts)
    assert given.rule(RULE).spent == (one.spent if one.minute == 3 else 0) + acts


@pytest.mark.parametrize(("now", "acts"), [(3 * MINUTE - 1, False), (3 * MINUTE, True)])
def test_a_minute_is_one_since_the_boot(machine: Machine, now: int, acts: bool) -> None:
    given = kills(machine, Rule(minute=2, spent=5))
    machine.library.set_now(pointer(now))
    assert (KILLED if acts else 0) == given.act()[0]


AF_INET, AF_INET6 = 2, 10
TCP, UDP = 6, 17
V4, V6, MAPPED = bytes([10, 0, 0, 2]), bytes(range(1, 17)), bytes(10) + b"\xff\xff" + bytes([10, 0, 0, 2])


def sock(machine: Machine, family: int, **more: int | bytes) -> int:
    common: dict[str, int | bytes] = {
        "skc_family": family,
        "skc_dport": 0x3412,
        "skc_daddr": V4,
        "skc_v6_daddr": V6,
        "skc_v6_rcv_saddr": V6,
    }
    parts = {f"__sk_common.{name}": more.get(name, value) for name, value in common.items()}
    return machine.kernel.new("sock", parts, sk_protocol=more.get("protocol", TCP))


def peer(machine: Machine, file: int, wants_peer: int, result: int = 0) -> tuple[int, tuple[Any, ...]]:
    """Return enum reached, and family, protocol, port and address."""
    machine.put("task_struct", machine.task, files=machine.files(file))
    machine.call.put("result", result)
    facts = machine.kernel.place(64)
    machine.kernel.write(facts, b"\xee" * wire.size("kill_facts"))
    found = machine.library.peer(pointer(facts), pointer(machine.call.address), 0, wants_peer)
    return found, struct.unpack("<3I16s", machine.kernel.bytes_at(facts, 28))


@pytest.mark.parametrize("wants_peer", [0, 1])
@pytest.mark.parametrize(("family", "address"), [(AF_INET, V4.ljust(16, b"\0")), (AF_INET6, V6)])
@pytest.mark.parametrize("result", [0, 7, -115])
def test_a_connected_socket_is_known_by_family_protocol_port_and_address(
    machine: Machine, wants_peer: int, family: int, address: bytes, result: int
) -> None:
    """Also holds while the socket is being connected (EINPROGRESS)."""
    file = machine.socket(sock(machine, family))
    assert (OTHERWISE, (family, TCP, 0x1234, address)) == peer(machine, file, wants_peer, result)


@pytest.mark.parametrize(
    ("family", "more", "without_peer", "with_peer"),
    [
        (AF_INET, {"protocol": UDP}, OTHERWISE, UNKNOWN),
        (AF_INET, {"skc_dport": 0}, OTHERWISE, UNKNOWN),
        (AF_INET6, {"skc_v6_daddr": MAPPED}, UNKNOWN, UNKNOWN),
        (AF_INET6, {"skc_v6_rcv_saddr": MAPPED}, UNKNOWN, UNKNOWN),
        (AF_INET, {"skc_v6_daddr": MAPPED}, OTHERWISE, OTHERWISE),
        (AF_INET6, {"skc_v6_daddr": b"\1" + MAPPED[1:]}, OTHERWISE, OTHERWISE),
        (AF_INET6, {"skc_v6_daddr": bytes(4) + b"\1" + MAPPED[5:]}, OTHERWISE, OTHERWISE),
        (AF_INET6, {"skc_v6_daddr": bytes(8) + b"\1\0\xff\xff" + V4}, OTHERWISE, OTHERWISE),
    ],
)
def test_ends_that_user_space_may_show_otherwise_are_left_to_it(
    machine: Machine, family: int, more: dict[str, int | bytes], without_peer: int, with_peer: int
) -> None:
    file = machine.socket(sock(machine, family, **more))
    assert [without_peer, with_peer] == [peer(machine, file, wants)[0] for wants in (0, 1)]


def test_a_call_that_failed_or_is_about_no_socket_has_no_peer(machine: Machine) -> None:
    connected = machine.socket(sock(machine, AF_INET))
    for file, result, expected in (
        (connected, -111, (UNKNOWN, UNKNOWN)),
        (connected, -1, (UNKNOWN, UNKNOWN)),
        (0, 0, (UNKNOWN, UNKNOWN)),
        (machine.named("a"), 0, (OTHERWISE, UNKNOWN)),
    ):
        found = [peer(machine, file, wants, result) for wants in (0, 1)]
        assert list(expected) == [reached for reached, _ in found]
        assert {(0, 0, 0)} == {facts[:3] for _, facts in found}


def executable(machine: Machine) -> tuple[int, bytes]:
    """Return marks and path of the program that an exec has started."""
    machine.library.executable(pointer(machine.filter.address))
    path = machine.filter.bytes_at("real.bytes", machine.filter["real.length"])
    return machine.filter["facts.executable"], path


def started(machine: Machine, dentry: int, mount: int | None = None) -> None:
    memory = machine.of("task_struct", machine.task, "mm")
    machine.put("mm_struct", memory, exe_file=machine.file(dentry, mount))


def test_a_started_program_is_known_by_its_path_and_its_layer(machine: Machine) -> None:
    assert (0, b"/srv/prog") == executable(machine)

    started(machine, machine.dentry(machine.srv, "new", machine.layered(1, 8)))
    assert (OVERLAY | UPPER * machine.kernel.has("ovl_inode____upperdentry"), b"/srv/new") == executable(machine)


@pytest.mark.parametrize(("magic", "expected"), [(TMPFS, CUT | MEMFD), (1, CUT)])
def test_a_program_in_no_directory_has_no_path_and_may_be_a_memfd(machine: Machine, magic: int, expected: int) -> None:
    machine.put("super_block", machine.blocks[2], s_magic=magic)
    started(machine, machine.dentry(0, "memfd:x", machine.inode(REGULAR, 2)), machine.mount(0, 0, 0, 2))
    assert expected == executable(machine)[0]


def test_a_program_in_a_directory_of_a_tmpfs_is_no_memfd(machine: Machine) -> None:
    machine.put("super_block", machine.blocks[1], s_magic=TMPFS)
    assert (0, b"/srv/prog") == executable(machine)


def test_a_program_whose_path_cannot_be_tested_is_marked(machine: Machine) -> None:
    deep = machine.srv
    for _ in range(40):
        deep = machine.dentry(deep, "d", machine.inode())
    long = machine.dentry(machine.srv, "n" * 255, machine.inode(REGULAR))
    for dentry in (deep, long, machine.dentry(machine.srv, "..", machine.inode()), 0):
        started(machine, dentry)
        assert CUT == executable(machine)[0]
    machine.library.shorten_map(SCRATCH, 0)
    started(machine, machine.dentry(machine.srv, "a", machine.inode(REGULAR)))
    assert CUT == executable(machine)[0]
