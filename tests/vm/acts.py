"""An act of every family of calls by every way into the kernel, each watched by a rule of its own. In the machine, with
mozu's Python: `python3 -m tests.vm.acts`. Each act has a child, which waits. The rules name its process and its act;
they come into force by a reload, the children go ahead one after the other, and every rule must then have raised an
alert.
"""

import contextlib
import json
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.support.acts import compat, int80
from tests.support.acts.io_uring import Ring
from tests.support.acts.raw import call
from tests.vm.service import FEW_RULES, Failed, alerts, raised, run, until

RULES: Final = Path("/etc/mozu/rules.d/acts.yaml")
CONFIGURATION: Final = Path("/etc/mozu/config.d/acts.yaml")
NATIVE, NARROW, RING = "native", "32-bit", "io_uring"
EXEC, SIGNAL = "execve", "signaldeliver"
"""Events that are not made by a call's exit and do not report the way."""
_WORK: Final = tempfile.mkdtemp()
_DATAGRAM: Final = (socket.AF_UNIX, socket.SOCK_DGRAM, 0)
_CONDITIONS: Final = {
    NATIVE: " and evt.is_compat32 = false and evt.is_io_uring = false",
    NARROW: " and evt.is_compat32 = true",
    RING: " and evt.is_io_uring = true",
}


class Act(NamedTuple):
    """Act of a child."""

    family: str
    """Name of the family as in bpf/programs."""
    way: str
    type: str
    """Type of the event."""
    do: Callable[[], object]

    @property
    def name(self) -> str:
        """Return the name of the act's rule."""
        return f"{self.family}, {self.way}"


def _condition(act: Act) -> str:
    return "" if act.type in (EXEC, SIGNAL) else _CONDITIONS[act.way]


def _narrow(name: str, *arguments: int80.Argument) -> Callable[[], object]:
    return lambda: compat.call(name, list(arguments))


def _native(name: str, *arguments: object) -> Callable[[], object]:
    return lambda: call(name, *arguments)


def _pair() -> int:
    return socket.socketpair(*_DATAGRAM)[0].detach()


def _request(operation: str, fd: Callable[[], int], text: str | bytes, **fields: int) -> Callable[[], object]:
    def do() -> None:
        ring = Ring()
        ring.request(operation, fd(), addr=ring.pointer(text), **fields)

    return do


def _accepted(accept: Callable[[int], object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        accept(server.fileno())


def _forked(fork: Callable[[], int]) -> None:
    if fork() == 0:
        os._exit(0)
    os.wait()


def _signalled(kill: Callable[[], object]) -> None:
    signal.signal(signal.SIGUSR1, lambda *_: None)
    kill()


def _message(call_of: Callable[[int, bytes], object]) -> None:
    call_of(_pair(), b"good day")


def _sent_narrow(fd: int, data: bytes) -> int:
    return compat.call("sendto", [fd, data, 8, 0, None, 0])


def _mmsg(way: str) -> None:
    fd = _pair()
    if way == NATIVE:
        call("sendmmsg", fd, bytes(64), 1, 0)
    else:
        compat.call("sendmmsg", [fd, bytes(32), 1, 0])


CALLS: Final = (
    Act("open", NATIVE, "openat", _native("openat", -100, "/etc/hostname", 0, 0)),
    Act("open", NARROW, "openat", _narrow("openat", -100, "/etc/hostname", 0, 0)),
    Act("open", RING, "openat", _request("openat", lambda: -100, "/etc/hostname")),
    Act("path", NATIVE, "mkdirat", _native("mkdirat", -100, f"{_WORK}/native", 0o700)),
    Act("path", NARROW, "mkdir", _narrow("mkdir", f"{_WORK}/narrow", 0o700)),
    Act("path", RING, "mkdirat", _request("mkdirat", lambda: -100, f"{_WORK}/ring", length=0o700)),
    Act("descriptor", NATIVE, "dup", _native("dup", 0)),
    Act("descriptor", NARROW, "dup", _narrow("dup", 0)),
    Act("descriptor", RING, "socket", lambda: Ring().request("socket", 2, off=1)),
    Act("accept", NATIVE, "accept4", lambda: _accepted(lambda fd: call("accept4", fd, None, None, 0))),
    Act("accept", NARROW, "accept4", lambda: _accepted(lambda fd: compat.call("accept4", [fd, None, None, 0]))),
    Act("accept", RING, "accept4", lambda: _accepted(lambda fd: Ring().request("accept", fd))),
    Act("message", NATIVE, "sendto", lambda: _message(lambda fd, data: call("sendto", fd, data, 8, 0, None, 0))),
    Act("message", NARROW, "sendto", lambda: _message(_sent_narrow)),
    Act("message", RING, "sendto", _request("send", _pair, b"good day", length=8)),
    Act("mmsg", NATIVE, "sendmmsg", lambda: _mmsg(NATIVE)),
    Act("mmsg", NARROW, "sendmmsg", lambda: _mmsg(NARROW)),
    Act("pair", NATIVE, "pipe2", _native("pipe2", bytes(8), 0)),
    Act("pair", NARROW, "pipe2", _narrow("pipe2", bytes(8), 0)),
    Act("transfer", NATIVE, "write", lambda: _message(lambda fd, data: call("write", fd, data, 8))),
    Act("transfer", NARROW, "write", lambda: _message(lambda fd, data: compat.call("write", [fd, data, 8]))),
    Act("transfer", RING, "write", _request("write", _pair, b"good day", length=8, off=-1)),
    Act("cwd", NATIVE, "chdir", _native("chdir", "/tmp")),
    Act("cwd", NARROW, "chdir", _narrow("chdir", "/tmp")),
    Act("session", NATIVE, "prctl", _native("prctl", 15, b"renamed", 0, 0, 0)),
    Act("session", NARROW, "prctl", _narrow("prctl", 15, b"renamed", 0, 0, 0)),
    Act("mapping", NATIVE, "munmap", _native("munmap", 1 << 30, 4096)),
    Act("mapping", NARROW, "munmap", _narrow("munmap", 1 << 30, 4096)),
    Act("memory", NATIVE, "getcwd", _native("getcwd", bytes(100), 100)),
    Act("memory", NARROW, "getcwd", _narrow("getcwd", bytes(100), 100)),
    Act("identity", NATIVE, "setresuid", _native("setresuid", 1, 1, 1)),
    Act("identity", NARROW, "setresuid", _narrow("setresuid32", 1, 1, 1)),
    Act("number", NATIVE, "getppid", _native("getppid")),
    Act("number", NARROW, "getppid", _narrow("getppid")),
    Act("number", RING, "fsync", lambda: Ring().request("fsync", os.open(_WORK, os.O_RDONLY))),
    Act("exec", NATIVE, EXEC, lambda: os.execv("/bin/true", ["true"])),
    Act("exec", NARROW, EXEC, _narrow("execve", "/bin/true", ["true", None], [None])),
    Act("lifecycle", NATIVE, "clone", lambda: _forked(os.fork)),
    Act("lifecycle", NARROW, "fork", lambda: _forked(lambda: compat.call("fork", []))),
    Act("signal", NATIVE, SIGNAL, lambda: _signalled(lambda: call("kill", os.getpid(), signal.SIGUSR1))),
    Act("signal", NARROW, SIGNAL, lambda: _signalled(lambda: compat.call("kill", [os.getpid(), signal.SIGUSR1]))),
)


def rule(act: Act, pid: int) -> str:
    """Return the rule that is matched by this act of this process alone."""
    return (
        f'- rule: "{act.name}"\n  desc: For this act.\n  output: "%evt.type %proc.pid"\n  priority: NOTICE\n'
        f"  condition: evt.type = {act.type} and proc.pid = {pid}{_condition(act)}\n"
    )


def child(act: Act) -> tuple[int, int]:
    """Start a process that acts once its pipe is written to; return its pid and the pipe's descriptor."""
    wait, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(go)
        os.read(wait, 1)
        try:
            act.do()
        finally:
            os._exit(0)
    os.close(wait)
    return pid, go


def release(pid: int, go: int) -> None:
    """Let a child act, and wait for its end."""
    os.write(go, b"\n")  # later children have this pipe too: its end would not be seen
    os.close(go)
    os.waitpid(pid, 0)


def summary(acts: Sequence[Act], raised: Collection[str]) -> dict[str, object]:
    """Return which of these acts raised an alert, by family, and which did not."""
    seen: dict[str, list[str]] = {}
    for act in acts:
        if act.name in raised:
            seen.setdefault(act.family, []).append(act.way)
    return {"seen": seen, "unseen": sorted(act.name for act in acts if act.name not in raised)}


def main() -> None:
    """Try the acts and print a line of JSON."""
    children = [(act, *child(act)) for act in CALLS]
    RULES.write_text("".join(rule(act, pid) for act, pid, _ in children))
    CONFIGURATION.write_text(FEW_RULES)
    before = len(alerts("mozu reloaded"))
    run("systemctl", "reload", "mozu.service")
    until("the rules of the acts are in force", lambda: alerts("mozu reloaded")[before:])
    for _, pid, go in children:
        release(pid, go)
    names = {act.name for act in CALLS}
    with contextlib.suppress(Failed):  # missing alerts are reported below
        until("an alert of every act", lambda: names <= raised())
    RULES.unlink()
    CONFIGURATION.unlink()
    print(json.dumps(summary(CALLS, raised())))


if __name__ == "__main__":
    main()
