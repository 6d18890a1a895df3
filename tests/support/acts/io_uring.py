"""Requests through a private io_uring, made with raw calls."""

import ctypes
import mmap
import os
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Final

from tests.support.acts.raw import call

OPCODES: Final = {
    "fsync": 3, "sendmsg": 9, "recvmsg": 10, "accept": 13, "connect": 16, "openat": 18, "close": 19, "write": 23,
    "send": 26, "recv": 27, "openat2": 28, "shutdown": 34, "renameat": 35, "unlinkat": 36, "mkdirat": 37,
    "symlinkat": 38, "linkat": 39, "socket": 45, "send_zc": 47, "sendmsg_zc": 48, "bind": 56, "listen": 57,
}  # fmt: skip
SQPOLL: Final = 2
FIXED_FILE, SILENT = 1, 64
SQE128: Final = 1 << 10
"""Flag of io_uring_setup: entries of 128 bytes instead of 64."""
_PARAMS: Final = struct.Struct("<10I10I10I")
_ASYNC: Final = 16
_MULTISHOT: Final = 1
_AWAKE_MS: Final = 2000
_TIMEOUT: Final = 20.0
AT_FDCWD: Final = -100


class Ring:
    """A ring of eight entries. `flags` are those of io_uring_setup."""

    def __init__(self, flags: int = 0, completions: int = 0) -> None:
        setup = (8, completions, flags | (8 if completions else 0), 0, _AWAKE_MS, 0, 0, 0, 0, 0)
        params = ctypes.create_string_buffer(struct.pack("<10I", *setup) + bytes(80), 120)
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = int(libc.syscall(425, 8, params))
        assert self.fd >= 0, os.strerror(ctypes.get_errno())
        self._flags = flags
        found = _PARAMS.unpack(params.raw)
        self.depth = found[0]
        self._head, self._tail, self._mask, _, self._state, _, self._array = found[10:17]
        self._cq_head, self._cq_tail, self._cq_mask, _, _, self._cqes = found[20:26]
        size = max(self._array + 4 * found[0], self._cqes + 16 * found[1])
        self._rings = mmap.mmap(self.fd, size, mmap.MAP_SHARED, offset=0)
        self._stride = 128 if flags & SQE128 else 64
        self._entries = mmap.mmap(self.fd, self._stride * found[0], mmap.MAP_SHARED, offset=0x10000000)
        self._kept: list[object] = []

    def _get(self, at: int) -> int:
        return int.from_bytes(self._rings[at : at + 4], "little")

    def _set(self, at: int, value: int) -> None:
        self._rings[at : at + 4] = value.to_bytes(4, "little")

    def pointer(self, data: str | bytes) -> int:
        """Return the address of a text or of bytes, which stay there as long as the ring."""
        buffer = ctypes.create_string_buffer(os.fsencode(data) if isinstance(data, str) else data)
        self._kept.append(buffer)
        return ctypes.addressof(buffer)

    def submit(
        self, operation: str, fd: int = AT_FDCWD, *, off: int = 0, addr: int = 0, length: int = 0, flags: int = 0,
        extra: int = 0, entry_flags: int = 0, user_data: int = 7, priority: int = 0, wait: bool = True,
    ) -> None:  # fmt: skip
        """Submit a request; with `wait`, return only when its completion is there."""
        tail = self._get(self._tail)
        index = tail & self._get(self._mask)
        begin = self._stride * index
        self._entries[begin : begin + 64] = struct.pack(
            "<BBHiQQIIQHHIQQ", OPCODES[operation], entry_flags, priority, fd, off & (1 << 64) - 1, addr,
            length & 0xFFFFFFFF, flags, user_data, 0, 0, extra, 0, 0,
        )  # fmt: skip
        self._set(self._array + 4 * index, index)
        self._set(self._tail, tail + 1)
        if self._flags & SQPOLL:
            call("io_uring_enter", self.fd, 0, 0, 2, 0, 0)  # wakes the kernel's thread if it sleeps
            self._until(lambda: self._get(self._head) == tail + 1)
        else:
            submitted = call("io_uring_enter", self.fd, 1, int(wait), 1 if wait else 0, 0, 0)
            assert submitted == 1, submitted
        if wait:
            self._until(lambda: self._get(self._cq_tail) != self._get(self._cq_head))

    def _until(self, met: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT
        while not met():
            assert time.monotonic() < deadline
            time.sleep(0.001)  # the kernel's thread works asynchronously

    def result(self) -> int:
        """Take a completion from the queue; return its result."""
        head = self._get(self._cq_head)
        assert head != self._get(self._cq_tail)
        at = self._cqes + 16 * (head & self._get(self._cq_mask))
        self._set(self._cq_head, head + 1)
        return int(struct.unpack_from("<i", self._rings, at + 8)[0])

    def request(self, operation: str, fd: int = AT_FDCWD, **fields: int) -> int:
        """Submit a request, wait for it, and return the result."""
        self.submit(operation, fd, wait=True, **fields)
        return self.result()


def opened_in_turn(names: list[str], directory: str, setup: int) -> list[int]:
    """Open files of a directory one after the other, in one ring; return the descriptors."""
    os.chdir(directory)
    ring = Ring(setup)
    return [ring.request("openat", addr=ring.pointer(name), flags=os.O_RDONLY) for name in names]


def opened(path: str, directory: str = "/", flags: int = 0, setup: int = 0) -> int:
    """Call openat on a path; return the result."""
    os.chdir(directory)
    ring = Ring(setup)
    return ring.request("openat", addr=ring.pointer(path), flags=flags, length=0o600)


def opened_and_overwritten(path: str, other: str) -> int:
    """Call openat on a path that is overwritten as soon as the kernel has taken the request, before it is carried
    out."""
    ring = Ring()
    address = ring.pointer(path.ljust(len(other), "\0"))
    ring.submit("openat", addr=address, entry_flags=_ASYNC, wait=False)
    ctypes.memmove(address, other.encode(), len(other))
    call("io_uring_enter", ring.fd, 0, 1, 1, 0, 0)
    return ring.result()


def opened2(path: str, flags: int, resolve: int) -> int:
    """Call openat2; return the result."""
    ring = Ring()
    how = ring.pointer(struct.pack("<QQQ", flags, 0, resolve))
    return ring.request("openat2", addr=ring.pointer(path), off=how, length=24)


def between(operation: str, first: str, second: str, one: str, two: str = "", flags: int = 0) -> dict[str, int]:
    """Perform an operation on names relative to two directories."""
    ring = Ring()
    a, b = os.open(first, os.O_RDONLY), os.open(second, os.O_RDONLY)
    if operation == "symlinkat":
        result = ring.request(operation, b, addr=ring.pointer(one), off=ring.pointer(two))
    elif two:
        result = ring.request(
            operation, a, addr=ring.pointer(one), off=ring.pointer(two), length=b, flags=flags
        )
    else:
        mode = 0o700 if operation == "mkdirat" else 0
        result = ring.request(operation, a, addr=ring.pointer(one), length=mode, flags=flags)
    return {"result": result, "first": a, "second": b}


def _loopback(port: int) -> bytes:
    return struct.pack("<H", 2) + struct.pack(">H", port) + bytes([127, 0, 0, 1]) + bytes(8)


def connect(port: int, setup: int = 0) -> dict[str, int]:
    """Call socket, connect to a port of this machine and send a few bytes; return the descriptor and both results."""
    ring = Ring(setup)
    fd = ring.request("socket", 2, off=1)
    result = ring.request("connect", fd, addr=ring.pointer(_loopback(port)), off=16)
    sent = ring.request("send", fd, addr=ring.pointer(b"hello"), length=5) if result == 0 else 0
    return {"fd": fd, "result": result, "sent": sent}


def served() -> dict[str, int]:
    """Call bind, listen, accept and recv, with a client in the same process; then shutdown and close."""
    ring = Ring()
    server = ring.request("socket", 2, off=1)
    assert ring.request("bind", server, addr=ring.pointer(_loopback(0)), off=16) == 0
    assert ring.request("listen", server, length=5) == 0
    with socket.socket(fileno=os.dup(server)) as twin:
        port = twin.getsockname()[1]
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(b"good day")
    fd = ring.request("accept", server)
    received = ring.request("recv", fd, addr=ring.pointer(bytes(100)), length=100)
    ring.request("shutdown", fd, length=2)
    ring.request("close", fd)
    return {"port": port, "client": client.getsockname()[1], "server": server, "fd": fd, "received": received}


def message(port: int, parts: list[bytes], operation: str = "sendmsg", setup: int = 0) -> int:
    """Send a datagram in parts by sendmsg, or by sendmsg_zc (Linux 6.1)."""
    ring = Ring(setup)
    fd = ring.request("socket", 2, off=2)
    vectors = b"".join(struct.pack("<QQ", ring.pointer(part), len(part)) for part in parts)
    to = ring.pointer(_loopback(port))
    header = struct.pack("<QQQQQQQ", to, 16, ring.pointer(vectors), len(parts), 0, 0, 0)
    return ring.request(operation, fd, addr=ring.pointer(header))


def datagram(port: int, operation: str) -> int:
    """Send a datagram by send, or by send_zc, with an address (Linux 6.1)."""
    ring = Ring()
    fd = ring.request("socket", 2, off=2)
    return ring.request(operation, fd, off=ring.pointer(_loopback(port)), addr=ring.pointer(b"x"), length=1, extra=16)


def datagram_to_peer(port: int) -> int:
    """Call connect and send on a datagram socket."""
    ring = Ring()
    fd = ring.request("socket", 2, off=2)
    connected = ring.request("connect", fd, addr=ring.pointer(_loopback(port)), off=16)
    return connected or ring.request("send", fd, addr=ring.pointer(b"x"), length=1)


def own_table(path: str, port: int) -> tuple[int, int]:
    """Open a file into slot 3 of the ring's own table and connect from slot 5; return both results."""
    ring = Ring()
    slots = struct.pack("<8i", *(-1,) * 8)
    assert call("io_uring_register", ring.fd, 2, slots, 8) == 0
    opened = ring.request("openat", addr=ring.pointer(path), extra=4)
    made = ring.request("socket", 2, off=1, extra=6)
    assert made == 0
    fixed = {"entry_flags": FIXED_FILE}
    connected = ring.request("connect", 5, addr=ring.pointer(_loopback(port)), off=16, **fixed)
    return opened, connected


def silent(place: str) -> None:
    """Make a directory by a request that asks for no completion."""
    ring = Ring()
    ring.submit("mkdirat", addr=ring.pointer(place), length=0o700, entry_flags=SILENT, wait=False)
    deadline = time.monotonic() + _TIMEOUT
    while not os.path.isdir(place):
        assert time.monotonic() < deadline
        time.sleep(0.001)  # the kernel's thread works asynchronously


def overflowing(place: str, count: int) -> None:
    """Make more directories than the completion queue has entries."""
    ring = Ring(completions=8)
    for number in range(count):
        ring.submit("mkdirat", addr=ring.pointer(f"{place}/{number}"), length=0o700, user_data=number, wait=False)
    deadline = time.monotonic() + _TIMEOUT
    while len(os.listdir(place)) < count:
        assert time.monotonic() < deadline
        time.sleep(0.001)  # the kernel's thread works asynchronously


def mkdir(place: str) -> int:
    """Call mkdirat; return the result."""
    ring = Ring()
    return ring.request("mkdirat", addr=ring.pointer(place), length=0o700)


def accepted_twice() -> list[int]:
    """Accept two connections by a single multishot request; return both descriptors."""
    ring = Ring()
    with socket.create_server(("127.0.0.1", 0)) as server:
        ring.submit("accept", server.fileno(), priority=_MULTISHOT, wait=False)
        found = []
        for _ in range(2):
            with socket.create_connection(server.getsockname()):
                call("io_uring_enter", ring.fd, 0, 1, 1, 0, 0)
                found.append(ring.result())
    return found


def crowded(directory: str, user: int, count: int) -> None:
    """Open `directory`/link in a child that has `count` opens of the FIFO `directory`/fifo under way, and
    `directory`/mine in this process meanwhile.

    The child runs as `user` unless that is 0.
    """
    ready, ending = os.pipe(), os.pipe()
    child = os.fork()
    if not child:
        if user:
            os.setgroups([])
            os.setresuid(user, user, user)
        waiting = threading.Event()
        threading.Thread(target=_wait_for_fifo, args=(f"{directory}/fifo", count, waiting), daemon=True).start()
        waiting.wait()
        ring = Ring()
        ring.request("openat", addr=ring.pointer(f"{directory}/link"))
        os.write(ready[1], b"x")
        os.read(ending[0], 1)
        os._exit(0)
    os.read(ready[0], 1)
    ring = Ring()
    ring.request("openat", addr=ring.pointer(f"{directory}/mine"))
    os.write(ending[1], b"x")
    os.waitpid(child, 0)


def _wait_for_fifo(fifo: str, count: int, waiting: threading.Event) -> None:
    """Submit these opens on a thread whose kernel workers wait in them, for good: the thread's end would cancel
    them."""
    ring = Ring()
    for number in range(count):
        ring.submit(
            "openat", addr=ring.pointer(fifo), user_data=100 + number, entry_flags=_ASYNC, wait=False
        )
    waiting.set()
    threading.Event().wait()


def alike(directory: str, count: int) -> None:
    """Open files 0, 1, … by requests with the same user_data while the completion queue is full."""
    ring = Ring(completions=8)
    for _ in range(8):
        ring.submit("fsync", 0, wait=False)
    for number in range(count):
        ring.submit("openat", addr=ring.pointer(f"{directory}/{number}"), entry_flags=_ASYNC, wait=False)
    deadline = time.monotonic() + _TIMEOUT
    while len(os.listdir("/proc/self/fd")) < count + 4:
        assert time.monotonic() < deadline
        time.sleep(0.001)  # the kernel's thread works asynchronously
