"""Records of exec, fork and exit (bpf/programs/exec.c, lifecycle.c), with the structs of the running kernel."""

import struct
from typing import Final

import pytest

from mozu.plugins.sources.ebpf import wire
from tests.support.kernel_machine import FIFO, PID, TID, Machine, pointer
from tests.support.kernel_memory import Kernel

pytestmark = pytest.mark.live

EXEC, FORK, EXIT, MOVE = range(1, 5)
"""Slots of records."""
OUTPUT: Final = 3020
GROUP_EXIT: Final = 4
GENERATION, CGROUP_MOVES, PROC_VERDICTS = 12, 13, 17
"""Numbers of maps in kernel_model.h."""


@pytest.fixture
def machine(programs: Kernel) -> Machine:
    programs.clear()
    return Machine(programs)


def happened(machine: Machine, program: str, *arguments: int) -> tuple[int, int, int]:
    """Return the slots of the record and of the record behind it, and the index of the next program; 0, 0, 0 if there
    is no record."""
    context = machine.kernel.array(*arguments, 0, 0)
    machine.call.put("slot", 0)
    machine.call.put("then", 0)
    assert 0 == getattr(machine.library, f"run_{program}")(pointer(context))
    return machine.call["slot"], machine.call["then"], machine.library.went_to()


def record(machine: Machine, name: str, slot: int) -> dict[str, int | bytes]:
    return machine.kernel.wire(name, machine.record(slot))


def child(machine: Machine, tgid: int, tid: int, **members: int) -> int:
    return machine.new_task(tgid, tid, thread_pid=machine.pid(tid, 5), start_boottime=99, **members)


@pytest.mark.parametrize("shares", [True, False])
def test_a_fork_records_the_child_by_its_numbers_and_whether_it_shares_descriptors(
    machine: Machine, shares: bool
) -> None:
    files = machine.of("task_struct", machine.task, "files")
    groups = machine.of("task_struct", machine.task, "cgroups")
    made = child(machine, 200, 200, cgroups=groups, **({"files": files} if shares else {}))
    numbers = machine.of("task_struct", made, "signal") + machine.kernel.offset("signal_struct", "pids") + 8
    machine.kernel.write(numbers, struct.pack("<Q", machine.pid(200, 4)))

    assert (FORK, 0, OUTPUT) == happened(machine, "process_forked", machine.task, made)
    known = {
        "child_tid": 200, "child_pid": 200, "child_vtid": 5, "child_vpid": 4, "start": 99, "pidns_start": 1001,
        "parent": 60, "shares_files": shares, "head_pid": PID, "head_tid": TID, "head_type": 1000, "head_result": 0,
    }  # fmt: skip
    found = record(machine, "fork", FORK)
    assert known == {name: found[name] for name in known}


@pytest.mark.parametrize(("threads", "slots"), [(0, (0, 0, 0)), (1, (FORK, 0, OUTPUT))])
def test_a_new_thread_is_recorded_where_a_rule_asks_for_threads(
    machine: Machine, threads: int, slots: tuple[int, int, int]
) -> None:
    machine.settings.put("threads", threads)
    assert slots == happened(machine, "process_forked", machine.task, child(machine, PID, 300))


@pytest.mark.parametrize(("off", "slots"), [(0, (FORK, MOVE, OUTPUT)), (1, (0, 0, 0))])
def test_a_child_that_is_made_in_another_cgroup_has_moved_as_well(
    machine: Machine, off: int, slots: tuple[int, int, int]
) -> None:
    machine.settings.put("off", off)
    node = machine.node(machine.node(0, ""), "a", 9)
    made = child(machine, 200, 200, cgroups=machine.css_set((node, 0)))

    assert slots == happened(machine, "process_forked", machine.task, made)
    if not off:
        found = record(machine, "cgroup_move", MOVE)
        assert (200, 6, 0) == (found["moved"], found["cgroups"], found["unused"])


@pytest.mark.parametrize(("tid", "slots"), [(300, (MOVE, 0, OUTPUT)), (301, (0, 0, 0))])
def test_a_move_is_one_of_a_process_and_not_of_a_thread(
    machine: Machine, tid: int, slots: tuple[int, int, int]
) -> None:
    assert slots == happened(machine, "process_moved", 0, 0, machine.new_task(300, tid))


def exited(machine: Machine, live: int = 0, flags: int = 0) -> tuple[tuple[int, int, int], dict[str, int | bytes]]:
    signal = machine.of("task_struct", machine.task, "signal")
    machine.put("signal_struct", signal, live=live, flags=flags, group_exit_code=9)
    machine.put("task_struct", machine.task, exit_code=256)
    head = machine.task + machine.kernel.offset("task_struct", "children")
    machine.kernel.put("list_head", head, {"next": head})
    return happened(machine, "process_exited"), record(machine, "exit", EXIT)


@pytest.mark.parametrize(("flags", "status"), [(0, 256), (GROUP_EXIT, 9), (~GROUP_EXIT, 256)])
def test_the_exit_of_the_last_thread_has_the_status_of_the_process(machine: Machine, flags: int, status: int) -> None:
    slots, found = exited(machine, 0, flags)
    assert (EXIT, 0, OUTPUT) == slots
    assert (status, 0, 0) == (found["status"], found["head_result"], found["reaper"])


@pytest.mark.parametrize("live", [1, 2])
def test_the_exit_of_another_thread_is_recorded_where_a_rule_asks_for_threads(machine: Machine, live: int) -> None:
    assert (0, 0, 0) == exited(machine, live)[0]
    machine.settings.put("threads", 1)
    slots, found = exited(machine, live)
    assert (EXIT, 0, OUTPUT) == slots
    assert (256, 1, 0) == (found["status"], found["head_result"], found["reaper"])


@pytest.mark.parametrize(("program", "entry_path"), [("process_executed", 0), ("process_judged", 0x200)])
def test_an_exec_records_the_new_program_and_what_kill_rules_have_done(
    machine: Machine, program: str, entry_path: int
) -> None:
    """No program of kill rules runs behind process_executed, so its record shows no act."""
    machine.call.put("exact", 0x201)
    start = machine.kernel.users
    machine.kernel.write(start, b"tool\0-x\0A=1\0")
    memory = machine.of("task_struct", machine.task, "mm")
    machine.put("mm_struct", memory, arg_start=start, arg_end=start + 8, env_start=start + 8, env_end=start + 12)
    machine.settings.put("environment", 1)
    started = machine.kernel.new("linux_binprm", filename=machine.kernel.text(b"/bin/tool"))

    assert (EXEC, 0, OUTPUT) == happened(machine, program, machine.task, 71, started)

    found = record(machine, "process", EXEC)
    known = {
        "head_type": 59, "head_result": 0, "head_entry_path": entry_path, "old_tid": 71, "args": 8, "name": 9,
        "environment": 4, "exe": 9, "cwd": 4, "standard": 0, "args_length": 8,
    }  # fmt: skip
    assert known == {name: found[name] for name in known}


def test_a_source_that_is_off_records_no_exec_and_no_exit(machine: Machine) -> None:
    machine.settings.put("off", 1)
    assert (0, 0) == happened(machine, "process_executed", machine.task, 71, machine.kernel.zeroes)[:2]
    assert (0, 0, 3018) == exited(machine)[0]


def test_an_exec_records_what_it_begins_with_as_its_descriptors_0_1_and_2(machine: Machine) -> None:
    machine.settings.put("stdio", 1)
    common = {"__sk_common.skc_family": 2, "__sk_common.skc_num": 80}
    pipes = machine.mount(0, 0, 0, 3)
    pipe = machine.file(machine.dentry(0, "pipe:[3]", machine.inode(FIFO, 3)), pipes)
    files = (machine.named("in", i_ino=5), machine.socket(machine.kernel.new("sock", common)), pipe)
    machine.put("task_struct", machine.task, files=machine.files(*files))
    started = machine.kernel.new("linux_binprm", filename=machine.kernel.text(b"/bin/tool"))

    happened(machine, "process_executed", machine.task, 71, started)

    found = record(machine, "process", EXEC)
    size, marks = wire.layouts()["standard"].size, wire.marks()
    at = machine.record(EXEC) + wire.layouts()["process"].size
    given = [machine.kernel.wire("standard", at + number * size) for number in range(3)]
    assert 3 == found["standard"]
    assert [(5, 7, 0), (9, 0, marks["SOCKET"]), (0, 9, marks["PSEUDO"])] == [
        (one["file_ino"], one["path"], one["marks"]) for one in given
    ]
    assert [(0, 0, 0), (2, 80, 0), (0, 0, 0)] == [
        (one["endpoints_family"], one["endpoints_local_port"], one["raw"]) for one in given
    ]
    assert set() == machine.marks(EXEC) - {"WRITABLE"}


class Family:
    """The task that ends, with a parent and a grandparent, in a pid namespace with an init; `threads`: count of the
    task's threads."""

    def __init__(self, machine: Machine, *, threads: int, children: bool, below: int) -> None:
        """Make the family. `below`: count of the namespaces that the grandparent is in."""
        self.machine, kernel = machine, machine.kernel
        self.init = machine.new_task(1, 1)
        space = kernel.new("pid_namespace", child_reaper=self.init)
        self.elder = machine.new_task(500, 500, thread_pid=machine.pid(*[500] * (1 + below)), real_parent=self.init)
        self.parent = machine.new_task(400, 400, thread_pid=machine.pid(400), real_parent=self.elder)
        own = machine.pid(TID)
        kernel.write(own + kernel.offset("pid", "numbers"), struct.pack("<i4xQ", TID, space))
        machine.put("task_struct", machine.task, thread_pid=own, real_parent=self.parent)
        machine.put("signal_struct", machine.of("task_struct", machine.task, "signal"), nr_threads=threads)
        head = machine.task + kernel.offset("task_struct", "children")
        kernel.put("list_head", head, {"next": head + 64 if children else head})

    def mark(self, task: int, name: str) -> None:
        """Set a bit of the task's struct signal_struct."""
        kernel = self.machine.kernel
        bit = kernel.constant(f"CONSTANT_signal_struct__{name}")
        at = self.machine.of("task_struct", task, "signal") + bit // 8
        kernel.write(at, bytes([kernel.bytes_at(at, 1)[0] | 1 << bit % 8]))

    def reaper(self) -> int | bytes:
        happened(self.machine, "process_exited")
        return record(self.machine, "exit", EXIT)["reaper"]


@pytest.mark.parametrize(("threads", "children", "reaper"), [(1, False, 0), (2, False, 1), (1, True, 1), (2, True, 1)])
def test_children_go_to_the_init_of_the_namespace_where_there_may_be_some(
    machine: Machine, threads: int, children: bool, reaper: int
) -> None:
    assert reaper == Family(machine, threads=threads, children=children, below=0).reaper()


@pytest.mark.parametrize(
    ("marked", "below", "reaper"),
    [
        ((), 0, 1),
        (("parent",), 0, 400),
        (("elder",), 0, 500),
        (("parent", "elder"), 0, 400),
        (("elder",), 1, 1),
        (("init",), 0, 1),
    ],
)
def test_children_go_to_the_nearest_subreaper_of_the_same_namespace(
    machine: Machine, marked: tuple[str, ...], below: int, reaper: int
) -> None:
    family = Family(machine, threads=1, children=True, below=below)
    for name in marked:
        family.mark(getattr(family, name), "is_child_subreaper")
    assert 1 == family.reaper()
    family.mark(machine.task, "has_child_subreaper")
    assert reaper == family.reaper()


def test_children_in_a_pid_namespace_go_to_its_init(machine: Machine) -> None:
    family, kernel = Family(machine, threads=1, children=True, below=0), machine.kernel
    space = kernel.new("pid_namespace", child_reaper=machine.new_task(700, 700))
    own = machine.pid(TID, 5)
    kernel.write(own + kernel.offset("pid", "numbers") + 16, struct.pack("<i4xQ", 5, space))
    machine.put("task_struct", machine.task, thread_pid=own)
    assert 700 == family.reaper()


VERDICT: Final = struct.pack("<QQ", 5, 0b101)
"""Predicate bits of the generation 5."""


def judged(machine: Machine, *pids: int) -> None:
    """Store predicate bits of these processes, as user space does."""
    machine.kernel.write(machine.kernel.map(GENERATION, 4, 8, 1, is_array=True), struct.pack("<Q", 5))
    machine.kernel.map(PROC_VERDICTS, 4, 16, 8, is_array=False)
    for pid in pids:
        machine.library.put(PROC_VERDICTS, struct.pack("<I", pid), VERDICT)


def verdict(machine: Machine, pid: int) -> bytes:
    at = machine.library.get(PROC_VERDICTS, struct.pack("<I", pid))
    return machine.kernel.bytes_at(at, 16) if at else b""


def test_a_new_process_has_the_verdict_on_its_parent_and_a_thread_changes_nothing(machine: Machine) -> None:
    judged(machine, PID)
    happened(machine, "process_forked", machine.task, child(machine, 200, 200))
    happened(machine, "process_forked", machine.task, child(machine, 201, 202))
    assert [VERDICT, VERDICT, b"", b""] == [verdict(machine, pid) for pid in (PID, 200, 201, 202)]


@pytest.mark.parametrize(("live", "expected"), [(1, VERDICT), (0, b"")])
def test_the_verdict_on_a_process_ends_with_its_last_thread(machine: Machine, live: int, expected: bytes) -> None:
    judged(machine, PID)
    exited(machine, live)
    assert expected == verdict(machine, PID)


def test_the_verdict_on_a_process_that_has_moved_is_void_also_while_the_source_is_off(machine: Machine) -> None:
    judged(machine, 300)
    moves = machine.kernel.map(CGROUP_MOVES, 4, 8, 1, is_array=True)
    machine.settings.put("off", 1)
    happened(machine, "process_moved", 0, 0, machine.new_task(300, 300))
    assert (b"", 1) == (verdict(machine, 300), int.from_bytes(machine.kernel.bytes_at(moves, 8), "little"))
