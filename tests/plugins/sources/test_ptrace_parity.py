"""Programs seen at the same moment by the programs in the kernel and by tracing: the events must agree.
Permitted differences are written down here, one line each.
"""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from mozu.core.common.boot_clock import TICK
from mozu.core.model.event import File, SockTuple, SyscallEvent
from mozu.core.model.syscalls import event_type
from mozu.core.state.observed import Descriptor, Executed, Forked, Opened
from mozu.core.state.paths import directory, join
from tests.support.act import command
from tests.support.acts import changes, opens, processes, sockets
from tests.support.build import compiled
from tests.support.families import traced
from tests.support.live import QUIET, Live

pytestmark = pytest.mark.ebpf

INET, INET6, STREAM, DGRAM = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
TRIES: Final = 6
MOMENTARY: Final = ("pgft_maj", "pgft_min", "vm_size", "vm_rss", "vm_swap")
"""Counters of the kernel that change between the two readings."""
UNKNOWN: Final = ("pidns_init_start_ts", "queuepct")
"""Fields that tracing lacks: times of /proc are hundredths of a second; the accept queue of a unix socket is
unknown.
"""
PERMITTED: Final = {
    "time and processor of every event": "each looks at a moment of its own",
    "pointers of unix sockets": "the kernel hides them without privilege",
    "start of a process": "the moment when the tracer sees it, or of /proc in hundredths of a second",
    "own end of a connection that failed": "the kernel has taken the port back, and getsockname still returns it",
    "layers of an overlay": "no system call returns the layer of a file",
    "faults and sizes of memory": "they go on between the two looks",
    "arguments beyond 4 KiB": "the program in the kernel keeps the first 4095 bytes",
    "ends of single threads": "sched_process_exit reports a main thread that ends before the others, wait does not",
    "SIGKILL": "no task stops for it; what ends the other threads of a process is not reported by wait",
    "reaper": "known where a traced child runs on",
}
"""Permitted difference → its reason; docs/operate/trace.md has the same list."""


def _sock(sock: SockTuple | None) -> SockTuple | None:
    return replace(sock, source_pointer=0, dest_pointer=0) if sock is not None and sock.family == 1 else sock


def _file(file: File | None) -> File | None:
    if file is None or file.sock is None or file.sock.family != 1:
        return file
    name = file.name if file.role == "listening" else f"0->0 {file.sock.path}"
    return replace(file, sock=_sock(file.sock), name=name)


def _value(kind: str, place: int, value: Any) -> Any:
    declared = event_type(kind)
    assert declared is not None
    if declared.params[place].name in (*MOMENTARY, *UNKNOWN):
        return "differs"
    return _sock(value) if isinstance(value, SockTuple) else value


def _observed(observed: Any) -> Any:
    if isinstance(observed, Executed):
        # the inode and mount of the working directory are only known to the kernel's programs
        return replace(observed, start=0, cwd_of_root=False, boot_start=observed.boot_start // TICK)
    if isinstance(observed, Forked):
        return replace(observed, start=0, pidns_start=0, boot_start=observed.boot_start // TICK)
    if isinstance(observed, Descriptor) and observed.file is not None:
        return Descriptor(_file(observed.file))  # type: ignore[arg-type]  # a tuple, compared and not used
    return observed


def _name(base: str | None, raw: str) -> str:
    """Return the state's name for a path that was given."""
    return raw if base is None and raw[:1] != "/" else join(directory(base or "/"), raw)


def comparable(event: SyscallEvent) -> tuple[Any, ...]:
    """Return all parts of an event that must agree."""
    args = tuple(_value(event.type, place, value) for place, value in enumerate(event.args))
    file, observed = _file(event.file), _observed(event.observed)
    if event.type == "connect" and event.args[0] < 0 and file is not None and file.kind in ("ipv4", "ipv6"):
        file, observed = replace(file, name="", sock=None), None
    if isinstance(observed, Opened) and file is not None:  # eBPF makes the file of an open; of ptrace's the state does
        name = file.name or _name(observed.base, file.raw)
        observed = Opened(observed.base, observed.realpath or file.realpath)
        if event.args[0] < 0:
            file = File("", name, file.raw)  # the flags of one that failed are among the parameters
        else:
            file = replace(file, name=name, realpath=None, name_changed=False)
    return event.type, event.tid, event.pid, args, event.fd, file, observed


def both(live: Live, line: list[str]) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
    """Return the events of the kernel's programs and of tracing, by thread. The act is repeated if the kernel's ring
    lost events (on a busy machine).
    """
    for _ in range(TRIES):
        lost = _lost(live)
        found = _both(live, line)
        if lost == _lost(live):
            return found
    raise AssertionError(f"the ring lost events in each of {TRIES} tries: the machine is too busy for a comparison")


def _lost(live: Live) -> int:
    return sum(count.lost for count in live.source.counts().values())


def _both(live: Live, line: list[str]) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
    live.forget()
    reported = asyncio.run(traced(line, QUIET, ("tree", "cwd", "ids", "env", "realpath")))
    root, pids = reported[0].pid, {event.pid for event in reported}
    seen = live.wait(lambda events: any(e.type == "procexit" and e.pid == root for e in reversed(events)))
    own = [event for event in seen if event.pid in pids]
    starts = (n for n, event in enumerate(own) if event.type == "execve" and event.args[:3] == reported[0].args[:3])
    begin = next(starts, 0)  # the ring may have lost it
    return _by_thread(own[begin:]), _by_thread(reported)


def _by_thread(events: list[SyscallEvent]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for event in events:
        if event.type == "_exit" or (event.type == "signaldeliver" and event.args[2] == signal.SIGKILL):
            continue
        found.setdefault(event.tid, []).append(comparable(event))
    return found


def _waiting() -> str:
    return str(compiled("waiting", "-static"))


def differences(kernel: dict[int, list[Any]], traced: dict[int, list[Any]]) -> Iterator[str]:
    """Yield a line for each difference, by thread and position."""
    for tid in kernel.keys() | traced.keys():
        for one, other in zip_longest(kernel.get(tid, []), traced.get(tid, [])):
            if other is None and one is kernel[tid][-1] and (one[3][:1] == (-errno.ENOSYS,) or one[0] == "madvise"):
                continue  # its thread was killed at the entry, at a stop for its tracer; or as it freed its stack
            if one is None or other is None or one[:3] != other[:3]:
                yield f"kernel {one} traced {other}"
                return
            yield from (
                f"{one[0]} {part} kernel {a!r} traced {b!r} of {one[3]}"
                for part, a, b in _parts(one, other)
                if a != b and not (part == "reaper_tid" and a and not b)
            )  # eBPF also reports the reaper of children that another ending thread may still have


def _parts(one: tuple[Any, ...], other: tuple[Any, ...]) -> Iterator[tuple[str, Any, Any]]:
    declared = event_type(one[0])
    names = [] if declared is None else [param.name for param in declared.params]
    yield from zip_longest(names, one[3], other[3])
    yield from zip(("fd", "file", "observed"), one[4:], other[4:], strict=True)


ACTS: Final[dict[str, Callable[[Path], tuple[Any, ...]]]] = {
    "open": lambda at: (opens.opened, "open", str(at / "file"), os.O_RDONLY, 0),
    "open for writing": lambda at: (opens.opened, "openat", -100, str(at / "file"), os.O_RDWR | os.O_TRUNC, 0),
    "create": lambda at: (opens.opened, "openat", -100, str(at / "new"), os.O_CREAT | os.O_WRONLY, 0o640),
    "create exclusively": lambda at: (opens.opened, "openat", -100, str(at / "x"), os.O_CREAT | os.O_EXCL, 0o600),
    "create what exists": lambda at: (opens.opened, "openat", -100, str(at / "file"), os.O_CREAT | os.O_WRONLY, 0o640),
    "creat": lambda at: (opens.opened, "creat", str(at / "new"), 0o640),
    "through a link": lambda at: (opens.opened, "openat", -100, str(at / "link" / "file"), os.O_RDONLY, 0),
    "what is not there": lambda at: (opens.opened, "openat", -100, str(at / "none"), os.O_RDONLY, 0),
    "no path": lambda at: (opens.opened, "openat", -100, None, os.O_RDONLY, 0),
    "empty path": lambda at: (opens.opened, "openat", -100, "", os.O_RDONLY, 0),
    "bytes that are no text": lambda at: (opens.opened, "openat", -100, b"/tmp/\xff\xfe", os.O_RDONLY, 0),
    "a path that is too long": lambda at: (opens.opened, "openat", -100, "/" + "a/" * 3000, os.O_RDONLY, 0),
    "beside a directory": lambda at: (opens.beside, "openat", str(at / "inner"), "deep/file", os.O_RDONLY),
    "from the working directory": lambda at: (opens.from_directory, str(at / "inner"), "./deep/../deep/file"),
    "openat2": lambda at: (opens.how, str(at / "file"), os.O_RDONLY, 0, 4),
    "after chroot": lambda at: (opens.inside, str(at), "inner/deep/file"),
    "a deleted file": lambda at: (opens.deleted, str(at / "file")),
    "chdir": lambda at: (changes.go, "chdir", "inner", str(at)),
    "fchdir": lambda at: (changes.go, "fchdir", str(at / "inner")),
    "chdir that fails": lambda at: (changes.go, "fchdir", str(at / "file")),
    "unlink": lambda at: (changes.by_name, "unlink", ["file"], str(at)),
    "rename": lambda at: (changes.by_name, "rename", ["file", "other"], str(at)),
    "renameat2": lambda at: (
        changes.between,
        "renameat2",
        str(at),
        str(at / "inner"),
        ["1", b"file", "2", b"other", 0],
    ),
    "mkdir": lambda at: (changes.by_name, "mkdir", ["made", 0o750], str(at)),
    "symlink": lambda at: (changes.by_name, "symlink", ["file", "made"], str(at)),
    "linkat": lambda at: (changes.between, "linkat", str(at), str(at / "inner"), ["1", b"file", "2", b"other", 0]),
    "chmod": lambda at: (changes.by_name, "chmod", ["file", 0o600], str(at)),
    "fchmod": lambda at: (changes.with_descriptor, "fchmod", str(at / "file"), [0o600]),
    "flock": lambda at: (changes.with_descriptor, "flock", str(at / "file"), [6]),
    "prctl": lambda at: (changes.name_oneself, "another"),
    "capset": lambda at: (changes.drop_capabilities,),
    "setresuid": lambda at: (changes.by_name, "setresuid", [11, 12, 13]),
    "setsid": lambda at: (changes.by_name, "setsid", []),
    "kill": lambda at: (changes.by_name, "kill", [0, 0]),
    "unshare": lambda at: (changes.by_name, "unshare", [0x20000]),
    "mprotect": lambda at: (changes.by_name, "mprotect", [0, 0, 5]),
    "connect": lambda at: (sockets.connect, INET, STREAM, "127.0.0.1"),
    "connect by IPv6": lambda at: (sockets.connect, INET6, STREAM, "::1"),
    "connect by datagrams": lambda at: (sockets.connect, INET, DGRAM, "127.0.0.1"),
    "connect that is refused": lambda at: (sockets.refused, INET, "127.0.0.1"),
    "connect that waits": lambda at: (sockets.pending,),
    "connect to a path": lambda at: (sockets.connect_unix, str(at / "sock"), True),
    "connect to an abstract name": lambda at: (sockets.connect_unix, f"\0mozu{os.getpid()}", True),
    "connect to a socket that does not exist": lambda at: (sockets.connect_unix, str(at / "sock"), False),
    "bind and listen": lambda at: (sockets.bind, INET, "127.0.0.1", True),
    "bind by IPv6": lambda at: (sockets.bind, INET6, "::", True),
    "accept": lambda at: (sockets.accept, "accept", INET, "127.0.0.1"),
    "accept4": lambda at: (sockets.accept, "accept4", INET, "127.0.0.1"),
    "accept on a path": lambda at: (sockets.accept_unix, str(at / "sock")),
    "accept on no socket": lambda at: (sockets.accept_nothing, 0),
    "sendto": lambda at: (sockets.send, b"datagram"),
    "recvfrom": lambda at: (sockets.receive, b"datagram"),
    "sendmsg": lambda at: (sockets.send_message, [b"one", b"two" * 60]),
    "recvmsg": lambda at: (sockets.receive_message, [b"one", b"two"]),
    "sendto on no socket": lambda at: (sockets.send_nowhere,),
    "dup2 of a connection": lambda at: (sockets.copy_connection, "dup2", 20),
    "dup of a pipe": lambda at: (sockets.copy, "pipe", ""),
    "dup of an eventfd": lambda at: (sockets.copy, "event", ""),
    "dup of a memfd": lambda at: (sockets.copy, "memfd", ""),
    "dup of a pidfd": lambda at: (sockets.copy, "pidfd", ""),
    "dup of nothing": lambda at: (sockets.copy, "none", ""),
    "netlink": lambda at: (sockets.make, 16, 3, 0),
    "fork, exec": lambda at: (processes.run, _waiting(), ["zero", "a b", "", "ü"], {"A": "b"}, str(at)),
    "exec in a session": lambda at: (processes.run, _waiting(), ["one"], {}, "/", "new_session"),
    "exec of memory": lambda at: (processes.run_memfd, _waiting()),
    "exec that fails": lambda at: (processes.execute, "/nonexistent", ["a", "b c"]),
    "execveat that fails": lambda at: (processes.execute, "/nonexistent", ["a", "b c"], True),
    "exec by a thread": lambda at: (processes.run_by_thread, "/bin/true"),
    "end with a status": lambda at: (processes.end_with, 42),
    "end by a signal": lambda at: (processes.end_by, 9),
    "end by a signal that could be handled": lambda at: (processes.end_by, 15),
    "end by the last thread": lambda at: (processes.end_in_a_thread,),
    "a thread": lambda at: (processes.thread,),
}


@pytest.mark.parametrize("family", ["opens", "changes", "sockets", "processes"])
def test_tracing_sees_what_the_kernels_programs_see(live: Live, tree: Path, family: str) -> None:
    acts = [act for act in (made(tree) for made in ACTS.values()) if act[0].__module__.endswith(f".{family}")]

    kernel, traced = both(live, command(acts, tree / "acts"))

    assert [] == list(differences(kernel, traced))
