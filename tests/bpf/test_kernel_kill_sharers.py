"""Processes that are ended with one that a rule kills (bpf/kernel_kill.h): those that have its table of descriptors,
and one that would hold the killed process at its end."""

import ctypes
import struct

import pytest

from tests.bpf.test_kernel_kill import ACTS, DRY, KILLED, OFF, SIGKILL, SPARED_PID, WOULD, Kills, Rule, kills
from tests.support.kernel_machine import KILL_SHARED, PID, TID, Machine, pointer

pytestmark = pytest.mark.live

TRACES_EXIT = 1 << 9
NOTHING = None


def other(machine: Machine, tgid: int, files: int = 0, **members: int) -> int:
    """Make a task of another process, the next in the list of all tasks; `files` 0: with its own table."""
    more = {"files": files} if files else {}
    at = machine.new_task(tgid, members.pop("tid", tgid), **more, **members)
    machine.library.add_task(pointer(at))
    return at


def ending(machine: Machine, mode: int = ACTS, count: int = 1) -> tuple[Kills, int]:
    """Make the task the first in the list of all tasks; if `mode` is ACTS, programs that end sharers of a table are
    attached.

    Returns the rules, and the task's table, which `count` tasks have.
    """
    given = kills(machine, every=Rule(mode))
    files = machine.of("task_struct", machine.task, "files")
    machine.put("files_struct", files, count=count)
    machine.library.add_task(pointer(machine.task))
    return given, files


def noted(machine: Machine) -> tuple[int, int] | None:
    """Return (table, holder) of the processes that are to be ended with the task; None if there are none."""
    at = machine.library.get(KILL_SHARED, struct.pack("<I", PID))
    return struct.unpack("<QI4x", machine.kernel.bytes_at(at, 16)) if at else NOTHING


def test_a_process_alone_with_its_table_is_killed_and_nothing_is_noted(machine: Machine) -> None:
    given, _ = ending(machine)
    other(machine, 200)
    assert ((KILLED, SIGKILL), NOTHING) == (given.act(), noted(machine))


@pytest.mark.parametrize(("one", "said", "is_noted"), [(ACTS, KILLED, True), (DRY, WOULD, False)])
def test_a_process_that_shares_its_table_is_killed_and_noted_for_the_end_of_the_others(
    machine: Machine, one: int, said: int, is_noted: bool
) -> None:
    given, files = ending(machine, count=2)
    given = Kills(machine, Rule(one), Rule(ACTS))
    other(machine, 200, files)

    assert said == given.act()[0]
    assert ((files, 0) if is_noted else NOTHING) == noted(machine)


@pytest.mark.parametrize("mode", [OFF, DRY])
def test_it_is_left_where_nothing_ends_the_others(machine: Machine, mode: int) -> None:
    given, files = ending(machine, mode, count=2)
    other(machine, 200, files)
    assert ((0, 0), NOTHING) == (given.act(), noted(machine))


@pytest.mark.parametrize(("shares", "tgid", "is_left"), [(True, 200, True), (False, 200, False), (True, PID, False)])
def test_it_is_left_where_another_process_that_shares_it_may_be_protected(
    machine: Machine, shares: bool, tgid: int, is_left: bool
) -> None:
    given, files = ending(machine, count=2)
    other(machine, tgid, files * shares, tid=300, flags=0x00200000)

    assert (0 if is_left else KILLED) == given.act()[0]


def test_what_was_noted_of_an_earlier_process_with_its_number_is_replaced(machine: Machine) -> None:
    given, files = ending(machine, count=2)
    machine.library.put(KILL_SHARED, struct.pack("<I", PID), struct.pack("<QI4x", 1, 2))
    other(machine, 200, files)
    assert ((KILLED, SIGKILL), (files, 0)) == (given.act(), noted(machine))


def test_it_is_left_where_there_is_no_space_to_note_it(machine: Machine) -> None:
    given, files = ending(machine, count=2)
    other(machine, 200, files)
    machine.library.shorten_map(KILL_SHARED, 0)
    assert ((0, 0), 1) == (given.act(), given.rule(3).left)


@pytest.mark.parametrize(
    ("threads", "own", "second", "is_held"),
    [
        (1, TRACES_EXIT, 0, True),
        (1, ~TRACES_EXIT, 0, False),
        (2, 0, TRACES_EXIT, True),
        (2, 0, 0, False),
        (1, 0, TRACES_EXIT, False),
    ],
)
def test_a_process_that_holds_a_thread_at_its_end_is_noted(
    machine: Machine, threads: int, own: int, second: int, is_held: bool
) -> None:
    """A process of a single thread that is not held needs no search."""
    given, files = ending(machine)
    tracer = machine.new_task(400, 400)
    machine.put("signal_struct", machine.of("task_struct", machine.task, "signal"), nr_threads=threads)
    machine.put("task_struct", machine.task, ptrace=own, parent=tracer)
    other(machine, PID, files, tid=TID + 1, ptrace=second, parent=tracer)
    other(machine, 200, ptrace=TRACES_EXIT, parent=machine.new_task(401, 401))

    assert (KILLED, SIGKILL) == given.act()
    assert ((files, 400) if is_held else NOTHING) == noted(machine)


def test_a_holder_that_may_be_protected_is_none_and_the_next_is(machine: Machine) -> None:
    given, files = ending(machine)
    machine.put("signal_struct", machine.of("task_struct", machine.task, "signal"), nr_threads=3)
    for number in (400, 401):
        other(machine, PID, files, tid=number, ptrace=TRACES_EXIT, parent=machine.new_task(number, number))
    given.spare(SPARED_PID, 400, 500)

    assert KILLED == given.act()[0]
    assert (files, 401) == noted(machine)


def signalled(machine: Machine, files: int, holder: int) -> list[int]:
    """Return the tasks that were sent SIGKILL as a process."""
    machine.library.end_others(pointer(files), holder, PID)
    assert 0 == machine.library.mistakes_made()
    number = ctypes.c_uint32(0)
    at = machine.library.signals_sent(ctypes.byref(number))
    found = [struct.unpack("<QII", machine.kernel.bytes_at(at + one * 16, 16)) for one in range(number.value)]
    assert {(SIGKILL, machine.kernel.constant("PIDTYPE_TGID"))} >= {(signal, kind) for _, signal, kind in found}
    return [task for task, _, _ in found]


def test_others_that_have_the_table_are_signalled_but_not_the_process_itself(machine: Machine) -> None:
    _, files = ending(machine)
    other(machine, PID, files, tid=TID + 1)
    first = other(machine, 200, files)
    other(machine, 201)
    gone = other(machine, 202, files)
    last = other(machine, 203, files)
    machine.library.set_gone(pointer(gone))

    assert [first, last] == signalled(machine, files, 0)


def test_a_holder_is_signalled_whatever_table_it_has(machine: Machine) -> None:
    _, files = ending(machine)
    holder = other(machine, 400)
    other(machine, 401, files)
    assert [holder] == signalled(machine, 0, 400)


def test_a_process_that_holds_itself_is_not_signalled(machine: Machine) -> None:
    ending(machine)
    assert [] == signalled(machine, 0, PID)
