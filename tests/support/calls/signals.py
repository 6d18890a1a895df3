"""Signals that arrive: sent by a process, by the kernel for a process, and by the kernel on its own."""

import ctypes
import os
import resource
import signal
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.support.calls.making import call, room
from tests.support.calls.reported import Reported, reported

SI_QUEUE = -1
_NEW_PID = 0x20000000


def _handle(*numbers: int) -> None:
    for number in numbers:
        signal.signal(number, lambda *_: None)


def _waiter() -> Callable[[], object]:
    """Return a function that waits until a signal has been handled since."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    return lambda: os.read(reader, 1)


def _arrived(spid: int, dpid: int, number: int) -> Reported:
    return reported("signaldeliver", spid, dpid, int(number))


def _queue(pid: int, number: int, sender: int) -> int:
    """Call rt_sigqueueinfo as sigqueue of the C library does."""
    info = struct.pack("<iii4xiiQ", number, 0, SI_QUEUE, sender, 0, 7).ljust(128, b"\0")
    return call("rt_sigqueueinfo", pid, number, room(info))


def by_itself(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    _handle(signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN + 3, signal.SIGHUP)
    os.kill(own, signal.SIGUSR1)
    yield _arrived(own, own, signal.SIGUSR1)
    call("tgkill", own, own, signal.SIGUSR2)
    yield _arrived(own, own, signal.SIGUSR2)
    assert _queue(own, signal.SIGRTMIN + 3, own) == 0
    yield _arrived(own, own, signal.SIGRTMIN + 3)
    assert _queue(own, signal.SIGHUP, 77) == 0
    yield _arrived(77, own, signal.SIGHUP)  # the sender claims this pid


def by_another_process(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    _handle(signal.SIGUSR1, signal.SIGCHLD)
    child = os.fork()
    if child == 0:
        os.kill(own, signal.SIGUSR1)
        os._exit(0)
    os.waitpid(child, 0)
    yield _arrived(child, own, signal.SIGUSR1)
    yield _arrived(child, own, signal.SIGCHLD)


def to_a_thread(at: Path) -> Iterator[Reported]:
    _handle(signal.SIGUSR1)
    known: list[int] = []
    begun, over = threading.Event(), threading.Event()

    def wait() -> None:
        known.append(threading.get_native_id())
        begun.set()
        over.wait()

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait()
    call("tgkill", os.getpid(), known[0], signal.SIGUSR1)
    over.set()
    thread.join()
    yield _arrived(os.getpid(), known[0], signal.SIGUSR1)


def blocked(at: Path) -> Iterator[Reported]:
    """Send a blocked signal, which arrives when it is unblocked."""
    own = os.getpid()
    _handle(signal.SIGUSR1)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    os.kill(own, signal.SIGUSR1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    yield _arrived(own, own, signal.SIGUSR1)


def by_the_kernel(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    _handle(signal.SIGALRM, signal.SIGPIPE)
    wait = _waiter()
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    wait()
    yield _arrived(0, own, signal.SIGALRM)
    timer = room(4)
    assert call("timer_create", 1, None, timer) == 0
    assert call("timer_settime", 0, 0, room(struct.pack("<4q", 0, 0, 0, 1_000_000)), 0) == 0
    wait()
    yield _arrived(0, own, signal.SIGALRM)
    reader, writer = os.pipe()
    os.close(reader)
    assert call("write", writer, "x", 1) < 0
    yield _arrived(own, own, signal.SIGPIPE)  # sent to the writer, with the writer as sender


def that_end(at: Path) -> Iterator[Reported]:
    own = os.getpid()
    _handle(signal.SIGCHLD)
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGSEGV, signal.SIG_DFL)
        ctypes.string_at(16)
    os.waitpid(child, 0)
    yield _arrived(0, child, signal.SIGSEGV)
    yield _arrived(child, own, signal.SIGCHLD)
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    yield _arrived(0, child, signal.SIGKILL)  # the kernel does not keep the sender


def from_outside_a_namespace(at: Path) -> Iterator[Reported]:
    """Send signals into a pid namespace. Pids are those of the receiver, which has none for a process outside of its
    namespace."""
    reader, writer = os.pipe()
    wait = _waiter()
    assert call("unshare", _NEW_PID) == 0
    init = os.fork()
    if init == 0:
        _handle(signal.SIGUSR1, signal.SIGUSR2)
        child = os.fork()
        if child == 0:
            os.kill(os.getppid(), signal.SIGUSR1)
            os._exit(0)
        wait()
        os.write(writer, b"x")
        wait()
        os._exit(0)
    os.read(reader, 1)
    os.kill(init, signal.SIGUSR2)
    os.waitpid(init, 0)
    yield _arrived(2, init, signal.SIGUSR1)
    yield _arrived(0, init, signal.SIGUSR2)


TRIGGERS = [by_itself, by_another_process, to_a_thread, blocked, by_the_kernel, that_end, from_outside_a_namespace]
