"""Malicious processes, and harmless ones with the numbers of ended malicious ones: clone3 with set_tid, as root.

    python -m tests.support.reused_pids FILE COUNT

Half of the malicious processes open FILE and stay, the other half open it and end, each followed at once by a harmless
process of its number, which waits. Prints a line once all exist. When its input ends, prints as JSON how many of each
were killed, and ends the rest.
"""

import ctypes
import json
import os
import signal
import struct
import sys
from typing import Final

_CLONE3: Final = 435
_LIBC: Final = ctypes.CDLL(None, use_errno=True)


def main(path: str, count: int) -> None:
    """Make the processes, wait for the end of the input, and print the counts."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    stay = [_opening(path, stays=True) for _ in range(count - count // 2)]
    harmless = [_after_one_that_ended(path) for _ in range(count // 2)]
    harmless += [_forked(_wait) for _ in range(count - len(harmless))]
    print("made", flush=True)
    sys.stdin.read()
    killed = {"malicious": sum(map(_was_killed, stay)), "harmless": sum(map(_was_killed, harmless))}
    print(json.dumps(killed), flush=True)


def _after_one_that_ended(path: str) -> int:
    pid = _opening(path, stays=False)
    os.waitpid(pid, 0)
    return _cloned_as(pid)


def _opening(path: str, *, stays: bool) -> int:
    def work() -> None:
        os.close(os.open(path, os.O_RDONLY))
        if stays:
            _wait()

    return _forked(work)


def _forked(work: "object") -> int:
    pid = os.fork()
    if not pid:
        work()  # type: ignore[operator]  # a function
        os._exit(0)
    return pid


def _cloned_as(pid: int) -> int:
    """Fork a child with this pid: struct clone_args of linux/sched.h."""
    wanted = ctypes.c_int(pid)
    args = struct.pack("<11Q", 0, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, ctypes.addressof(wanted), 1, 0)
    made = _LIBC.syscall(_CLONE3, args, len(args))
    if made < 0:
        raise OSError(ctypes.get_errno(), f"clone3 as {pid}")
    if not made:
        _wait()
    return pid


def _wait() -> None:
    while True:
        signal.pause()


def _was_killed(pid: int) -> bool:
    """Return True if the process has been killed by now; end it in any case."""
    found, status = os.waitpid(pid, os.WNOHANG)
    if found:
        return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
    os.kill(pid, signal.SIGTERM)
    os.waitpid(pid, 0)
    return False


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
