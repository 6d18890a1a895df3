"""Calls drawn at random by the kinds of their arguments, and the records that bpf/programs/ make of them.

python -m tests.bpf.program_scenes    writes tests/data/records/ again, after a change that is meant
"""

import random
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mozu.core.abi.spec import SyscallSpec
from mozu.core.abi.syscall_specs import SYSCALL_SPECS
from mozu.plugins.sources.ebpf import maps, wire
from mozu.plugins.sources.ebpf.tracepoints import PROGRAMS
from tests.support import golden
from tests.support.kernel_machine import ARG_LAYOUTS, FIFO, OPENED_PATHS, Machine, pointer
from tests.support.kernel_memory import Kernel, compiled
from tests.support.requirements import DATA

FILE: Final = DATA / "records" / "calls.txt.xz"
_RECORDS: Final = {
    "open_exit": "open", "execve_failed": "process", "clone_exit": "process",
    **dict.fromkeys(
        ("path_exit", "number_exit", "identity_exit", "memory_exit", "capset_exit", "prctl_exit", "cwd_exit"), "call"
    ),
    **dict.fromkeys(
        (
            "descriptor_exit", "accept_exit", "transfer_exit", "message_exit", "mmsg_exit", "pair_exit", "mapping_exit",
        ),
        "descriptor",
    ),
}  # fmt: skip
"""Function of a program → struct of its record."""
NAMES: Final = tuple(sorted(_RECORDS))
_CALLS: Final = 200
_LEFT_OUT: Final = frozenset({"head_time", "head_cpu", "head_marks", "loginuid"})
"""Members that depend on the clock or on the kernel's build, or are set when the record is submitted."""
_TEXTS: Final = (b"/etc/passwd", b"rel/x", b"", b"/", b".", b"/long/" + b"l" * 300)
_BYTES: Final = bytes(range(48, 123)) * 3
_USERS: Final = 1 << 16
"""Bytes of the caller's memory."""
_NATIVE, _COMPAT = 0, 1
AT_FDCWD: Final = -100


def specs() -> dict[str, list[SyscallSpec]]:
    """Return the calls that each program serves, by the program's function."""
    found: dict[str, list[SyscallSpec]] = {name: [] for name in NAMES}
    for name, programs in PROGRAMS.items():
        for program in programs:
            if program.is_tail_called and program.function in found and SYSCALL_SPECS[name].is_syscall:
                found[program.function].append(SYSCALL_SPECS[name])
    return found


class Caller:
    """A process with open files that makes calls."""

    def __init__(self, kernel: Kernel, chance: random.Random) -> None:
        kernel.clear()
        self.kernel, self.chance = kernel, chance
        self.machine = machine = Machine(kernel)
        tcp = {"__sk_common.skc_family": 2, "__sk_common.skc_num": 80, "__sk_common.skc_dport": 0x3412}
        listening = {"__sk_common.skc_family": 10, "__sk_common.skc_num": 443}
        pipes = machine.mount(0, 0, 0, 3)
        files = (
            machine.named("data", i_ino=7),
            machine.file(machine.dentry(0, "pipe:[3]", machine.inode(FIFO, 3)), pipes),
            machine.socket(kernel.new("sock", tcp, sk_protocol=6, sk_type=1), f_flags=2),
            machine.file(machine.srv, f_flags=0o200000, f_mode=0x100000),
            machine.socket(kernel.new("sock", listening, sk_ack_backlog=3, sk_max_ack_backlog=128)),
        )
        machine.put("task_struct", machine.task, files=machine.files(*files))
        credentials = {"cap_effective": 3, "cap_permitted": 7, "cap_inheritable": 1}
        machine.put("cred", machine.of("task_struct", machine.task, "cred"), **credentials)
        for kind, pages in {"file": 10, "anon": 4, "swap": 2}.items():
            machine.set_pages(kind, pages)
        memory = machine.of("task_struct", machine.task, "mm")
        self.end = kernel.users
        arguments = self.put(b"prog\0--all\0")
        machine.put("mm_struct", memory, total_vm=99, arg_start=arguments, arg_end=arguments + 11)
        nowhere = machine.dentry(0, "/", machine.inode(block=2))
        if chance.random() < 0.3:
            place = {"pwd.mnt": machine.mount(0, 0, nowhere, 2), "pwd.dentry": nowhere}
            kernel.put("fs_struct", machine.of("task_struct", machine.task, "fs"), place)
        self.files = files
        for file in files:
            kept = struct.pack("<QQQ", machine.of("file", file, "f_path.dentry"), 4, 4) + b"/way".ljust(256, b"\0")
            machine.library.put(OPENED_PATHS, struct.pack("<Q", file), kept)
        self.layouts = kernel.map(ARG_LAYOUTS, 4, maps._ARG_LAYOUT_SIZE, 1100, is_array=True)

    def put(self, raw: bytes) -> int:
        """Store bytes in the memory of the caller; return their address."""
        at = self.end
        self.kernel.write(at, raw)
        self.end = at + len(raw) + 8 & ~7
        assert self.end < self.kernel.users + _USERS
        return at

    def text(self) -> int:
        """Return the address of a text, a null pointer, or an address that cannot be read."""
        return self.chance.choice((0, 8, *(self.put(one + b"\0") for one in _TEXTS)))

    def bytes(self) -> int:
        return self.chance.choice((0, 8, self.put(_BYTES), self.put(_BYTES)))

    def words(self, *words: int) -> int:
        """Store an array of words as wide as the caller's; return its address."""
        width = 4 if self.machine.call["entry_path"] == _COMPAT else 8
        return self.put(b"".join((word & (1 << 8 * width) - 1).to_bytes(width, "little") for word in words))

    def vectors(self, count: int) -> int:
        """Store an array of struct iovec; return its address."""
        parts = [part for _ in range(count) for part in (self.put(_BYTES), self.chance.choice((0, 3, 40, 90)))]
        return self.words(*parts, 0, 0)

    def message(self) -> list[int]:
        """Return the words of a struct mmsghdr."""
        count, length = self.chance.choice((0, 1, 3, 5, 18)), self.chance.choice((0, 16, 200))
        return [self.bytes(), length, self.vectors(count), count, 0, 0, 0, self.chance.choice((0, 2, 60, 500))]

    def arguments(self, spec: SyscallSpec) -> list[int]:
        """Return arguments drawn at random by the kind of each."""
        layout, chance = spec.layout, self.chance
        found = [chance.choice((0, 1, 15, 16, 4096, 1 << 31)) for _ in range(6)]

        def put(argument: int, *values: int) -> None:
            for at, value in enumerate(values):
                if argument >= 0:
                    found[argument + at & 7 if argument + at < 6 else 5] = value

        put(layout.fd, chance.choice((0, 1, 2, 3, 4, 9)))
        for argument in (layout.text, layout.text2, layout.text3):
            put(argument, self.text())
        for argument in (layout.dir, layout.dir2):
            put(argument, chance.choice((AT_FDCWD, 3, 9)))
        count = chance.choice((0, 1, 3, 5, 18))
        put(layout.vectors, self.vectors(count), count)
        for argument in (layout.data, layout.address):
            put(argument, self.bytes(), chance.choice((0, 5, 79, 200)))
        for block in layout.blocks:
            put(block.argument, chance.choice((self.bytes(), self.put(struct.pack("<2i", 2, 4) + _BYTES))))
        special = self._special(spec)
        return [special.get(at, value) for at, value in enumerate(found)]

    def _special(self, spec: SyscallSpec) -> dict[int, int]:
        """Return the arguments of calls whose program reads them by its own code."""
        name, text = spec.name, self.text()
        if spec.family == "message":
            fd, length = self.chance.choice((0, 2, 4)), self.put(struct.pack("<I", self.chance.choice((0, 16, 500))))
            if name in ("sendmsg", "recvmsg"):
                return {0: fd, 1: self.words(*self.message())}
            of_name = length if name == "recvfrom" else self.chance.choice((0, 16, 500))
            return {0: fd, 1: self.bytes(), 2: self.chance.choice((0, 30, 300)), 4: self.bytes(), 5: of_name}
        if spec.family == "mmsg":
            return {0: self.chance.choice((0, 2)), 1: self.words(*(word for _ in range(9) for word in self.message()))}
        if spec.family == "open":
            how = self.put(struct.pack("<3Q", 0o1101, 0o600, 8))
            return {"open": {0: text}, "creat": {0: text}, "openat2": {1: text, 2: how}}.get(name, {1: text}) | (
                {0: self.chance.choice((AT_FDCWD, 3, 9))} if name in ("openat", "openat2") else {}
            )
        if name in ("execve", "execveat"):
            count, length = self.chance.choice(((0, 0), (3, 0), (2, 8), (12, 480), (130, 4)))
            many = [self.put(b"a" * length + b"\0") for _ in range(count)]
            given = (text, self.words(*many, 0))
            return dict(enumerate(given)) if name == "execve" else dict(enumerate(given, 1)) | {4: 4096}
        if name == "clone3":
            return {0: self.put(struct.pack("<Q", 0x10000))}
        if name == "prctl":
            return {0: self.chance.choice((14, 15, 16, 17)), 1: text}
        return {0: self.chance.choice((0, 2, 4))} if spec.family == "accept" else {0: text} if name == "chdir" else {}


def described(kernel: Kernel, function: str) -> Iterator[str]:
    """Yield, for each call, the contents of its record: numbers that are not 0, and strings."""
    chance = random.Random(function)
    calls = specs()[function]
    run = getattr(kernel.library, f"run_{function}")
    for number in range(_CALLS):
        caller = Caller(kernel, chance)
        spec, machine = calls[number % len(calls)], caller.machine
        machine.settings.put("off", chance.random() < 0.05)
        machine.settings.put("snaplen", chance.choice((0, 80, 200)))
        machine.settings.put("realpath", chance.choice((0, 1)))
        machine.call.put("entry_path", chance.choice((_NATIVE, _NATIVE, _COMPAT)))
        machine.call.put("number", spec.number)
        machine.call.put("result", chance.choice((0, 0, 2, 3, 4, 60, -2, -115)))
        machine.call.put("done", chance.choice((0, 0, 1, 7)))
        machine.call.put("exact", chance.choice((0, 0, 1)))
        kernel.write(caller.layouts + spec.number * maps._ARG_LAYOUT_SIZE, maps.packed_layout(spec.layout))
        for at, value in enumerate(caller.arguments(spec)):
            machine.call.put("args", value, at)
        kernel.write(machine.record(), b"\xee" * 1000)
        following = run(pointer(machine.call.address))
        yield f"# {number} {spec.name}: {machine.call['result']}, entry path {machine.call['entry_path']}"
        yield golden.line("goes on to", following)
        yield golden.line("done", machine.call["done"])
        kept = [bool(machine.library.get(OPENED_PATHS, struct.pack("<Q", file))) for file in caller.files]
        if not all(kept):
            yield golden.line("keeps the paths that they were opened by", kept)
        if following:
            yield from _record(machine, _RECORDS[function])


def _record(machine: Machine, name: str) -> Iterator[str]:
    kernel, size = machine.kernel, wire.layouts()[name].size
    yield golden.line("marks", sorted(machine.marks()))
    yield golden.line("share", machine.library.share(pointer(machine.s)))
    for member, value in kernel.wire(name, machine.record()).items():
        if any(value) if isinstance(value, bytes) else value and member not in _LEFT_OUT:
            yield golden.line(member, _named(kernel, value))
    used = machine.library.used(pointer(machine.s))
    yield golden.line("strings", kernel.bytes_at(machine.record() + size, used - size))


def _named(kernel: Kernel, value: int | bytes) -> int | str | bytes:
    """Return an address in terms of the memory that it is in."""
    if isinstance(value, bytes):
        return value
    if kernel.users <= value < kernel.users + _USERS:
        return f"users + {value - kernel.users}"
    return "an address of the kernel" if kernel.zeroes <= value < kernel.next else value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        kernel = compiled(Path(folder), model="program_model.c")
        golden.write(FILE, {name: described(kernel, name) for name in NAMES})
