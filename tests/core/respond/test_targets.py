"""The processes of an act are exactly the intended ones, or none."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from mozu.core.api import AlertProcess, Scope
from mozu.core.model.syscalls import machine_number
from mozu.core.respond.process_facts import executable_of, process_facts
from mozu.core.respond.sharers import share_files
from mozu.core.respond.targets import HeldProcess, HeldProcesses, NotTheSame, is_young
from tests.core.respond.test_sharers import SHARES
from tests.support.requirements import require

SECOND = 1_000_000_000
LEADERLESS = f"""
import ctypes, threading, time
first = threading.main_thread().native_id
def other():
    while open(f"/proc/self/task/{{first}}/stat").read().rpartition(")")[2].split()[0] != "Z":
        pass
    print("alone", flush=True)
    time.sleep(60)  # until it is killed
threading.Thread(target=other).start()
ctypes.CDLL(None).syscall({machine_number("exit")}, 0)
"""
"""A program whose first thread ends while another goes on."""


@pytest.fixture
def child() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as process:
        yield process
        process.kill()


def meant(pid: int, *, after: int = SECOND) -> AlertProcess:
    """Return the process as its event would report it, `after` ns after its start."""
    facts = process_facts(pid)
    assert facts is not None
    return AlertProcess(pid, name=facts.name, boot_start=facts.start, age=after)


def test_a_process_is_held_and_signalled(child: "subprocess.Popen[bytes]") -> None:
    with HeldProcesses() as targets:
        targets.find(Scope.PROCESS, meant(child.pid))
        assert [one.pid for one in targets.held] == [child.pid]
        assert targets.held[0].signal(signal.SIGKILL)
    assert child.wait() == -signal.SIGKILL


def test_a_signal_to_a_held_process_that_has_ended_reaches_no_other(child: "subprocess.Popen[bytes]") -> None:
    held = HeldProcess(child.pid)
    child.kill()
    child.wait()
    assert not held.signal(signal.SIGKILL)
    assert not held.is_alive()
    held.close()


def test_a_number_that_was_used_again_is_refused(child: "subprocess.Popen[bytes]") -> None:
    other = msgspec.structs.replace(meant(child.pid), boot_start=meant(child.pid).boot_start - SECOND)
    with HeldProcesses() as targets, pytest.raises(NotTheSame, match="used again"):
        targets.find(Scope.PROCESS, other)


def test_a_process_that_had_just_begun_is_young(child: "subprocess.Popen[bytes]") -> None:
    assert is_young(meant(child.pid, after=1_000_000))
    assert not is_young(meant(child.pid, after=SECOND))


def test_a_process_whose_start_is_unknown_is_refused(child: "subprocess.Popen[bytes]") -> None:
    with HeldProcesses() as targets, pytest.raises(NotTheSame, match="is not known"):
        targets.find(Scope.PROCESS, msgspec.structs.replace(meant(child.pid), boot_start=0))


def test_a_process_that_has_ended_is_refused(child: "subprocess.Popen[bytes]") -> None:
    process = meant(child.pid)
    child.kill()
    child.wait()
    with HeldProcesses() as targets, pytest.raises(NotTheSame, match="has ended"):
        targets.find(Scope.PROCESS, process)


def test_the_group_of_a_process() -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True
    ) as shell:
        assert shell.stdout is not None
        member = int(shell.stdout.readline())
        with HeldProcesses() as targets:
            targets.find(Scope.GROUP, meant(shell.pid))
            assert {one.pid for one in targets.held} == {shell.pid, member}
        os.killpg(shell.pid, signal.SIGKILL)


def test_a_process_of_another_user_in_the_group_is_left_out_where_the_alert_is_not_about_root() -> None:
    with subprocess.Popen(
        ["/bin/sh", "-c", "sleep 60 & echo $!; wait"], stdout=subprocess.PIPE, start_new_session=True
    ) as shell:
        assert shell.stdout is not None
        shell.stdout.readline()
        of_another = msgspec.structs.replace(meant(shell.pid), uid=os.getuid() + 1)
        with HeldProcesses() as targets:
            targets.find(Scope.GROUP, of_another)
            assert [one.pid for one in targets.held] == [shell.pid]
        os.killpg(shell.pid, signal.SIGKILL)


def test_a_process_whose_first_thread_has_ended_is_held_and_killed() -> None:
    """Check because /proc reports such a process as a zombie."""
    with subprocess.Popen([sys.executable, "-c", LEADERLESS], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"alone\n"
        with HeldProcesses() as targets:
            targets.find(Scope.PROCESS, meant(process.pid))
            (held,) = targets.held
            assert held.facts.thread != process.pid
            assert executable_of(held.facts) is not None
            assert held.signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL


@pytest.mark.live
def test_those_that_share_the_descriptors_of_a_process() -> None:
    require(share_files(os.getpid(), os.getpid()), "kcmp is not allowed here")
    with subprocess.Popen(
        [sys.executable, "-c", SHARES], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        sharer, plain = map(int, process.stdout.readline().split())
        with HeldProcesses() as targets:
            targets.find(Scope.SHARERS, meant(process.pid))
            targets.add_sharers((plain, sharer))
            assert {one.pid for one in targets.held} == {process.pid, sharer}
            assert not share_files(process.pid, plain)
        process.communicate("")


def test_an_alert_about_no_process_has_no_targets_but_of_no_scope() -> None:
    with HeldProcesses() as targets:
        targets.find(Scope.NONE, None)
        assert targets.held == []
        with pytest.raises(NotTheSame, match="no process"):
            targets.find(Scope.PROCESS, None)


def test_those_of_an_earlier_act_are_found_by_number_and_start(child: "subprocess.Popen[bytes]") -> None:
    facts = process_facts(child.pid)
    assert facts is not None
    with HeldProcesses() as targets:
        targets.again((child.pid, os.getpid()), (facts.start, facts.start + SECOND))
        assert [one.pid for one in targets.held] == [child.pid]
