"""A FUSE file system that stops answering, with a process whose program, directory and open file lie on it.

    python -m tests.support.hung_files FOLDER

The server runs in a private mount namespace and speaks the kernel's protocol over /dev/fuse (linux/fuse.h). It serves
one file, `program`, a copy of sleep(1), and prints the process's number. At SIGUSR1 it stops answering. When its
standard input is closed the server ends, and the kernel fails all requests that wait for it.
"""

import ctypes
import os
import shutil
import signal
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.support.requirements import ROOT

_IN: Final = struct.Struct("<IIQQIIIHH")
"""struct fuse_in_header."""
_OUT: Final = struct.Struct("<IiQ")
"""struct fuse_out_header."""
_LOOKUP, _GETATTR, _OPEN, _READ, _RELEASE, _FLUSH, _INIT, _ACCESS = 1, 3, 14, 15, 18, 25, 26, 34
_UNANSWERED: Final = frozenset({2, 36, 42})
"""Operations without an answer: FORGET, INTERRUPT, BATCH_FORGET."""
_ENOENT, _ENOSYS, _ENODEV = 2, 38, 19
_NEW_NAMESPACE, _PRIVATE = 0x20000, 0x4000 | 0x40000
"""CLONE_NEWNS; MS_REC | MS_PRIVATE."""


class HungFiles:
    """The server, and the process that runs a program from the file system."""

    def __init__(self, server: "subprocess.Popen[bytes]", pid: int) -> None:
        self._server, self.pid = server, pid

    def stop_answering(self) -> None:
        """Stop answering for good."""
        self._server.send_signal(signal.SIGUSR1)


@contextmanager
def hung_files(folder: Path) -> Iterator[HungFiles]:
    """Serve until the end of the block. Takes root and /dev/fuse."""
    command = [sys.executable, "-m", "tests.support.hung_files", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield HungFiles(server, int(server.stdout.readline()))
        finally:
            server.stdin.close()


def _attributes(node: int, size: int) -> bytes:
    """Return struct fuse_attr of the root directory, or of the program."""
    mode = 0o40755 if node == 1 else 0o100755
    return struct.pack("<6Q10I", node, size, size // 512 + 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def _answer(operation: int, node: int, body: bytes, data: bytes) -> bytes | int:
    """Return the answer to a request, or the number of an error. No attribute stays valid: the kernel asks again."""
    if operation == _INIT:
        return struct.pack("<IIIIHHIIHHI28x", 7, 31, 65536, 0, 12, 9, 65536, 1, 16, 0, 0)
    if operation == _LOOKUP:
        if node != 1 or body.rstrip(b"\0") != b"program":
            return _ENOENT
        return struct.pack("<4QII", 2, 0, 0, 0, 0, 0) + _attributes(2, len(data))
    if operation == _GETATTR:
        return struct.pack("<QII", 0, 0, 0) + _attributes(node, len(data))
    if operation == _OPEN:
        return struct.pack("<QII", 0, 0, 0)
    if operation == _READ:
        _, offset, size = struct.unpack_from("<QQI", body)
        return data[offset : offset + size]
    return b"" if operation in (_RELEASE, _FLUSH, _ACCESS) else _ENOSYS


def _serve(device: int, data: bytes, is_hung: threading.Event) -> None:
    while True:
        request = os.read(device, 1 << 20)
        _, operation, unique, node, *_ = _IN.unpack_from(request)
        if is_hung.is_set() or operation in _UNANSWERED:
            continue
        found = _answer(operation, node, request[_IN.size :], data)
        payload, error = (b"", -found) if isinstance(found, int) else (found, 0)
        os.write(device, _OUT.pack(_OUT.size + len(payload), error, unique) + payload)


def _run(folder: str) -> int:
    """Start the process, which works in the directory, holds the program open and runs it; return its pid."""
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        os.set_inheritable(os.open("program", os.O_RDONLY), True)
        os.execv("program", ["program", "600"])
    return child


def main() -> None:
    """Run as the server's process."""
    folder = sys.argv[1]
    libc = ctypes.CDLL(None, use_errno=True)
    program = shutil.which("sleep")
    assert program is not None
    assert libc.unshare(_NEW_NAMESPACE) == 0
    assert libc.mount(b"none", b"/", None, _PRIVATE, None) == 0
    device, is_hung = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC), threading.Event()
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other"
    assert libc.mount(b"hung", os.fsencode(folder), b"fuse", 0, options.encode()) == 0
    signal.signal(signal.SIGUSR1, lambda *_: is_hung.set())
    threading.Thread(target=_serve, args=(device, Path(program).read_bytes(), is_hung), daemon=True).start()
    child = _run(folder)
    while Path(f"/proc/{child}/comm").read_text() != "program\n":
        pass
    print(child, flush=True)
    while os.read(0, 1):
        pass
    os.kill(child, signal.SIGKILL)
    os._exit(0)  # closes the device: all waiting requests get an error


if __name__ == "__main__":
    main()
