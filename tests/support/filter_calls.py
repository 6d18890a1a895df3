"""Invented calls in two forms: as a kernel filter sees them, and as the event that their record becomes."""

import random
from collections.abc import Callable, Mapping
from errno import EFAULT, EINPROGRESS
from pathlib import PurePosixPath
from socket import AF_INET, AF_INET6
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from mozu.core.abi.addresses import MAPPED_PREFIX
from mozu.core.abi.sockets import TCP_LISTEN
from mozu.core.abi.spec import RESULT, SyscallSpec
from mozu.core.model.event import SyscallEvent
from mozu.plugins.sources.ebpf import wire
from mozu.plugins.sources.ebpf.decode import RecordDecoder
from mozu.plugins.sources.ebpf.kernel_filter.address_lists import (
    ADDRESSES,
    KEY_SIZES,
    NETWORKS,
    AddressMaps,
    address_keys,
)
from mozu.plugins.sources.ebpf.kernel_filter.check import Subject
from mozu.plugins.sources.ebpf.objects.relocatable import RelocatableCode
from tests.support import bpf_machine, filter_facts
from tests.support.filter_facts import Facts

PID: Final = 4_000_003
_WORD: Final = (1 << 64) - 1
_WIRE: Final = {"open": "open", "number": "call", "path": "call"}
"""Family → struct of its records; families that are missing here use `descriptor`."""
_O_CREAT_WRONLY_TRUNC: Final = 0o1101
_OPEN_ARGUMENTS: Final = {"open": (0, 1, 2), "creat": (0, None, 1), "openat": (1, 2, 3), "openat2": (1, None, None)}
"""Positions of path, flags and mode among the arguments (bpf/open_args.h); creat has fixed flags, openat2 has both in
memory."""
_EXACT: Final = wire.place("syscall_ctx", "exact")
_decode = RecordDecoder().decode


class Sock(NamedTuple):
    """The socket behind a descriptor. `family` 0: a file."""

    family: int = 0
    protocol: int = 0
    state: int = 0
    remote_port: int = 0
    local_port: int = 0
    local: bytes = b""
    remote: bytes = b""
    """Addresses of 4 or 16 bytes."""


class Call(NamedTuple):
    """A call that has returned."""

    spec: SyscallSpec
    args: tuple[int, ...]
    """Six arguments as they lie in registers."""
    result: int
    path: str = ""
    """Path that was passed to an open."""
    base: str = ""
    """Directory that a relative path starts from."""
    real: str = ""
    """Path that an open reached."""
    flags: int = 0
    mode: int = 0
    """Mode of openat2, which is in memory."""
    sock: Sock | None = None
    """Socket of the descriptor; None if no such descriptor is open."""
    asked: bytes = b""
    """struct sockaddr that was passed."""

    @property
    def open_flags(self) -> int:
        """Return the flags of an open, wherever they are."""
        place = _OPEN_ARGUMENTS[self.spec.name][1]
        if place is not None:
            return self.args[place]
        return _O_CREAT_WRONLY_TRUNC if self.spec.name == "creat" else self.flags

    @property
    def open_mode(self) -> int:
        """Return the mode of an open, wherever it is."""
        place = _OPEN_ARGUMENTS[self.spec.name][2]
        return self.mode if place is None else self.args[place]

    @property
    def name(self) -> str:
        """Return the path, made absolute."""
        return self.path if self.path.startswith("/") else f"{self.base}/{self.path}"

    @property
    def is_plain(self) -> bool:
        """Return True if the path needs no resolution; `is_plain` of bpf/kernel_filter.h is stricter."""
        parts = self.name.split("/")[1:]
        return all(parts) and not any(part.startswith(".") and part.strip(".") == "" for part in parts)


def event_of(call: Call) -> SyscallEvent:
    """Return the event that user space reads from the ring buffer."""
    values: dict[str, Any] = {f"args{at}": value for at, value in enumerate(call.args)}
    strings = b""
    if call.spec.family == "open":
        texts = {"user": call.path, "base": call.base, "real": call.real}
        strings = b"".join(text.encode("utf-8", "surrogateescape") for text in texts.values())
        values |= {name: len(text.encode("utf-8", "surrogateescape")) for name, text in texts.items()}
        dirfd = call.args[0] if call.spec.name.startswith("openat") else -100
        signed = (dirfd & 0xFFFFFFFF) - (1 << 32) if dirfd >> 31 & 1 else dirfd & 0xFFFFFFFF
        values |= {"flags": call.open_flags, "mode": call.open_mode & 0xFFFFFFFF, "dirfd": signed}
    elif _WIRE.get(call.spec.family, "descriptor") == "descriptor":
        place = call.spec.layout.fd
        values["fd"] = (call.result if place == RESULT else call.args[place]) & 0xFFFFFFFF
        if call.sock is not None and call.sock.family:
            values |= {f"endpoints_{name}": value for name, value in call.sock._asdict().items()}
            values |= {"endpoints_type": 2 if call.sock.protocol == 17 else 1, "head_marks": wire.marks()["SOCKET"]}
        elif call.sock is not None:
            strings, values["path"], values["file_mode"] = b"/x", 2, 0o100644
        values["address"] = len(call.asked)
        strings = call.asked + strings
    return _decode(_record(call, values) + strings)


def _record(call: Call, values: dict[str, Any]) -> bytes:
    layout = wire.layouts()[_WIRE.get(call.spec.family, "descriptor")]
    head = {"head_type": call.spec.number, "head_result": call.result, "head_pid": PID, "head_tid": PID}
    texts = {member.name for member in layout.members if member.format.endswith("s")}
    given = {**head, **{name: value for name, value in values.items() if name in layout.names()}}
    return layout.packer.pack(*(given.get(name, b"" if name in texts else 0) for name in layout.names()))


def facts_of(call: Call) -> Facts:
    """Return the facts that the subprograms of a filter find."""
    numbers: dict[tuple[Subject, str, int], int] = {(Subject.CALL, "result", 0): call.result}
    numbers |= {(Subject.CALL, "args", at): value & _WORD for at, value in enumerate(call.args)}
    if call.spec.family == "open":
        numbers[Subject.OPEN, "flags", 0], numbers[Subject.OPEN, "mode", 0] = call.open_flags, call.open_mode
    if call.sock is not None:
        port = int.from_bytes(call.sock.remote_port.to_bytes(2, "big"), "little")
        sock = {"file": 1 << 47, "family": call.sock.family, "state": call.sock.state, "port": port}
        numbers |= {(Subject.SOCKET, name, 0): value for name, value in sock.items()}
        numbers[Subject.SOCKET, "protocol", 0] = call.sock.protocol
    name, real = (text.encode("utf-8", "surrogateescape") for text in (call.name, call.real))
    return Facts(numbers, name if call.is_plain else b"/", verdict=0, real=real)


class Decision(NamedTuple):
    """The decision of a filter on a call."""

    passes: bool
    is_marked: bool
    """True if the call was marked as an exact match."""
    called: list[str]
    """Called subprograms, in order."""
    steps: int
    """Count of instructions that ran."""


def decided(
    code: RelocatableCode,
    call: Call,
    *,
    verdict: int = 0,
    must_pass: bool = False,
    tables: Mapping[str, bpf_machine.Table] = MappingProxyType({}),
) -> Decision:
    """Run the program of a filter on a call. `must_pass`: True if the path of an open that succeeded has to be
    emitted; `tables`: the filter's own maps."""
    facts = facts_of(call)
    context = filter_facts.call_of(facts, call.spec.number)
    scratch = bytearray(b"\xee" * wire.size("filter_scratch"))
    known = filter_facts.scratch_of(facts, junk=bytes(600))

    def found_out(struct: str, member: str, result: int = 0) -> int:
        """Write what a subprogram has found; before that the memory holds nothing of use."""
        size = wire.size(struct)
        at = wire.place("filter_scratch", member).offset
        scratch[at : at + size] = known[at : at + size]
        return result

    found = bpf_machine.run(
        code,
        {"SYSCALL_CTX": context, "FILTER_SCRATCH": scratch, **tables},
        {
            "part_open_args": lambda: found_out("open_args", "open.user"),
            "part_sock": lambda: found_out("sock_info", "sock.file", _look_up(call, scratch, known)),
            "part_ends": lambda: _find_ends(call, scratch),
            "part_name": lambda: found_out("tested_path", "given.slash", int(call.is_plain and len(facts.name) < 255)),
            "part_reached": lambda: 0 if facts.real == facts.name else found_out("tested_path", "real.slash", 1),
            "part_process_bits": lambda: verdict,
            "part_must_emit_path": lambda: int(must_pass and call.result >= 0),
            "part_must_emit_differing": lambda: int(must_pass and call.result >= 0),
            "part_count_filtered": lambda: 0,
        },
    )
    is_no_event = call.spec.family == "exec" and call.result >= 0
    assert (found.tail_call is None) == ("part_count_filtered" in found.called or is_no_event)
    mark = int.from_bytes(context[_EXACT.offset : _EXACT.offset + _EXACT.size], "little")
    assert mark in (0, 1)
    return Decision(found.tail_call is not None, mark == 1, found.called, found.steps)


def _look_up(call: Call, scratch: bytearray, known: bytearray) -> int:
    """Check what `lookup_sock` of bpf/sock_info.h is asked: the descriptor, and if it is to find the protocol."""
    place = wire.place("filter_scratch", "sock_fd")
    asked = int.from_bytes(scratch[place.offset : place.offset + 8], "little")
    fd = call.spec.layout.fd
    assert asked == (call.result if fd == RESULT else call.args[fd]) & _WORD
    for member, expected in (("sock_is_socket", call.spec.family == "message" and call.result >= 0),):
        at = wire.place("filter_scratch", member).offset
        assert int.from_bytes(scratch[at : at + 8], "little") == expected
    at = wire.place("filter_scratch", "sock_wants_protocol").offset
    if not int.from_bytes(scratch[at : at + 8], "little"):
        filter_facts.put(known, "filter_scratch", "sock.protocol", 0)
    return 0


def tables_of(maps: AddressMaps) -> dict[str, bpf_machine.Table]:
    """Return the maps of a filter as the kernel has them: a hash, and a trie that finds the longest prefix."""
    found = {}
    for kind in maps.kinds:
        entries, size = maps.entries(kind), KEY_SIZES[kind]
        find = entries.get if kind == ADDRESSES else _longest_prefix(entries)
        found[maps.symbol(kind)] = bpf_machine.Table(size, find)
    return found


def _longest_prefix(entries: Mapping[bytes, bytes]) -> Callable[[bytes], bytes | None]:
    """Return the look-up of a trie (BPF_MAP_TYPE_LPM_TRIE)."""
    known: dict[int, dict[int, bytes]] = {}
    for key, value in entries.items():
        bits = int.from_bytes(key[:4], "little")
        known.setdefault(bits, {})[int.from_bytes(key[4:]) >> 8 * (len(key) - 4) - bits] = value

    def find(key: bytes) -> bytes | None:
        most, number, width = int.from_bytes(key[:4], "little"), int.from_bytes(key[4:]), 8 * (len(key) - 4)
        prefixes = sorted((bits for bits in known if bits <= most), reverse=True)
        return next((found for bits in prefixes if (found := known[bits].get(number >> width - bits))), None)

    return find


def _find_ends(call: Call, scratch: bytearray) -> int:
    """Write what `find_ends` of bpf/ends.h finds of a connect; return 1 if user space has to look at the call."""
    for end in ("client", "server"):
        for member in ("version", "lists"):
            filter_facts.put(scratch, "filter_scratch", f"{end}.{member}", 0)
    sock = call.sock
    if sock is None or sock.state == TCP_LISTEN:
        return 1
    if sock.family not in (AF_INET, AF_INET6):
        return 0
    remote = sock.remote
    if call.result < 0 and call.result != -EINPROGRESS:
        at, size = (8, 16) if sock.family == AF_INET6 else (4, 4)
        if (
            call.result == -EFAULT
            or len(call.asked) < (24 if sock.family == AF_INET6 else 16)
            or call.asked[0] != sock.family
        ):
            return 1
        remote = call.asked[at : at + size]
    elif not sock.remote_port:
        return 1
    pair = [sock.local, remote]
    if all(one.startswith(MAPPED_PREFIX) or not any(one) for one in pair):
        pair = [one[-4:] for one in pair]
    for end, address in zip(("client", "server"), pair, strict=True):
        key = address_keys(address)[NETWORKS]
        at = wire.place("filter_scratch", f"{end}.prefix").offset
        scratch[at : at + len(key)] = key
    return 0


def random_open(chance: random.Random, spec: SyscallSpec, path: str) -> Call:
    """Return an open of this path, with a directory if the path is relative."""
    bits = (0, 1, 2, 3, 0o100, 0o1000, 0o2000, 0o4000, 0o100000, 0o200000, 0o400000, 0o2000000, 0o20200000)
    flags = chance.choice(bits) | chance.choice(bits)
    mode = chance.choice((0, 0o600, 0o777, 0o100, 0o001))
    result = chance.choice((0, 3, 4, 1000, -1, -2, -13, -20))
    base = "" if path.startswith("/") else chance.choice(("/etc", "/etc/x", "/var/log"))
    args = [0] * 6
    _, flags_at, mode_at = _OPEN_ARGUMENTS[spec.name]
    for place, value in ((flags_at, flags), (mode_at, mode)):
        if place is not None:
            args[place] = value
    if spec.name.startswith("openat"):
        args[0] = -100 & _WORD
    call = Call(spec, tuple(args), result, path, base, "", flags, mode)
    if result < 0:
        return call
    reached = str(PurePosixPath(call.name)) if call.is_plain and chance.random() < 0.6 else "/etc/" + path.strip("./")
    return call._replace(real=reached)
