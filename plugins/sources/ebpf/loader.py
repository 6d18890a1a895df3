"""The kernel side of the source: maps, programs, and where they are attached.

A family is compiled when it is first wanted. Each call's program is loaded on its own from the same code: the kernel
counts skipped runs per program, and so mozu knows them per event type. Attaching and detaching is a matter of
descriptors, so demand can change at any time without touching what stays.
"""

import contextlib
import errno
import os
import struct
import threading
from collections.abc import Iterable
from typing import Any, Final

from mozu.core.errors import SourceUnavailable
from mozu.plugins.sources.ebpf import checks, kernel, programs, wire
from mozu.plugins.sources.ebpf.calls import TYPES, WATCHES, Program, Watch
from mozu.plugins.sources.ebpf.compiler import compile_text

_COUNTS: Final = struct.Struct("<QQQ")
_SETTINGS: Final = struct.Struct("<IIIII")
_PROOF: Final = struct.Struct("<6QqQ")
_SCRATCH_SIZE: Final = 24848
"""sizeof(struct scratch) of bpf/record.h, which asserts it."""
_SLOTS: Final = 4
_DEPTHS: Final = (128, 64, 32)
"""Turns a walk up a path may take; the next one where the verifier finds the programs too long."""
_RAW_TRACEPOINT, _TRACEPOINT = 17, 5
"""BPF_PROG_TYPE_*."""
_SPLICE: Final = 275
_SELFTEST: Final = Program("selftest", "selftest", "sys_exit_splice")
_SELFTEST_ARGUMENTS: Final = (0x6D6F7A75_2D6D6F7A, 0x1111_2222_3333_4444, -3, 0x5555_6666_7777_0888, 4099, 0x40000000)
"""For splice, which refuses the unknown flag before it looks at anything else."""

Count = tuple[int, int, int, int | None]
"""seen, filtered, lost, missed."""


class Loader:
    """Owns every descriptor of the kernel side. `ring_size` in bytes, a power of two."""

    def __init__(self, ring_size: int) -> None:
        self._cpus = kernel.possible_cpus()
        self._stack = contextlib.ExitStack()
        self._maps: dict[str, int] = {}
        self._modules: dict[str, Any] = {}
        """Function → the compilation that holds it."""
        self._fresh: dict[str, int] = {}
        """Function → its first instance, until somebody needs one."""
        self._depth = 0
        self._kernel = programs.kernel_text(programs.read_types())
        self._tracefs = checks.tracefs()
        self._attached: dict[str, list[tuple[int, int]]] = {}
        """Event type → (program, attachment) of each of its programs."""
        self._missed_before: dict[str, int] = {}
        self._counting = threading.Lock()
        """Attaching and detaching happen on a worker thread while the loop counts."""
        self.watched: set[str] = set()
        """Event types that were ever attached."""
        self._verified: dict[str, int] = {}
        self._own = 0
        self._make_maps(ring_size)

    @property
    def ring(self) -> int:
        """Descriptor of the ring's map."""
        return self._maps["RING"]

    @property
    def attached(self) -> frozenset[str]:
        """Event types whose programs run."""
        return frozenset(self._attached)

    def _make_maps(self, ring_size: int) -> None:
        array, per_cpu = kernel.ARRAY, kernel.PERCPU_ARRAY
        wanted = {
            "RING": (kernel.RINGBUF, 0, 0, ring_size),
            "SCRATCH": (per_cpu, 4, _SCRATCH_SIZE, _SLOTS),
            "COUNTS": (per_cpu, 4, _COUNTS.size, TYPES),
            "CALLS": (array, 4, 8, TYPES),
            "SETTINGS": (array, 4, _SETTINGS.size, 1),
            "PROOF": (array, 4, _PROOF.size, 1),
        }
        for name, (kind, key, value, entries) in wanted.items():
            try:
                fd = kernel.create_map(kind, f"mozu_{name.lower()}", key=key, value=value, entries=entries)
            except OSError as error:
                raise SourceUnavailable(
                    f"source ebpf: the kernel gives no map for {name.lower()} of {value or entries} bytes ({error}); "
                    "a smaller ring_size may help"
                ) from error
            self._maps[name] = fd
            self._stack.callback(os.close, fd)
        for watch in WATCHES.values():
            kernel.update(self._maps["CALLS"], watch.number, watch.shape.packed())

    def prepare(self, names: Iterable[str]) -> None:
        """Compile what these types need, and prove that arguments can be read at a call's exit. Before `attach`."""
        self._compile([_SELFTEST, *(program for name in names for program in WATCHES[name].programs)])
        self._selftest()

    def _compile(self, chosen: Iterable[Program]) -> None:
        """Compile the families of these programs, with the longest walk that the verifier accepts."""
        wanted = {program.function: program for program in chosen}
        constants = {**self._maps, "SELFTEST_FIRST": _SELFTEST_ARGUMENTS[0], "SCRATCH_SIZE": _SCRATCH_SIZE}
        while True:
            source = programs.source_text(self._kernel, constants, _DEPTHS[self._depth], wanted.values())
            module = compile_text(source, wire.SOURCES)
            try:
                fresh = {name: self._load(module, program) for name, program in wanted.items()}
            except ProgramTooLong as error:
                self._depth += 1
                if self._depth == len(_DEPTHS):
                    raise SourceUnavailable(
                        f"source ebpf: the verifier finds the program {error} too long even with a walk of "
                        f"{_DEPTHS[-1]} steps; please report the version of this kernel"
                    ) from error
                continue
            for name, fd in fresh.items():
                self._verified[name] = kernel.program_info(fd)[1] or 0
                self._fresh[name] = fd
                self._modules[name] = module
            return

    def verified(self) -> dict[str, int]:
        """Program → instructions that the verifier looked at; it gives up at a million."""
        return dict(self._verified)

    def _instance(self, program: Program) -> int:
        """A program of one's own, with counters of its own; gives its descriptor."""
        fd = self._fresh.pop(program.function, None)
        return self._load(self._modules[program.function], program) if fd is None else fd

    def _load(self, module: Any, program: Program) -> int:
        name = programs.entry(program.function).encode()
        try:
            function = module.load_func(name, _RAW_TRACEPOINT if program.raw else _TRACEPOINT)
        except Exception as error:
            if os.strerror(errno.E2BIG) in str(error):
                raise ProgramTooLong(program.function) from error
            raise SourceUnavailable(
                f"source ebpf: the kernel refuses the program {program.function} ({error}); "
                "the verifier's log is on stderr"
            ) from error
        del module.funcs[name]
        return int(function.fd)

    def _selftest(self) -> None:
        program = self._instance(_SELFTEST)
        attachment = self._attach(_SELFTEST, program)
        try:
            result = kernel.call(_SPLICE, *_SELFTEST_ARGUMENTS)
        finally:
            for fd in (attachment, program):
                if fd is not None:
                    os.close(fd)
        *found, returned, task = _PROOF.unpack(kernel.lookup(self._maps["PROOF"], 0, _PROOF.size))
        expected = [value & 0xFFFFFFFFFFFFFFFF for value in _SELFTEST_ARGUMENTS]
        if found != expected or returned != result:
            raise SourceUnavailable(
                f"source ebpf: a call was made with {expected} and gave {result}, but the program at its exit read "
                f"{found} and {returned}; this kernel saves registers in a way that mozu does not know"
            )
        self._own = task >> 32

    def configure(
        self, *, threads: bool = False, environment: bool = False, realpath: bool = False, off: bool = False
    ) -> None:
        """Whether new threads are told of, an exec carries its environment, an open the path that it really reached.

        Never mozu's own process. `off`: nothing is seen any more, from this moment; detaching takes its time.
        """
        kernel.update(self._maps["SETTINGS"], 0, _SETTINGS.pack(self._own, threads, environment, realpath, off))

    def _attach(self, program: Program, fd: int) -> int | None:
        """Give the attachment, None where this kernel has no such tracepoint."""
        try:
            if program.raw:
                return kernel.attach_raw_tracepoint(fd, program.tracepoint)
            identifier = checks.tracepoint_id(self._tracefs, program.tracepoint)
            return None if identifier is None else kernel.attach_tracepoint(fd, identifier)
        except OSError as error:
            raise SourceUnavailable(
                f"source ebpf: the program for {program.tracepoint} cannot be attached ({error}); "
                "/proc/sys/kernel/perf_event_paranoid or a security module may forbid it"
            ) from error

    def attach(self, names: Iterable[str]) -> frozenset[str]:
        """Begin to watch these event types, compiling what is new; gives those that this kernel does not have."""
        fresh = [WATCHES[name] for name in names if name not in self._attached]
        new = [p for watch in fresh for p in watch.programs if p.function not in self._modules]
        if new:
            self._compile(new)
        return frozenset(watch.name for watch in fresh if not self._attach_watch(watch))

    def _attach_watch(self, watch: Watch) -> bool:
        pairs: list[tuple[int, int]] = []
        for program in watch.programs:
            fd = self._instance(program)
            attachment = self._attach(program, fd)
            if attachment is None:
                os.close(fd)
                continue
            pairs.append((fd, attachment))
        if pairs:
            self._attached[watch.name] = pairs
            self.watched.add(watch.name)
        return bool(pairs)

    def detach(self, names: Iterable[str]) -> None:
        """Watch these no longer; what they counted stays.

        Takes milliseconds each: the kernel waits until no CPU runs them.
        """
        for name in names:
            pairs = self._attached.get(name, [])
            for _, attachment in pairs:
                os.close(attachment)
            with self._counting:
                self._missed_before[name] = self._missed_before.get(name, 0) + (self._misses(pairs) or 0)
                self._attached.pop(name, None)
            for program, _ in pairs:
                os.close(program)

    def _misses(self, pairs: list[tuple[int, int]]) -> int | None:
        found = [kernel.program_info(program)[0] for program, _ in pairs]
        known = [count for count in found if count is not None]
        return sum(known) if len(known) == len(found) else None

    def count(self, name: str) -> Count:
        """What the kernel counted of one event type since the start, detached times included."""
        raw = kernel.lookup(self._maps["COUNTS"], WATCHES[name].number, _COUNTS.size * self._cpus)
        seen, filtered, lost = (sum(column) for column in zip(*_COUNTS.iter_unpack(raw), strict=True))
        with self._counting:
            misses = self._misses(self._attached.get(name, []))
            missed = None if misses is None else misses + self._missed_before.get(name, 0)
        return seen + (missed or 0), filtered, lost, missed

    def close(self) -> None:
        """Detach everything and give all memory back."""
        self.detach(list(self._attached))
        for fd in self._fresh.values():
            os.close(fd)
        for module in {id(module): module for module in self._modules.values()}.values():
            module.cleanup()
        self._fresh.clear()
        self._modules.clear()
        self._stack.close()


class ProgramTooLong(Exception):
    """The verifier gave up; a shorter walk may pass."""
