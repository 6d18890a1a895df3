"""The system calls bpf(2) and perf_event_open(2): create and access maps, load programs, attach them to tracepoints.

Maps are created here and not by bcc, so that programs compiled later use the same ones: their descriptors are constants
of the C text. Numbers are those of `linux/bpf.h` and `linux/perf_event.h`.
"""

import contextlib
import ctypes
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from mozu.core.model.syscalls import machine_number

_SYS_BPF: Final = machine_number("bpf")
_SYS_PERF_EVENT_OPEN: Final = machine_number("perf_event_open")
_SYS_MEMBARRIER: Final = machine_number("membarrier")
_MEMBARRIER_GLOBAL: Final = 1
_MAP_CREATE, _MAP_LOOKUP, _MAP_UPDATE, _MAP_DELETE, _LOAD, _OBJECT_INFO, _RAW_TRACEPOINT_OPEN = 0, 1, 2, 3, 5, 15, 17
_MAP_NEXT_KEY: Final = 4
"""BPF_MAP_GET_NEXT_KEY; returns the first key if none is passed."""
_PIN, _GET_PINNED, _LINK_CREATE = 6, 7, 28
_PERF_EVENT: Final = 41
"""BPF_PERF_EVENT: type of a link that attaches a program to a perf event (Linux 5.15)."""
_MAP_POP: Final = 21
"""BPF_MAP_LOOKUP_AND_DELETE_ELEM."""
_MAP_FREEZE: Final = 22
_MAP_UPDATE_BATCH: Final = 26
HASH, ARRAY, PROG_ARRAY, PERF_EVENT_ARRAY, PERCPU_ARRAY, LRU_HASH, RINGBUF = 1, 2, 3, 4, 6, 9, 27
QUEUE: Final = 22
LPM_TRIE: Final = 11
TRACEPOINT, RAW_TRACEPOINT, LSM = 5, 17, 29
_LSM_MAC: Final = 27
"""BPF_LSM_MAC: attach type of a program of the type LSM."""
_ANY, _EXIST = 0, 2
_TRACEPOINT: Final = 2
"""PERF_TYPE_TRACEPOINT."""
_SAMPLE_RAW: Final = 1 << 10
_CLOEXEC: Final = 8
_MMAPABLE: Final = 1 << 10
"""BPF_F_MMAPABLE (Linux 5.5)."""
_NO_PREALLOC: Final = 1
"""BPF_F_NO_PREALLOC, which a trie must have."""
_IOC_ENABLE: Final = 0x2400
_IOC_SET_BPF: Final = 0x40042408
_INSTRUCTION: Final = 8
"""Bytes of an instruction."""
_LOAD_ATTEMPTS: Final = 10
"""Most attempts to load: the verifier returns EAGAIN if a signal arrives from a debugger, a profiler, or a stop of the
process."""
_LOG: Final = 1 << 24
_LOG_LINES: Final = 40
_MISSES_AT: Final = 208
_VERIFIED_AT: Final = 216
"""Offsets of `recursion_misses` and `verified_insns` in struct bpf_prog_info (Linux 5.12 and 5.16)."""

_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attributes: bytes) -> int:
    buffer = ctypes.create_string_buffer(attributes, len(attributes))
    result: int = _libc.syscall(_SYS_BPF, command, buffer, len(attributes))
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def create_map(kind: int, name: str, *, key: int, value: int, entries: int, mapped: bool = False) -> int:
    """Create a map; return its descriptor. Raises OSError. `mapped`: an array that can be mapped into memory."""
    inner = node = 0
    flags = (_MMAPABLE if mapped else 0) | (_NO_PREALLOC if kind == LPM_TRIE else 0)
    head = struct.pack("<IIIIIII", kind, key, value, entries, flags, inner, node)
    return _bpf(_MAP_CREATE, head + name.encode()[:15].ljust(16, b"\0") + bytes(64))


def lookup(fd: int, key: int, size: int) -> bytes:
    """Return the value of a 32-bit key. `size`: bytes; for per-CPU maps those of all possible CPUs."""
    number = ctypes.c_uint32(key)
    value = ctypes.create_string_buffer(size)
    _bpf(_MAP_LOOKUP, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(number), ctypes.addressof(value), _ANY))
    return value.raw


def update(fd: int, key: int, data: bytes) -> None:
    """Set the value of a 32-bit key."""
    number = ctypes.c_uint32(key)
    value = ctypes.create_string_buffer(data, len(data))
    _bpf(_MAP_UPDATE, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(number), ctypes.addressof(value), _ANY))


def update_many(fd: int, entries: Mapping[bytes, bytes]) -> None:
    """Set the values of these keys in one system call; all keys are of one size, and all values. Raises OSError."""
    if not entries:
        return
    keys, values = (ctypes.create_string_buffer(b"".join(part)) for part in (entries, entries.values()))
    begin = end = 0
    head = struct.pack("<QQQQ", begin, end, ctypes.addressof(keys), ctypes.addressof(values))
    _bpf(_MAP_UPDATE_BATCH, head + struct.pack("<IIQQ", len(entries), fd, _ANY, 0))


def freeze(fd: int) -> None:
    """Let no process change the map any more (Linux 5.2); programs could. Raises OSError."""
    _bpf(_MAP_FREEZE, struct.pack("<I", fd))


def update_text(fd: int, key: bytes, data: bytes) -> None:
    """Set the value of a key of bytes. Raises OSError if the map is full."""
    text = ctypes.create_string_buffer(key, len(key))
    value = ctypes.create_string_buffer(data, len(data))
    _bpf(_MAP_UPDATE, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(text), ctypes.addressof(value), _ANY))


def update_existing(fd: int, key: int, data: bytes) -> bool:
    """Set the value of a 32-bit key if it exists; return False if it does not."""
    number = ctypes.c_uint32(key)
    value = ctypes.create_string_buffer(data, len(data))
    try:
        _bpf(_MAP_UPDATE, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(number), ctypes.addressof(value), _EXIST))
    except FileNotFoundError:
        return False
    return True


def delete(fd: int, key: int) -> None:
    """Delete a 32-bit key, which may be absent."""
    number = ctypes.c_uint32(key)
    with contextlib.suppress(FileNotFoundError):
        _bpf(_MAP_DELETE, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(number), 0, _ANY))


def delete_key(fd: int, key: bytes) -> None:
    """Delete a key of bytes, which may be absent."""
    text = ctypes.create_string_buffer(key, len(key))
    with contextlib.suppress(FileNotFoundError):
        _bpf(_MAP_DELETE, struct.pack("<IIQQQ", fd, 0, ctypes.addressof(text), 0, _ANY))


def clear(fd: int, key: int) -> None:
    """Delete all entries of a map whose keys have so many bytes, and to which no program adds entries."""
    found = ctypes.create_string_buffer(key)
    with contextlib.suppress(FileNotFoundError):
        while True:
            _bpf(_MAP_NEXT_KEY, struct.pack("<IIQQQ", fd, 0, 0, ctypes.addressof(found), _ANY))
            delete_key(fd, found.raw)


def pop(fd: int, size: int) -> bytes | None:
    """Remove and return the first entry of a queue, of so many bytes; None if it is empty."""
    value = ctypes.create_string_buffer(size)
    try:
        _bpf(_MAP_POP, struct.pack("<IIQQQ", fd, 0, 0, ctypes.addressof(value), _ANY))
    except FileNotFoundError:
        return None
    return value.raw


def load(kind: int, name: str, code: bytes, hook: int = 0) -> int:
    """Load a program (BPF_PROG_LOAD); return the descriptor. Raises OSError: E2BIG if the program exceeds the
    verifier's limit.

    `hook`: the function that a program of the type LSM is attached to, by its number in the kernel's BTF.
    """
    return _load(kind, name, code, hook, ctypes.create_string_buffer(0), level=0)


def refusal(kind: int, name: str, code: bytes, hook: int = 0) -> str:
    """Return the end of the verifier's log for a program that it refuses; empty if it accepts it."""
    log = ctypes.create_string_buffer(_LOG)
    try:
        os.close(_load(kind, name, code, hook, log, level=1))
    except OSError:
        return "\n".join(log.value.decode(errors="replace").splitlines()[-_LOG_LINES:])
    return ""


def _load(kind: int, name: str, code: bytes, hook: int, log: "ctypes.Array[ctypes.c_char]", *, level: int) -> int:
    text, license_ = ctypes.create_string_buffer(code, len(code)), ctypes.create_string_buffer(b"GPL")
    head = struct.pack("<IIQQ", kind, len(code) // _INSTRUCTION, ctypes.addressof(text), ctypes.addressof(license_))
    version = flags = 0
    rest = struct.pack("<IIQII", level, len(log), ctypes.addressof(log) if level else 0, version, flags)
    attached = struct.pack("<4xI36xI", _LSM_MAC if kind == LSM else 0, hook).ljust(56, b"\0")
    attributes = head + rest + name.encode()[:15].ljust(16, b"\0") + attached
    for _ in range(_LOAD_ATTEMPTS - 1):
        with contextlib.suppress(BlockingIOError):
            return _bpf(_LOAD, attributes)
    return _bpf(_LOAD, attributes)


def program_info(program: int) -> tuple[int | None, int | None]:
    """Return recursion_misses (runs skipped because the program was running on that CPU) and verified_insns.

    Both are None if this kernel does not report them.
    """
    info = ctypes.create_string_buffer(256)
    attributes = ctypes.create_string_buffer(struct.pack("<IIQ", program, len(info), ctypes.addressof(info)), 16)
    if _libc.syscall(_SYS_BPF, _OBJECT_INFO, attributes, len(attributes)) < 0:
        return None, None
    length = int(struct.unpack_from("<I", attributes, 4)[0])
    misses = int(struct.unpack_from("<Q", info, _MISSES_AT)[0]) if length >= _MISSES_AT + 8 else None
    verified = int(struct.unpack_from("<I", info, _VERIFIED_AT)[0]) if length >= _VERIFIED_AT + 4 else None
    return misses, verified


def attach_raw_tracepoint(program: int, name: str) -> int:
    """Attach a program to a raw tracepoint until the returned descriptor is closed. Raises OSError."""
    text = ctypes.create_string_buffer(name.encode())
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("<QII", ctypes.addressof(text), program, 0))


def attach_hook(program: int) -> int:
    """Attach a program of the type LSM to its hook until the returned descriptor is closed. Raises OSError."""
    return _bpf(_RAW_TRACEPOINT_OPEN, struct.pack("<QII", 0, program, 0))


def attach_tracepoint(program: int, identifier: int, *, as_link: bool = False) -> int:
    """Attach a program to a tracepoint, on every CPU, until the returned descriptor is closed. Raises OSError.

    `as_link`: the descriptor can be pinned (Linux 5.15).
    """
    size = 128
    attributes = struct.pack("<IIQQQQQII", _TRACEPOINT, size, identifier, 1, _SAMPLE_RAW, 0, 0, 1, 0).ljust(size, b"\0")
    buffer = ctypes.create_string_buffer(attributes, size)
    every_task, one_cpu, no_group = -1, 0, -1
    fd: int = _libc.syscall(_SYS_PERF_EVENT_OPEN, buffer, every_task, one_cpu, no_group, _CLOEXEC)
    if fd < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    if as_link:
        try:
            return _bpf(_LINK_CREATE, struct.pack("<IIII", program, fd, _PERF_EVENT, 0).ljust(48, b"\0"))
        finally:
            os.close(fd)
    for request, argument in ((_IOC_SET_BPF, program), (_IOC_ENABLE, 0)):
        if _libc.ioctl(fd, ctypes.c_ulong(request), ctypes.c_long(argument)) < 0:
            number = ctypes.get_errno()
            os.close(fd)
            raise OSError(number, os.strerror(number))
    return fd


def pin(descriptor: int, place: Path) -> None:
    """Pin a map, a program or a link, which keeps it without a descriptor. Raises OSError."""
    path = ctypes.create_string_buffer(os.fsencode(place))
    _bpf(_PIN, struct.pack("<QII", ctypes.addressof(path), descriptor, 0))


def get_pinned(place: Path) -> int:
    """Return a descriptor of a pinned object. Raises OSError."""
    path = ctypes.create_string_buffer(os.fsencode(place))
    return _bpf(_GET_PINNED, struct.pack("<QII", ctypes.addressof(path), 0, 0))


def detach_all(attachments: Sequence[int]) -> None:
    """Close these descriptors without waiting, for each, until no CPU runs its program.

    Closing the last descriptor of a perf event waits for a grace period of RCU, about 70 ms (perf_event_release). A map
    of perf events keeps them beyond that, and after it is closed the kernel releases them in the background; they are
    detached some moments after this returns.
    """
    keeper = None
    with contextlib.suppress(OSError):  # then it takes longer
        keeper = create_map(PERF_EVENT_ARRAY, "mozu_detached", key=4, value=4, entries=max(1, len(attachments)))
    for index, attachment in enumerate(attachments):
        if keeper is not None:
            with contextlib.suppress(OSError):  # a raw tracepoint, which is no perf event and closes at once
                update(keeper, index, struct.pack("<I", attachment))
        os.close(attachment)
    if keeper is not None:
        os.close(keeper)


def wait_for_programs() -> None:
    """Return when every run of a program that had begun has ended: after a grace period of RCU (membarrier(2))."""
    call(_SYS_MEMBARRIER, _MEMBARRIER_GLOBAL)


def call(number: int, *arguments: int) -> int:
    """Make a system call with these registers; return -errno for an error."""
    padded = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    result: int = _libc.syscall(number, *(ctypes.c_long(value) for value in padded))
    return -ctypes.get_errno() if result < 0 else result


def possible_cpus(path: Path = Path("/sys/devices/system/cpu/possible")) -> int:
    """Return the number of CPUs for which per-CPU maps have values."""
    last = path.read_text().strip().rpartition(",")[2].rpartition("-")[2]
    return int(last) + 1
